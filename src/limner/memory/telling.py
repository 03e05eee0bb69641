"""What a text that holds facts looks like to an encoder, whatever is asked: small talk ranks below it.

The direction is fitted together with the weights of `limner.memory.fusion` (`benchmarks/fit_recall.py`), for one encoder each.
"""

import json
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

__all__ = ("telling_direction",)


@cache
def telling_direction(encoder: str) -> NDArray[np.float32] | None:
    """Return the direction, of unit length, in which texts that hold facts lie; none if it was not fitted for this encoder.

    Args:
        encoder: Its name.
    """
    path = files("limner.memory") / "fitted" / f"{encoder.replace('/', '--')}.json"
    if not path.is_file():
        return None
    direction = np.array(json.loads(path.read_text("utf-8")), dtype=np.float32)
    return direction / np.linalg.norm(direction)

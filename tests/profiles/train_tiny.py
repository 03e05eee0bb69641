"""Trains an adapter on a tiny model, slowly; run by the test that kills it."""

import sys
import time
from pathlib import Path

from lettingo_run import aligned


def slowly(stage: str, done: int, total: int) -> None:
    sys.stdout.write(f"{stage} {done} {total}\n")
    sys.stdout.flush()
    time.sleep(0.5)


aligned(Path(sys.argv[1]), Path(sys.argv[2]), progress=slowly)

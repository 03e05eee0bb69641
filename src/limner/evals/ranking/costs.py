"""What a recommender costs: seconds to fit and to ask, megabytes while fitting and of the fitted model."""

import contextlib
import ctypes
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from limner.tools.recommenders.protocol import Recommender

__all__ = ["Timed", "measured", "saved_mb"]

_PROCESS = Path("/proc/self")
_MB = 1e6


class Timed:
    """Seconds, and the most memory that the process took beyond what it held before."""

    seconds: float = 0.0
    peak_mb: float | None = None
    """None where the system does not tell: it does on Linux."""


@contextmanager
def measured() -> Iterator[Timed]:
    """Measure what is done in the block.

    The peak is of resident memory, so it holds what torch and compiled libraries take, which Python's own `tracemalloc` does not see, and what is
    imported on the way. What was freed before goes back to the system first, as far as it can; the rest is used again and not seen.
    """
    timed, before = Timed(), _resident("VmRSS") if _peak_forgotten() else None
    started = time.perf_counter()
    try:
        yield timed
    finally:
        timed.seconds = time.perf_counter() - started
        peak = _resident("VmHWM")
        if before is not None and peak is not None:
            timed.peak_mb = max(0.0, peak - before)


def _peak_forgotten() -> bool:
    """Make the system count the peak from now on; return whether it does (proc(5), `clear_refs`)."""
    with contextlib.suppress(OSError, AttributeError):  # glibc alone has it
        ctypes.CDLL(None).malloc_trim(0)
    try:
        (_PROCESS / "clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _resident(field: str) -> float | None:
    try:
        lines = (_PROCESS / "status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 / _MB for line in lines if line.startswith(f"{field}:")), None)


def saved_mb(model: Recommender) -> float:
    """Return the size of a fitted model: the bytes of the arrays that it saves, which are what a query needs.

    The catalogue, which every model saves, and what describes the model are JSON and not counted.
    """
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model")
        files = (path for path in Path(folder).rglob("*") if path.is_file() and path.suffix != ".json")
        return sum(path.stat().st_size for path in files) / _MB

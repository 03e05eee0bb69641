"""Looking for what should be gone: words in every form, and vectors, in every file of a folder."""

import zipfile
from collections.abc import Iterator, Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np

__all__ = ["remains"]

_WIDTH = 1 << 15
"""Numbers that are correlated at once."""


def remains(folder: Path, words: str, vectors: Sequence[np.ndarray] = (), *, since: float = 0.0) -> list[str]:
    """Name every file in which the words, in any case, or one of the vectors can still be read, inside archives too.

    Files that were last written before `since`, in seconds since the epoch, hold nothing of what came later, and are
    passed over.
    """
    needles = {w.encode(form) for w in (words.lower(), words.upper()) for form in ("utf-8", "utf-16-le")}
    found = []
    for name, data in _contents(folder, since):
        lower, upper = data.lower(), data.upper()
        found += [f"{name}: {needle!r}" for needle in needles if needle in lower or needle in upper]
        for offset in range(4):  # float32 values at every alignment
            numbers = np.frombuffer(data[offset:], dtype="<f4", count=(len(data) - offset) // 4)
            found += [f"{name}: vector"] * _near(numbers, vectors)
    return found


def _contents(folder: Path, since: float) -> Iterator[tuple[str, bytes]]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.stat().st_mtime >= since):
        data = path.read_bytes()
        yield str(path.relative_to(folder)), str(path).encode() + b"\0" * 4 + data
        if zipfile.is_zipfile(BytesIO(data)):
            with zipfile.ZipFile(BytesIO(data)) as archive:
                for name in archive.namelist():
                    yield f"{path.relative_to(folder)}/{name}", archive.read(name)


def _near(numbers: np.ndarray, vectors: Sequence[np.ndarray]) -> int:
    """Return for how many vectors a stretch of `numbers` has a cosine within 1e-3 of 1 with it."""
    if not len(vectors) or len(numbers) < len(vectors[0]):
        return 0
    n = len(vectors[0])
    # A unit vector has no component beyond 1; anything larger would only drown the sums in rounding.
    clean = np.where(np.abs(numbers) <= 1.01, numbers, 0.0).astype(np.float64)
    width = min(_WIDTH, 1 << (len(clean) + n).bit_length())
    spectra = [_spectrum(vector.astype(np.float64).tobytes(), width) for vector in vectors]
    near: set[int] = set()
    for start in range(0, len(clean) - n + 1, width - n + 1):
        part = clean[start : start + width]
        places = len(part) - n + 1
        squares = np.concatenate([[0.0], np.cumsum(part**2)])
        norms = np.sqrt(np.maximum(squares[n:] - squares[:-n], 0.0))
        if norms.max() < 0.5:
            continue
        transformed = np.fft.rfft(part, width)
        for which, spectrum in enumerate(spectra):
            dots = np.fft.irfft(transformed * spectrum, width)[:places]
            if (dots > (1 - 1e-3) * np.maximum(norms, 0.1)).any():
                near.add(which)
    return len(near)


@lru_cache(maxsize=256)
def _spectrum(vector: bytes, width: int) -> np.ndarray:
    return np.conj(np.fft.rfft(np.frombuffer(vector), width))

"""Looking for what should be gone: words in every form, and vectors, in every file of a folder."""

import zipfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

__all__ = ["remains"]

_WIDTH = 1 << 15
"""Numbers that are correlated at once."""


def remains(folder: Path, words: str, vectors: Sequence[np.ndarray] = ()) -> list[str]:
    """Name every file in which the words, in any case, or one of the vectors can still be read, inside archives too."""
    needles = {w.encode(form) for w in (words.lower(), words.upper()) for form in ("utf-8", "utf-16-le")}
    found = []
    for name, data in _contents(folder):
        lower, upper = data.lower(), data.upper()
        found += [f"{name}: {needle!r}" for needle in needles if needle in lower or needle in upper]
        for offset in range(4):  # float32 values at every alignment
            numbers = np.frombuffer(data[offset:], dtype="<f4", count=(len(data) - offset) // 4)
            found += [f"{name}: vector"] * _near(numbers, vectors)
    return found


def _contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
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
    spectra = [np.conj(np.fft.rfft(vector.astype(np.float64), _WIDTH)) for vector in vectors]
    near: set[int] = set()
    for start in range(0, len(clean) - n + 1, _WIDTH - n + 1):
        part = clean[start : start + _WIDTH]
        places = len(part) - n + 1
        squares = np.concatenate([[0.0], np.cumsum(part**2)])
        norms = np.sqrt(np.maximum(squares[n:] - squares[:-n], 0.0))
        if norms.max() < 0.5:
            continue
        transformed = np.fft.rfft(part, _WIDTH)
        for which, spectrum in enumerate(spectra):
            dots = np.fft.irfft(transformed * spectrum, _WIDTH)[:places]
            if (dots > (1 - 1e-3) * np.maximum(norms, 0.1)).any():
                near.add(which)
    return len(near)

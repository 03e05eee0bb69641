"""Short hashes of what a run hangs on, so that answers to different questions are never mixed."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from limner.tools import Dataset

__all__ = ["code_hash", "data_hash", "run_key"]

_LENGTH = 12


def data_hash(dataset: Dataset) -> str:
    """Return a hash of interactions and catalogue."""
    frame = dataset.interactions.frame.select("user", "item", "value", "time")
    rows = hashlib.sha256(frame.write_csv().encode()).hexdigest()
    return hashlib.sha256(f"{rows} {dataset.catalogue.version}".encode()).hexdigest()[:_LENGTH]


def code_hash(packages: Sequence[str]) -> str:
    """Return a hash of the code and the prompts of some packages."""
    digest = hashlib.sha256()
    for package in packages:
        for path, content in _sources(files(package)):
            digest.update(path.encode() + b"\0" + content)
    return digest.hexdigest()[:_LENGTH]


def run_key(about: Mapping[str, Any]) -> str:
    """Return a name for the folder of a run, from everything that it hangs on."""
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:_LENGTH]


def _sources(place: Traversable) -> list[tuple[str, bytes]]:
    found = []
    for one in sorted(place.iterdir(), key=lambda one: one.name):
        if one.is_dir():
            found += _sources(one) if one.name != "__pycache__" else []
        elif one.name.endswith((".py", ".md")):
            found.append((one.name, one.read_bytes()))
    return found

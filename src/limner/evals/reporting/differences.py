"""In what the runs of one task differ, and whether that forbids to compare them."""

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from limner.evals.results import Result

__all__ = ["Note", "shared", "warnings_of"]


@dataclass(frozen=True)
class Note:
    """One thing in which the runs differ."""

    text: str
    grave: bool
    """Whether their figures cannot be held against each other."""


def warnings_of(results: Sequence[Result]) -> list[Note]:
    """Return what to know before the runs of one task are compared, the grave first.

    Data, seed and limit decide which questions are asked, so runs that differ there answered other questions. Other
    parameters, prompts and versions may be what the comparison is about; they are named.
    """
    notes = [
        Note(f"Run {number} did not end well: {result.status}.", grave=True)
        for number, result in enumerate(results, start=1)
        if result.status != "success"
    ]
    if len(results) > 1:
        notes += _grave(results) + _named(results)
    return sorted(notes, key=lambda note: not note.grave)


def shared(numbers: Sequence[Hashable], runs: int) -> tuple[int, ...]:
    """Return the numbers of the runs that have something in common; none where it is all of them."""
    own = tuple(number for number in numbers if isinstance(number, int))
    return () if len(own) == runs else own


def _grave(results: Sequence[Result]) -> list[Note]:
    found = [
        _differing(results, "data", lambda one: _hashes(one.data)),
        _differing(results, "seeds", lambda one: str(one.seed)),
        _differing(results, "limits", lambda one: _plain(one.parameters.get("limit"))),
    ]
    notes = [Note(f"Not comparable: {text}", grave=True) for text in found if text]
    answered = {frozenset(item.id for item in one.items) for one in results if one.items}
    if not notes and len(answered) > 1:
        notes.append(
            Note("Not comparable as they stand: the runs did not answer the same questions.", grave=True)
        )
    return notes


def _named(results: Sequence[Result]) -> list[Note]:
    names = sorted({name for one in results for name in one.parameters} - {"limit"})
    found = [
        *(_differing(results, name, _parameter(name)) for name in names),
        _differing(results, "prompts", lambda one: _hashes(one.prompts)),
        _differing(results, "model settings", lambda one: _plain(dict(one.model_settings))),
        _differing(results, "versions of limner", lambda one: one.limner),
    ]
    return [Note(text[0].upper() + text[1:], grave=False) for text in found if text]


def _parameter(name: str) -> Callable[[Result], str]:
    return lambda result: _plain(result.parameters.get(name))


def _differing(results: Sequence[Result], what: str, of: Callable[[Result], str]) -> str:
    """Return a sentence that tells which runs have which value, or nothing where they agree."""
    runs: dict[str, list[str]] = {}
    for number, result in enumerate(results, start=1):
        runs.setdefault(of(result), []).append(str(number))
    if len(runs) < 2:
        return ""
    told = "; ".join(
        f"{value} in {'run' if len(numbers) == 1 else 'runs'} {', '.join(numbers)}"
        for value, numbers in runs.items()
    )
    return f"different {what}: {told}."


def _hashes(files: Mapping[str, str]) -> str:
    return ", ".join(sorted(digest[:12] for digest in files.values())) or "none"


def _plain(value: object) -> str:
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value, default=str)

"""PersonaFeedback's files: personas, and pairs of replies of which people chose one."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from limner.evals.records import Turn
from limner.evals.sources import DataError, Row, Source

__all__ = ["SOURCE", "Pair", "Pairs", "load_pairs"]

SOURCE = Source(
    "PersonaFeedback",
    "https://huggingface.co/datasets/PersonalAILab/PersonaFeedback",
    "a folder with persona/all_personas.jsonl (one persona a line: Name, Demographics, Personality, Preference, …) and "
    "data/{general,spedific}/{easy,medium,hard}.jsonl (user_id, question, chosen, reject; user_id is the line of the persona, "
    "counted from 1).",
)
_TASKS = {"specific": ("spedific", "specific"), "general": ("general",)}
"""The folders of each task; the first one of `specific` is misspelt as published."""
_TIERS = ("easy", "medium", "hard")


@dataclass(frozen=True)
class Pair:
    """Two replies to one request."""

    id: str
    group: str
    """Task and tier, such as `specific hard`."""
    persona: str
    """Key of who asks."""
    question: str
    chosen: str
    rejected: str


@dataclass(frozen=True)
class Pairs:
    """All pairs of a folder, and who asks."""

    pairs: tuple[Pair, ...]
    histories: Mapping[str, tuple[Turn, ...]]
    """What is known of each persona: one turn a trait, as `Demographics, Age: 34`."""
    files: tuple[Path, ...]
    counted: Mapping[str, int]


def load_pairs(data: str | Path) -> Pairs:
    """Read the tiers that a folder has.

    Args:
        data: A copy of the published folder; tiers may be missing, which is counted.

    Raises:
        DataError: The personas are missing, no tier is there, or a file is malformed.
    """
    folder = SOURCE.found(data, folder=True)
    people = SOURCE.found(folder / "persona" / "all_personas.jsonl")
    personas = [Row.of(people, number, value) for number, value in SOURCE.json_lines(people)]
    files, pairs, counted = [people], list[Pair](), Counter[str]()
    for task, names in _TASKS.items():
        for tier in _TIERS:
            path = _tier_file(folder, names, tier)
            if path is None:
                counted["tier without a file"] += 1
                continue
            files.append(path)
            pairs += _tier(path, f"{task} {tier}", len(personas))
    if not pairs:
        raise DataError(folder, f"holds no pair of replies. {SOURCE.advice}")
    counted["pair of equal replies"] = sum(pair.chosen == pair.rejected for pair in pairs)
    asking = {pair.persona for pair in pairs}
    histories = {str(line): _traits(row) for line, row in enumerate(personas, start=1) if str(line) in asking}
    counted["persona of whom nothing is told"] = sum(not traits for traits in histories.values())
    return Pairs(tuple(pairs), histories, tuple(files), {what: n for what, n in counted.items() if n})


def _tier_file(folder: Path, names: tuple[str, ...], tier: str) -> Path | None:
    places = [folder / "data" / name / f"{tier}.jsonl" for name in names]
    return next((place for place in places if place.is_file()), None)


def _tier(path: Path, group: str, personas: int) -> Iterator[Pair]:
    for number, value in SOURCE.json_lines(path):
        row = Row.of(path, number, value)
        yield Pair(
            id=f"{group.replace(' ', '-')}-{number}",
            group=group,
            persona=str(row.whole("user_id", 1, personas)),
            question=row.text("question"),
            chosen=row.text("chosen").strip(),
            rejected=row.text("reject").strip(),
        )


def _traits(persona: Row) -> tuple[Turn, ...]:
    try:
        lines = list(_lines(persona.fields, ()))
    except RecursionError as error:
        raise persona.error(None, "is nested too deeply") from error
    return tuple(Turn(line, id=str(place)) for place, line in enumerate(lines))


def _lines(value: object, path: tuple[str, ...]) -> Iterator[str]:
    """Yield the traits of a persona, each with the headings above it, for a line must be understood alone."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _lines(part, (*path, str(key).replace("_", " ")))
    elif isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
        for part in value:
            yield from _lines(part, path)
    else:
        parts = value if isinstance(value, list) else [value]
        text = ", ".join(str(part).strip() for part in parts if part is not None and str(part).strip())
        if text:
            yield f"{', '.join(path)}: {text}" if path else text

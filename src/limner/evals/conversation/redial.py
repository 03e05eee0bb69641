"""ReDial: real conversations in which somebody recommends films to somebody else, and the films that they talk about."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from limner.evals.sources import DataError, Row, Source
from limner.evals.toolrec.cases import Half, drawn
from limner.memory.records import AttributeValue
from limner.tools import Catalogue, Dataset, Interactions, Item
from limner.tools.attributes import Kind
from limner.tools.names import same

__all__ = ["SOURCE", "RedialData", "RedialTurn", "Speaker", "load_redial"]

SOURCE = Source(
    "ReDial",
    "https://redialdata.github.io/website",
    "a folder with id2info.json (film id -> name, genre, director, writer, star, plot, imdb_id) and test_turns.jsonl (dialog_id, "
    "turn_id, context, entity, rec; one turn that recommends a line).",
)
Speaker = Literal["seeker", "recommender"]

_KINDS: Mapping[str, Kind] = {
    "genre": "categories",
    "director": "categories",
    "writer": "categories",
    "star": "categories",
    "year": "number",
}
_YEAR = re.compile(r"\s*\((\d{4})\)\s*$")


@dataclass(frozen=True)
class RedialTurn:
    """One turn of a real conversation in which films were recommended, and everything said before it."""

    dialogue: str
    turn: int
    context: tuple[tuple[Speaker, str], ...]
    """Who said what, in order; the seeker said the last of it."""
    targets: tuple[str, ...]
    """Ids of what the person recommended; one film that the catalogue lists twice is there with both ids."""
    mentioned: tuple[str, ...]
    """Ids of the films that either of the two mentioned before, in order, likewise."""

    @property
    def new_targets(self) -> tuple[str, ...]:
        """The targets that nobody had mentioned yet."""
        return tuple(item_id for item_id in self.targets if item_id not in self.mentioned)


@dataclass(frozen=True)
class RedialData:
    """What a folder holds."""

    catalogue: Catalogue
    turns: tuple[RedialTurn, ...]
    """In the order of the file, without those of which no target is in the catalogue."""
    counted: Mapping[str, int]
    """Oddities that were met, and how often."""
    files: tuple[Path, ...] = ()
    seed: int = 0
    """Which the halves are drawn with."""

    def half(self, half: Half) -> tuple[RedialTurn, ...]:
        """Return the turns of one half of the dialogues; no dialogue has turns in both.

        Raises:
            InputError: There is no such half.
        """
        own = set(drawn(sorted({turn.dialogue for turn in self.turns}), half, None, self.seed))
        return tuple(turn for turn in self.turns if turn.dialogue in own)

    def interactions(self, half: Half = "dev") -> Interactions:
        """Return which films the dialogues of one half name, in order: each film once a dialogue, and what counts as one user.

        Their values are 1, for a mention is no rating; their times are places in the dialogue.

        Raises:
            InputError: There is no such half.
        """
        named: dict[str, dict[str, None]] = {}
        for turn in sorted(self.half(half), key=lambda turn: (turn.dialogue, turn.turn)):
            films = named.setdefault(turn.dialogue, {})
            films.update(dict.fromkeys((*turn.mentioned, *turn.targets)))
        return Interactions.from_rows(
            (dialogue, item_id, 1.0, float(place))
            for dialogue, films in named.items()
            for place, item_id in enumerate(films)
        )

    def dataset(self, half: Half = "dev") -> Dataset:
        """Return what a recommender can be fitted on that shall know nothing of the other half.

        Raises:
            InputError: There is no such half.
        """
        return Dataset("redial", self.catalogue, self.interactions(half), item_type="film")


def load_redial(folder: str | Path, *, seed: int = 0) -> RedialData:
    """Read a folder with the films and the recommending turns of ReDial (Li et al. 2018, "Towards Deep Conversational Recommendations").

    A recommended title counts as the film of that very title, else as the film that is called so but for case, accents, punctuation, article
    and year. Of the films mentioned before, only very titles count: the file also lists words such as "war" and names among them.

    Args:
        folder: Holds `id2info.json` and `test_turns.jsonl`.
        seed: Of the halves.

    Raises:
        DataError: The folder or a file is missing or malformed; the message names file, row and field.
    """
    place = SOURCE.found(folder, folder=True)
    films, turns = SOURCE.found(place / "id2info.json"), SOURCE.found(place / "test_turns.jsonl")
    infos = _infos(films)
    catalogue = Catalogue((_item(row) for row in infos), kinds=_KINDS)
    titles = _Titles(catalogue, infos)
    read = [_turn(row, titles) for row in _rows(turns)]
    counted = {
        "recommended title that no film has": len(titles.unknown),
        "turn without a known target": sum(not turn.targets for turn in read),
        "id of a film that has another id as well": titles.doubles,
    }
    kept = tuple(turn for turn in read if turn.targets)
    if not kept:
        raise DataError(turns, f"has no turn that recommends a film of {films.name}. {SOURCE.advice}")
    return RedialData(catalogue, kept, {what: n for what, n in counted.items() if n}, (films, turns), seed)


def _infos(path: Path) -> list[Row]:
    value = SOURCE.json(path)
    if not isinstance(value, dict) or not value:
        raise DataError(path, f"holds no films by id. {SOURCE.advice}")
    return [Row.of(path, item_id, info) for item_id, info in value.items()]


def _rows(path: Path) -> list[Row]:
    rows = [Row.of(path, number, value) for number, value in SOURCE.json_lines(path)]
    seen: set[tuple[str, int]] = set()
    for row in rows:
        key = row.words("dialog_id"), row.whole("turn_id", 0)
        if key in seen:
            raise row.error("turn_id", f"turn {key[1]} of dialogue {key[0]} occurs before")
        seen.add(key)
    return rows


def _item(row: Row) -> Item:
    title = row.text("name").strip()
    attributes: dict[str, AttributeValue] = {}
    for name, kind in _KINDS.items():
        if kind == "categories" and (values := _texts(row, name)):
            attributes[name] = values
    if year := _YEAR.search(title):
        attributes["year"] = float(year[1])
    plot = row.text("plot", empty=True).strip() if row.has("plot") else ""
    return Item(id=str(row.number), title=title, attributes=attributes, description=plot)


def _texts(row: Row, field: str) -> tuple[str, ...]:
    """Return the texts of a list that may be missing, each once, without blank ones."""
    values: list[Any] = row.items(field) if row.has(field) else []
    if not all(isinstance(value, str) for value in values):
        raise row.error(field, "holds something that is no text")
    return tuple(dict.fromkeys(value.strip() for value in values if value.strip()))


def _turn(row: Row, titles: "_Titles") -> RedialTurn:
    said = row.items("context")
    if not said or not all(isinstance(text, str) for text in said) or not said[-1].strip():
        raise row.error("context", "is no list of texts whose last one, the seeker's, says something")
    speakers: tuple[Speaker, Speaker] = ("seeker", "recommender")
    context = [(speakers[(len(said) - 1 - place) % 2], text.strip()) for place, text in enumerate(said)]
    return RedialTurn(
        dialogue=row.words("dialog_id"),
        turn=row.whole("turn_id", 0),
        context=tuple((speaker, text) for speaker, text in context if text),
        targets=titles.recommended(_texts(row, "rec")),
        mentioned=titles.mentioned(_texts(row, "entity")),
    )


class _Titles:
    """Finds films by title, and with each the same film under other ids."""

    def __init__(self, catalogue: Catalogue, infos: Iterable[Row]) -> None:
        self._by_title: dict[str, list[str]] = {}
        by_imdb: dict[str, list[Item]] = {}
        for item, info in zip(catalogue, infos, strict=True):
            self._by_title.setdefault(item.title, []).append(item.id)
            if info.has("imdb_id"):
                by_imdb.setdefault(info.words("imdb_id"), []).append(item)
        self._twins = _twins(by_imdb.values())
        self.unknown: set[str] = set()

    @property
    def doubles(self) -> int:
        """Number of ids whose film the catalogue lists under another id as well."""
        return len(self._twins)

    def recommended(self, titles: Iterable[str]) -> tuple[str, ...]:
        """Return the ids of the films of these titles, and note the titles that no film has."""
        found: list[str] = []
        for title in titles:
            names = [title] if title in self._by_title else self._called(title)
            if not names:
                self.unknown.add(title)
            found += [item_id for name in names for item_id in self._by_title[name]]
        return self._with_twins(found)

    def _called(self, title: str) -> list[str]:
        # A film that is listed without a year may be the one of any year.
        undated = [name for name in self._by_title if not _YEAR.search(name)]
        return same(title, self._by_title) or same(_YEAR.sub("", title), undated)

    def mentioned(self, titles: Iterable[str]) -> tuple[str, ...]:
        """Return the ids of the films of exactly these titles."""
        return self._with_twins(item_id for title in titles for item_id in self._by_title.get(title, ()))

    def _with_twins(self, item_ids: Iterable[str]) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(t for item_id in item_ids for t in (item_id, *self._twins.get(item_id, ())))
        )


def _twins(groups: Iterable[Sequence[Item]]) -> dict[str, list[str]]:
    """Return the other ids of the films that are listed more than once, by id.

    The file gives some films the IMDb id of another one, so the title has to agree as well.
    """
    twins: dict[str, list[str]] = {}
    for group in groups:
        for one, other in combinations(group, 2):
            years = {item.attributes["year"] for item in (one, other) if "year" in item.attributes}
            bare = [_YEAR.sub("", item.title) or item.title for item in (one, other)]
            if len(years) < 2 and same(bare[0], bare[1:]):
                twins.setdefault(one.id, []).append(other.id)
                twins.setdefault(other.id, []).append(one.id)
    return twins

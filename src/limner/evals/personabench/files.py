"""PersonaBench's files: communities of people, their private documents, and the questions about them."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from limner.evals.records import Turn, Utterance
from limner.evals.sources import DataError, Row, Source

__all__ = ["SOURCE", "Asking", "Communities", "load_communities"]

SOURCE = Source(
    "PersonaBench",
    "https://github.com/SalesforceAIResearch/personabench",
    "a folder holding community_0 (and community_1, …), or one of them, as eval_data/eval_data_v1/synthetic_data does; "
    "each has eval_info/eval_info_all.json, eval_info/qa_gt_context_all_noise_0.5.json and "
    "private_data/noise_0.5/{conversation,user_ai_interaction,purchase_history}_data_all.json.",
)
_DOCUMENTS = ("conversation", "user_ai_interaction", "purchase_history")
_HIDDEN = frozenset({"segment_id", "session"})
_PLAIN = {"Basic information", "Social", "Subjective"}


@dataclass(frozen=True)
class Asking:
    """One question about one person."""

    id: str
    text: str
    group: str
    """`Basic information`, `Preference easy`, `Preference hard` or `Social`: the columns of the paper's tables."""
    person: str
    """`community/name`, the key of the person's documents."""
    answers: tuple[str, ...]
    """The terms of the answer."""
    outdated: tuple[str, ...]
    """Terms that were true once; none where nothing changed."""
    gold: tuple[tuple[str, ...], ...]
    """For each term of the answer the sessions that tell it, any one of which will do."""


@dataclass(frozen=True)
class Communities:
    """All that is asked of and known about the people of some communities."""

    asked: tuple[Asking, ...]
    histories: Mapping[str, tuple[Turn, ...]]
    """One turn a session, in the order of time; the text is the session as JSON."""
    files: tuple[Path, ...]
    counted: Mapping[str, int]


def load_communities(data: str | Path, noise: float) -> Communities:
    """Read one community or all communities of a folder.

    Args:
        data: The folder.
        noise: Which of the published noise levels: the share of sessions that tell nothing of what is asked.

    Raises:
        DataError: A file is missing or malformed, this noise level is not among the files, or there is no question.
    """
    folder = SOURCE.found(data, folder=True).resolve()
    reading = _Reading(noise)
    for community in _communities(folder):
        reading.community(community)
    if not reading.asked:
        raise DataError(folder, f"holds no question that counts. {SOURCE.advice}")
    histories = {
        person: tuple(sorted(turns, key=_moment))
        for person, turns in reading.histories.items()
        if person in reading.people
    }
    return Communities(tuple(reading.asked), histories, tuple(reading.files), dict(reading.counted))


def _communities(folder: Path) -> list[Path]:
    if (folder / "eval_info").is_dir():
        return [folder]
    found = [place for place in folder.iterdir() if place.is_dir() and place.name.startswith("community_")]
    if not found:
        raise DataError(folder, f"holds no community. {SOURCE.advice}")
    return sorted(found, key=lambda place: (len(place.name), place.name))


def _moment(turn: Turn) -> datetime:
    return turn.at or datetime.max.replace(tzinfo=UTC)


class _Reading:
    """What was read so far."""

    def __init__(self, noise: float) -> None:
        self.noise = noise
        self.asked: list[Asking] = []
        self.people: set[str] = set()
        self.ids: set[str] = set()
        self.histories: dict[str, list[Turn]] = {}
        self.files: list[Path] = []
        self.counted: Counter[str] = Counter()

    def community(self, folder: Path) -> None:
        level = _level(folder, self.noise)
        documented = self._documents(folder, level)
        contexts = self._contexts(folder / "eval_info" / f"qa_gt_context_all_{level}.json")
        with_questions: set[str] = set()
        for entry in self._rows(folder / "eval_info" / "eval_info_all.json"):
            name = entry.text("Name")
            if name in with_questions:
                raise entry.error("Name", f"{name!r} is there twice")
            with_questions.add(name)
            if name not in documented:
                self.counted["person without documents, left out"] += 1
                continue
            for row in Row.of(entry.path, f"{entry.number}/Eval_Info", entry.fields.get("Eval_Info")).rows(
                "qa"
            ):
                self._question(row, f"{folder.name}/{name}", contexts)
        self.counted["person with documents and no questions"] += len(documented - with_questions)

    def _question(self, row: Row, person: str, contexts: Mapping[str, Row]) -> None:
        id_ = row.text("q_id")
        if id_ in self.ids:
            raise row.error("q_id", f"{id_!r} is there twice")
        self.ids.add(id_)
        group = _group(row)
        if group is None:
            self.counted["subjective question, left out as in the published scores"] += 1
            return
        if id_ not in contexts:
            raise row.error("q_id", f"{id_!r} has no gold sessions in the file qa_gt_context_all_…")
        answers = _terms(row, "answer")
        if not answers:
            self.counted["question without an answer"] += 1
        gold = _gold(contexts[id_])
        there = {turn.id for turn in self.histories[person]}
        self.counted["gold session that is not among the documents"] += sum(
            segment not in there for segments in gold for segment in segments
        )
        self.people.add(person)
        self.asked.append(
            Asking(id_, row.text("question"), group, person, answers, _terms(row, "outdated_value"), gold)
        )

    def _contexts(self, path: Path) -> dict[str, Row]:
        contexts: dict[str, Row] = {}
        for row in self._rows(path):
            if row.text("q_id") in contexts:
                raise row.error("q_id", f"{row.text('q_id')!r} is there twice")
            contexts[row.text("q_id")] = row
        return contexts

    def _documents(self, folder: Path, level: str) -> set[str]:
        names: list[set[str]] = []
        for kind in _DOCUMENTS:
            path = folder / "private_data" / level / f"{kind}_data_all.json"
            people = self._rows(path)
            names.append({row.text("Name") for row in people})
            if len(names[-1]) < len(people) or names[-1] != names[0]:
                raise DataError(path, "must name each person of the folder's other files once", field="Name")
            for row in people:
                turns = self.histories.setdefault(f"{folder.name}/{row.text('Name')}", [])
                person = row.text("Name")
                turns.extend(self._turn(session, kind, person) for session in _sessions(row, kind))
                _distinct(turns, row)
        return names[0]

    def _turn(self, session: Row, kind: str, person: str) -> Turn:
        at = _time(session.fields.get("time"))
        if at is None:
            self.counted["session without a readable time, put last"] += 1
        name = session.text("segment_id")
        said = tuple(_utterances(session.fields.get(kind), person))
        return Turn(_serialised(session), id=name, at=at, session=name, utterances=said)

    def _rows(self, path: Path) -> list[Row]:
        self.files.append(SOURCE.found(path))
        return SOURCE.rows(path, SOURCE.json(path))


def _level(folder: Path, noise: float) -> str:
    """Return the name of a noise level's folder, such as `noise_0.5`."""
    place = SOURCE.found(folder / "private_data", folder=True)
    levels = {
        one.name: _number(one.name.removeprefix("noise_"))
        for one in sorted(place.glob("noise_*"))
        if one.is_dir()
    }
    for name, level in levels.items():
        if math.isclose(level, noise, abs_tol=1e-9):
            return name
    there = ", ".join(f"{level:g}" for level in sorted(levels.values())) or "none"
    raise DataError(
        place, f"has no documents at noise {noise:g}; there are those at: {there}. {SOURCE.advice}"
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _sessions(person: Row, kind: str) -> Iterator[Row]:
    for row in person.rows("Data"):
        if kind == "conversation":  # grouped by whom they are with
            yield from row.rows("Conversations")
        else:
            yield row


def _distinct(turns: list[Turn], person: Row) -> None:
    (most,) = Counter(turn.id for turn in turns).most_common(1) or [(None, 0)]
    if most[1] > 1:
        raise person.error("segment_id", f"{most[0]!r} is there twice")


def _utterances(parts: object, person: str) -> Iterator[Utterance]:
    """Yield what is said, and each thing that is bought, in a session; nothing of a shape that is not known."""
    for part in parts if isinstance(parts, list) else []:
        if not isinstance(part, dict):
            continue
        role, content = part.get("role"), part.get("content")
        if isinstance(content, str):
            if role == "assistant":
                yield Utterance(content, "assistant")
            elif role in ("user", person):
                yield Utterance(content)
            else:
                yield Utterance(f"{role}: {content}", "application")
        else:
            yield Utterance("Bought " + "; ".join(_words(value) for value in part.values()))


def _words(value: object) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def _serialised(session: Row) -> str:
    """Return a session as the published retrieval sees it: JSON without the ids, spaces and accents of the file."""
    try:
        return json.dumps(_without_ids(dict(session.fields)), separators=(",", ":"))
    except RecursionError as error:
        raise session.error(None, "is nested too deeply") from error


def _without_ids(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_ids(part) for key, part in value.items() if key not in _HIDDEN}
    if isinstance(value, list):
        return [_without_ids(part) for part in value]
    return value


def _time(value: object) -> datetime | None:
    """Read `2024/Oct/14/07:44 AM`; the files tell no zone, so it is taken as UTC."""
    try:
        return datetime.strptime(str(value), "%Y/%b/%d/%I:%M %p").replace(tzinfo=UTC)
    except ValueError:
        return None


def _group(row: Row) -> str | None:
    """Return the column of the published tables that a question counts in; none for subjective ones."""
    kind = row.text("type")
    if kind == "Preference":
        difficulty = row.text("difficulty")
        if difficulty not in {"easy", "hard"}:
            raise row.error("difficulty", f"is {difficulty!r:.60} where 'easy' or 'hard' is expected")
        return f"Preference {difficulty}"
    if kind not in _PLAIN:
        raise row.error("type", f"is {kind!r:.60} where one of {sorted({*_PLAIN, 'Preference'})} is expected")
    return None if kind == "Subjective" else kind


def _terms(row: Row, field: str) -> tuple[str, ...]:
    """Return the terms of an answer, which is one term, a list of them, or null."""
    if field not in row.fields:
        raise row.error(field, "is missing")
    value = row.fields[field]
    if isinstance(value, dict):
        raise row.error(field, "is an object where a text, a number, a list or null is expected")
    parts = value if isinstance(value, list) else [value]
    try:
        terms = [_term(part) for part in parts if part is not None]
    except RecursionError as error:
        raise row.error(field, "is nested too deeply") from error
    return tuple(term for term in terms if term.strip())


def _term(part: object) -> str:
    """Return one term; pets and looks are told as `{"cat": "Tom"}`, whose key counts like any other word."""
    if isinstance(part, dict):
        return ", ".join(f"{key}: {value}" for key, value in part.items())
    return str(part)


def _gold(row: Row) -> tuple[tuple[str, ...], ...]:
    gold = row.fields.get("segment_id")
    if not isinstance(gold, dict) or not gold:
        raise row.error("segment_id", "must be an object that gives the sessions of each term of the answer")
    for term, segments in gold.items():
        if (
            not isinstance(segments, list)
            or not segments
            or not all(isinstance(one, str) for one in segments)
        ):
            raise row.error("segment_id", f"must give a list of session ids for {term!r:.60}")
    if math.prod(len(segments) for segments in gold.values()) > _COMBINATIONS:
        raise row.error("segment_id", f"allows more than {_COMBINATIONS} combinations of sessions")
    return tuple(tuple(segments) for segments in gold.values())


_COMBINATIONS = 100_000
"""All are tried when a question is scored; the published files have at most a few dozen."""

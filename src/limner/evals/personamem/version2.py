"""PersonaMem v2: `benchmark.csv` and one file a history (Jiang et al. 2025, "PersonaMem-v2", §3)."""

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Literal

from limner.evals.personamem.item import (
    UNKNOWN,
    Item,
    Loaded,
    bucket_of_tokens,
    literal,
    role_and_text,
    texts,
    unrepeated,
)
from limner.evals.records import Turn
from limner.evals.scoring.letters import LETTERS, shuffled
from limner.evals.sources import Row, Source

__all__ = ["COLUMNS", "Size", "load"]

Size = Literal["32k", "128k"]
COLUMNS = ("persona_id", "user_query", "correct_answer", "incorrect_answers", "pref_type")
_GROUPS = {"updated": "updated", "who": "whose preference", "conversation_scenario": "scenario"}


def load(source: Source, path: Path, root: str | None, size: Size, persona: bool, seed: int) -> Loaded:
    """Read questions and their histories.

    Args:
        source: For error messages.
        path: `benchmark.csv`, `val.csv` or `train.csv`.
        root: Folder that the links to histories start from; by default where `benchmark/text/` is, or the file's own.
        size: Which of the two histories of each user.
        persona: Whether the system messages are kept as turns.
        seed: Of the base order of the options, as the file names the right answer first.

    Raises:
        DataError: A file is missing or malformed.
    """
    link = f"chat_history_{size}_link"
    loaded = Loaded((path,))
    folder = source.found(root, folder=True) if root is not None else _root(path)
    for row in unrepeated(source.table(path, [*COLUMNS, link]), loaded.counted):
        history = _history(source, row, link, folder, persona, loaded)
        loaded.items.append(_item(row, history, size, seed, loaded.counted))
    return loaded


def _root(path: Path) -> Path:
    folders = path.resolve().parents
    published = len(folders) > 2 and [folder.name for folder in folders[:2]] == ["text", "benchmark"]
    return folders[2] if published else folders[0]


def _history(source: Source, row: Row, link: str, root: Path, persona: bool, loaded: Loaded) -> str | None:
    name = row.text(link).strip()
    place = PurePosixPath(name.replace("\\", "/"))
    if place.is_absolute() or ".." in place.parts:
        raise row.error(link, f"{name!r:.80} does not stay inside the data set's folder")
    if name not in loaded.histories:
        path = root / place
        try:
            source.found(path)
        except (OSError, ValueError) as error:  # not there, or no name that a file can have
            raise row.error(
                link, f"{name!r:.120} is not in {root}; give the data set's folder as `contexts`"
            ) from error
        loaded.histories[name] = _turns(source, path, persona, loaded.counted)
        loaded.files += (path,)
    return name if loaded.histories[name] else None


def _turns(source: Source, path: Path, persona: bool, counted: Counter[str]) -> list[Turn]:
    value = source.json(path)
    if isinstance(value, dict):
        value = value.get("chat_history")
    turns = []
    for number, row in enumerate(source.rows(path, value)):
        role, text = role_and_text(row)
        if not text.strip():
            counted["message without text, left out"] += 1
        elif persona or role != "system":
            turns.append(Turn(text.strip(), role, str(number)))
    return turns


def _item(row: Row, history: str | None, size: Size, seed: int, counted: Counter[str]) -> Item:
    id = f"{row.words('persona_id')}-{row.number}"
    right = row.text("correct_answer").strip()
    wrong = texts(row, "incorrect_answers", literal(row, "incorrect_answers", json_first=True), 1)
    if len(wrong) >= len(LETTERS):
        raise row.error("incorrect_answers", "has more entries than there are letters")
    if len({right, *wrong}) <= len(wrong):
        counted["options that are alike"] += 1
    options = (right, *wrong)
    order = shuffled(range(len(options)), f"{seed}/{id}")
    type_ = row.text("pref_type").strip()
    distance = bucket_of_tokens(row, f"distance_from_related_snippet_to_query_{size}", counted)
    groups = {"type": type_, "distance in tokens": distance}
    groups |= {shown: str(row.fields.get(name) or UNKNOWN) for name, shown in _GROUPS.items()}
    return Item(
        id,
        _message(row, counted),
        tuple(options[i] for i in order),
        order.index(0),
        type_,
        row.words("persona_id"),
        history,
        groups,
        row.fields.get("who") == "others",
    )


def _message(row: Row, counted: Counter[str]) -> str:
    text = row.text("user_query").strip()
    if not text.startswith("{"):
        counted["query that is plain text"] += 1
        return text
    return (
        Row
        .of(row.path, f"{row.number}/user_query", literal(row, "user_query", json_first=True))
        .text("content")
        .strip()
    )

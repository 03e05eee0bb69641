"""PersonaMem v1: `questions_SIZE.csv` beside `shared_contexts_SIZE.jsonl` (Jiang et al. 2025, §3)."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import overload

from limner.evals.personamem.item import (
    Item,
    Loaded,
    bucket_of_blocks,
    bucket_of_tokens,
    literal,
    role_and_text,
    texts,
    unrepeated,
)
from limner.evals.records import Turn
from limner.evals.scoring.letters import LETTERS
from limner.evals.sources import DataError, Row, Source

__all__ = ["COLUMNS", "TYPES", "load"]

COLUMNS = (
    "persona_id",
    "question_id",
    "question_type",
    "topic",
    "distance_to_ref_in_blocks",
    "distance_to_ref_in_tokens",
    "user_question_or_message",
    "correct_answer",
    "all_options",
    "shared_context_id",
    "end_index_in_shared_context",
)

NEW_IDEAS = "suggest_new_ideas"
TYPES = {
    "recall_user_shared_facts": "recall_user_shared_facts",
    "recalling_facts_mentioned_by_the_user": "recall_user_shared_facts",
    NEW_IDEAS: NEW_IDEAS,
    "identifying_new_things_not_mentioned_by_the_user": NEW_IDEAS,
    "acknowledge_latest_user_preferences": "acknowledge_latest_user_preferences",
    "acknowledge_latest_preferences": "acknowledge_latest_user_preferences",
    "recalling_the_latest_user_preferences": "acknowledge_latest_user_preferences",
    "track_full_preference_evolution": "track_full_preference_evolution",
    "track_full_preference_updates": "track_full_preference_evolution",
    "tracking_the_full_sequence_of_preference_updates": "track_full_preference_evolution",
    "revisit_reasons_behind_preference_updates": "revisit_reasons_behind_preference_updates",
    "recalling_the_reasons_behind_previous_updates": "revisit_reasons_behind_preference_updates",
    "provide_preference_aligned_recommendations": "provide_preference_aligned_recommendations",
    "recommendation_aligned_with_users_latest_preferences": "provide_preference_aligned_recommendations",
    "generalize_to_new_scenarios": "generalize_to_new_scenarios",
    "generalizing_to_new_scenarios": "generalize_to_new_scenarios",
    "generalizing_past_reasons_in_memory_to_new_scenarios": "generalize_to_new_scenarios",
}
"""The paper's seven types by every name that the published files and the code that made them have for them."""

_LABEL = re.compile(r"\(([a-zA-Z])\)\s*")
_ANSWER = re.compile(r"\(?\s*([a-zA-Z])\s*\)?")
_SPEAKER = {"user": "User:", "assistant": "Assistant:"}


class _Start(Sequence[Turn]):
    """The first turns of a context. A view: thousands of questions cut the same long context at other places."""

    def __init__(self, turns: Sequence[Turn], count: int) -> None:
        self._turns, self._count = turns, count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Turn: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Turn]: ...
    def __getitem__(self, index: int | slice) -> Turn | Sequence[Turn]:
        places = range(self._count)[index]
        return self._turns[places] if isinstance(places, int) else [self._turns[i] for i in places]


class _Context:
    """One shared context: its turns, and where a cut after so many messages falls among them.

    Args:
        messages: Of the file.
        persona: Whether the system messages, which hold the user's profile, are kept.
        counted: Oddities.
    """

    def __init__(self, messages: Sequence[Row], persona: bool, counted: Counter[str]) -> None:
        self.size = len(messages)
        said = [role_and_text(message) for message in messages]
        self._letters = list(accumulate((len(text) for _, text in said), initial=0))
        kept = [i for i, (role, _) in enumerate(said) if persona or role != "system"]
        blank = [i for i in kept if not _unlabelled(*said[i])]
        counted["message without text, left out"] += len(blank)
        self._kept = sorted(set(kept) - set(blank))
        self._turns = [Turn(_unlabelled(*said[i]), said[i][0], str(i)) for i in self._kept]

    def letters(self, end: int) -> int:
        """Characters in the first `end` messages, counted as the file counts them."""
        return self._letters[end]

    def until(self, end: int) -> Sequence[Turn]:
        """The turns among the first `end` messages."""
        return _Start(self._turns, bisect_left(self._kept, end))


def load(source: Source, path: Path, contexts: str | None, persona: bool) -> Loaded:
    """Read questions and their contexts.

    Args:
        source: For error messages.
        path: `questions_SIZE.csv`.
        contexts: The contexts' file; by default its sibling of the same size.
        persona: Whether the system messages are kept as turns.

    Raises:
        DataError: A file is missing or malformed.
    """
    beside = source.found(contexts) if contexts is not None else _sibling(source, path)
    loaded = Loaded((path, beside))
    rows = unrepeated(source.table(path, COLUMNS), loaded.counted)
    found = _contexts(
        source, beside, {row.text("shared_context_id") for row in rows}, persona, loaded.counted
    )
    ids: Counter[str] = Counter()
    for row in rows:
        item = _item(row, found, ids, loaded)
        if item is not None:
            loaded.items.append(item)
    return loaded


def _sibling(source: Source, path: Path) -> Path:
    if not path.name.startswith("questions"):
        raise DataError(
            path, f"is not named questions_SIZE.csv; say which file holds its contexts. {source.advice}"
        )
    return source.found(path.with_name(path.stem.replace("questions", "shared_contexts", 1) + ".jsonl"))


def _contexts(
    source: Source, path: Path, wanted: set[str], persona: bool, counted: Counter[str]
) -> dict[str, _Context]:
    found = {}
    for number, value in source.json_lines(path):
        row = Row.of(path, number, value)
        for key in row.fields:
            if key in wanted:
                found[key] = _Context(row.rows(key), persona, counted)
            else:
                counted["context that no question uses"] += 1
    return found


def _item(row: Row, contexts: Mapping[str, _Context], ids: Counter[str], loaded: Loaded) -> Item | None:
    end = row.whole("end_index_in_shared_context")
    if end < 0:
        # The published code would cut from the end; nothing tells that this was meant.
        loaded.counted["negative end of the context, question left out"] += 1
        return None
    key = row.text("shared_context_id")
    if key not in contexts:
        raise row.error("shared_context_id", f"{key!r:.80} is not in {loaded.files[1].name}")
    history, message = _history(row, key, contexts[key], end, loaded)
    options, correct = _options(row, loaded.counted)
    name = row.text("question_type").strip()
    if name not in TYPES:
        loaded.counted["question type that is not known"] += 1
    type_ = TYPES.get(name, name)
    groups = {
        "type": type_,
        "distance in blocks": bucket_of_blocks(row, "distance_to_ref_in_blocks", loaded.counted),
        "distance in tokens": bucket_of_tokens(row, "distance_to_ref_in_tokens", loaded.counted),
        "topic": row.words("topic"),
    }
    return Item(
        _unique(row.words("question_id"), ids, loaded.counted),
        message,
        options,
        correct,
        type_,
        row.words("persona_id"),
        history,
        groups,
        type_ == NEW_IDEAS,
    )


def _history(row: Row, key: str, context: _Context, end: int, loaded: Loaded) -> tuple[str | None, str]:
    """Cut the context before message `end`, as the published code does (`context[:end]`)."""
    if end > context.size:
        loaded.counted["end beyond the context, taken as its end"] += 1
        end = context.size
    stated = row.fields.get("context_length_in_letters")
    if stated not in (None, "") and row.whole("context_length_in_letters") != context.letters(end):
        loaded.counted["context of another length than the file says"] += 1
    turns = context.until(end)
    message = _unlabelled("user", row.text("user_question_or_message"))
    if turns and turns[-1].text == message:
        loaded.counted["question that the context ends with already"] += 1
    if not turns:
        return None, message
    name = f"{key}/{end}"
    loaded.histories[name] = turns
    return name, message


def _options(row: Row, counted: Counter[str]) -> tuple[tuple[str, ...], int]:
    listed = texts(row, "all_options", literal(row, "all_options"), 2)
    answer = _ANSWER.fullmatch(row.text("correct_answer").strip())
    if answer is None:
        raise row.error("correct_answer", "is no letter in parentheses")
    labels = [_LABEL.match(option) for option in listed]
    expected = list(LETTERS[: len(listed)])
    letters = [label.group(1).lower() for label in labels if label is not None]
    if len(letters) < len(listed):
        counted["options without letters"] += 1
        letters = expected
    elif letters != expected:
        counted["options whose letters are out of order"] += 1
    if letters.count(answer.group(1).lower()) != 1:
        raise row.error("correct_answer", f"{answer.group(1)!r} is not the letter of exactly one option")
    options = tuple(
        option[label.end() :].strip() if label else option
        for option, label in zip(listed, labels, strict=True)
    )
    if not all(options):
        raise row.error("all_options", "has an option that is only a letter")
    if len(set(options)) < len(options):
        counted["options that are alike"] += 1
    return options, letters.index(answer.group(1).lower())


def _unlabelled(role: str, text: str) -> str:
    """Return a message without the speaker in front of it, which the file repeats from its role."""
    return text.strip().removeprefix(_SPEAKER.get(role, "")).strip()


def _unique(id: str, ids: Counter[str], counted: Counter[str]) -> str:
    ids[id] += 1
    if ids[id] == 1:
        return id
    counted["question id of another question"] += 1
    return f"{id}#{ids[id]}"

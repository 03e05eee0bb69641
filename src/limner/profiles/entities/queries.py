"""Suggesting queries from the entities of a user (K-LaMP, Baek et al. 2024, §3).

What the user is typing and reading is the context. Entities of theirs are ranked by whether the query begins their name, how often they
occurred together with what the context names, how near they are to it for the encoder, and how often they occurred at all.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from limner.errors import InputError
from limner.inference import Encoder, LanguageModel, load_prompt
from limner.inference.structured import structured
from limner.memory.records import Evidence, Portrait
from limner.profiles.entities.portraitist import Seen, seen_in
from limner.profiles.entities.vocabulary import Entity, Vocabulary, without_year
from limner.profiles.propositions.propose import strangers

__all__ = ["QuerySuggestion", "QuerySuggestions", "suggest_queries"]

_PAGE = 2000
"""Characters of the page that are looked at."""
_LONGEST_QUERY = 500
_BEGUN, _TOGETHER, _NEAR, _OFTEN = 1.0, 0.6, 0.6, 0.1
_NEAR_ENOUGH = 0.3
"""Cosine from which an entity that neither begins nor goes together with anything here is about the same."""
_SHORTEST_START = 2
_PREPOSITION = 3
"""Letters of a last word behind which a title follows as it is: "of", "by", "the"."""
_WORDS = 12
"""Most words of a query that the model wrote."""
_TOKENS = {"small": 24, "batch": 300}


class WordedQuery(BaseModel):
    """One query of a batch call."""

    model_config = ConfigDict(extra="forbid")

    interest: int = Field(ge=1)
    query: str = Field(min_length=2, max_length=120)


class WordedQueries(BaseModel):
    """The answer to a batch call."""

    model_config = ConfigDict(extra="forbid")

    queries: list[WordedQuery] = Field(max_length=10)


@dataclass(frozen=True)
class QuerySuggestion:
    """A query to go on with."""

    text: str
    entity: Entity
    evidence: tuple[Evidence, ...] = ()
    """What shows that it is one of the user's; none for a general suggestion."""
    score: float = 0.0
    worded: bool = False
    """Whether the model wrote it; else it is the query with the entity."""


@dataclass(frozen=True)
class QuerySuggestions:
    """What there is to suggest."""

    suggestions: tuple[QuerySuggestion, ...] = ()
    reason: str | None = None
    """Why there is nothing of the user's own among them, or nothing at all; none where there is."""


async def suggest_queries(
    portrait: Portrait,
    query: str,
    page: str,
    vocabulary: Vocabulary,
    encoder: Encoder,
    *,
    k: int = 4,
    model: LanguageModel | None = None,
    prompts: Path | None = None,
) -> QuerySuggestions:
    """Return at most `k` queries that go on from the one being typed, best first.

    Args:
        portrait: Of the kind `entities`; without lines the suggestions are general ones.
        query: As far as it is typed.
        page: Text of the page that the user is on; may be empty.
        vocabulary: Where general suggestions come from, and what the context is searched for.
        encoder: Tells which entities are about the same as the context.
        k: Most of them.
        model: Words the queries; none makes them of query and entity.
        prompts: Folder of overriding prompt files.

    Raises:
        InputError: The query is empty or longer than 500 characters, or `k` is less than 1.
        ModelError: The model failed.
    """
    typed = " ".join(query.split())
    if not typed or len(typed) > _LONGEST_QUERY:
        raise InputError(f"A query to go on from has 1 to {_LONGEST_QUERY} characters.")
    if k < 1:
        raise InputError(f"k is at least 1; not {k}.")
    seen = seen_in(portrait)
    ranked = _ranked(seen, typed, page[:_PAGE], vocabulary, encoder)[:k]
    if not ranked:
        general = _general(typed, vocabulary, k)
        why = "nothing of the user's goes with this" if seen else "nothing is known of the user yet"
        return QuerySuggestions(
            general, why if general else f"{why}, and no name in the vocabulary begins so"
        )
    found = [
        QuerySuggestion(_joined(typed, one.entity, vocabulary), one.entity, one.evidence, score)
        for one, score in ranked
    ]
    if model is not None:
        found = await _worded(found, typed, page[:_PAGE], model, prompts)
    return QuerySuggestions(tuple(found))


def _ranked(
    seen: Sequence[Seen], typed: str, page: str, vocabulary: Vocabulary, encoder: Encoder
) -> list[tuple[Seen, float]]:
    """Return what goes with the context, best first; what the query names already is passed over."""
    if not seen:
        return []
    own = {one.entity: one for one in seen}
    in_query = {mention.entity for mention in vocabulary.link(typed)} | _named(own, typed)
    context = in_query | {mention.entity for mention in vocabulary.link(page)} | _named(own, page)
    near = (
        encoder.encode_documents([f"{one.entity.name} ({one.entity.kind})" for one in seen])
        @ (encoder.encode_query([f"{typed} {page}".strip()])[0])
    )
    most = max(one.count for one in seen)
    found = []
    for one, cosine in zip(seen, near.tolist(), strict=True):
        if one.entity in in_query:
            continue
        begun = _begins(typed, one.entity.name)
        together = max(
            (_together(one, own[other]) for other in context - {one.entity} if other in own), default=0.0
        )
        on_page = one.entity in context
        if begun or together or on_page or cosine >= _NEAR_ENOUGH:
            often = math.log1p(one.count) / math.log1p(most)
            score = (
                _BEGUN * begun + _TOGETHER * max(together, float(on_page)) + _NEAR * cosine + _OFTEN * often
            )
            found.append((one, score))
    # A word that is being typed is not gone on from with another one.
    begun_ones = [pair for pair in found if _begins(typed, pair[0].entity.name)]
    return sorted(begun_ones or found, key=lambda pair: (-pair[1], pair[0].entity))


def _named(own: Mapping[Entity, Seen], text: str) -> set[Entity]:
    """Return the user's entities that a text names, those among them that no vocabulary has."""
    return {mention.entity for mention in Vocabulary(dict.fromkeys(own, ())).link(text)}


def _together(one: Seen, other: Seen) -> float:
    """Return in which share of their observations two entities are together (cosine of their occurrences)."""
    first, second = ({span.observation_id for span in seen.evidence} for seen in (one, other))
    return len(first & second) / math.sqrt(len(first) * len(second)) if first and second else 0.0


def _begins(typed: str, name: str) -> bool:
    """Whether the last word that is typed is the beginning of a longer word of a name."""
    start = typed.split()[-1].casefold()
    words = re.findall(r"\w+", name.casefold())
    return len(start) >= _SHORTEST_START and any(word.startswith(start) and word != start for word in words)


def _joined(typed: str, entity: Entity, vocabulary: Vocabulary) -> str:
    """Return the query with the entity: in the place of the word that begins it, or behind."""
    name = without_year(entity.name)
    if _begins(typed, name):
        return " ".join([*typed.split()[:-1], name])
    last = typed.split()[-1].casefold()
    like = vocabulary.is_title(entity) and last != "like" and len(last) > _PREPOSITION
    return f"{typed} like {name}" if like else f"{typed} {name}"


def _general(typed: str, vocabulary: Vocabulary, k: int) -> tuple[QuerySuggestion, ...]:
    start = typed.split()[-1]
    if len(start) < _SHORTEST_START:
        return ()
    return tuple(
        QuerySuggestion(_joined(typed, one, vocabulary), one) for one in vocabulary.beginning_with(start, k)
    )


async def _worded(
    found: Sequence[QuerySuggestion], typed: str, page: str, model: LanguageModel, prompts: Path | None
) -> list[QuerySuggestion]:
    """Let the model word the queries; one that it makes something else of stays as it is."""
    if model.plan == "batch":
        texts = await _in_one_call(found, typed, page, model, prompts)
    else:
        prompt = load_prompt("profiles/entities/query", prompts)
        texts = {}
        for number, one in enumerate(found):
            asked = prompt.messages(
                page=page[:200], query=typed, interest=f"{one.entity.name} ({one.entity.kind})"
            )
            reply = await model.areply(asked, stage="queries", max_tokens=_TOKENS["small"], stop=["\n"])
            texts[number] = "" if reply.truncated else reply.text
    taken: set[str] = set()
    worded = []
    for number, one in enumerate(found):
        text = " ".join(texts.get(number, "").strip().strip('"').split())
        fits = _fits(text, typed, page, one.entity) and text.casefold() not in taken
        worded.append(replace(one, text=text, worded=True) if fits else one)
        taken.add(worded[-1].text.casefold())
    return worded


async def _in_one_call(
    found: Sequence[QuerySuggestion], typed: str, page: str, model: LanguageModel, prompts: Path | None
) -> dict[int, str]:
    prompt = load_prompt("profiles/entities/queries", prompts)
    interests = "\n".join(
        f"[{number}] {one.entity.name} ({one.entity.kind})" for number, one in enumerate(found, start=1)
    )
    asked = prompt.messages(interests=interests, page=page or "none", query=typed)
    answer = await structured(model, asked, WordedQueries, stage="queries", max_tokens=_TOKENS["batch"])
    return {one.interest - 1: one.query for one in answer.queries}


def _fits(text: str, typed: str, page: str, entity: Entity) -> bool:
    """Whether a worded query goes on from the one typed, with the entity, and names nothing else."""
    lowered = text.casefold()
    words = set(re.findall(r"\w+", lowered))
    named = any(word in words for word in re.findall(r"\w{3,}", entity.name.casefold())) or (
        entity.name.casefold() in lowered
    )
    kept = words & set(re.findall(r"\w+", typed.casefold())) or _begins(typed, entity.name)
    new = strangers(f"x {text}", f"{typed} {page} {entity.name}")
    return bool(named and kept) and len(lowered.split()) <= _WORDS and not new

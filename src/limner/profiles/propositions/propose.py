"""Propose: from observations in words to drafts (GUM, Shaikh et al. 2025, §3), by one of two call plans.

`small` asks a weak local model one thing at a time on one cached prefix: whether a sentence tells anything
about the user, and if so what. `batch` asks a strong model about as much at once as fits, and has evidence cited by number. Either
way a draft's evidence is a span of an observation by construction, never a quote that the model made up.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, ConfigDict, Field

from limner.inference import LanguageModel, Prompt, load_prompt
from limner.inference.choose import choose
from limner.inference.opening import continue_from
from limner.inference.structured import structured
from limner.memory.records import Evidence, Observation, Standing
from limner.profiles.propositions.dated import absolute, named_dates
from limner.profiles.propositions.drafts import Draft, Refusal
from limner.profiles.propositions.lasting import durability
from limner.profiles.propositions.orders import gives_orders, speaks_of_the_user
from limner.profiles.propositions.parts import parts
from limner.profiles.propositions.sentences import Sentence, said_and_seen
from limner.profiles.propositions.validity import Validity, validity

__all__ = ["Proposals", "ProposedStatement", "propose"]

_ORDERED = (
    "it reads like an order to whoever keeps the notes, or like such notes, not like the user's own words"
)
_OPENING = "The user"
_NOTHING = "-"
_GATE = -0.6
"""Log-odds of "The user" against "-" above which a sentence is taken to tell something. Instruct models lean to
"-" after examples that use it; on 66 sentences of MemoryBank this cut-off kept 27 of 28 that tell something and 2 of 38
that don't, against 23 and 2 at zero."""
_MAX_SENTENCES = 400
"""Most sentences of one observation that are read; the rest stays stored and searchable, and is reported."""
_QUESTION = re.compile(r"[?？؟]\W*$")
"""A question is passed over: of "Have you ever flown a kite?" a small model makes that the user has."""
_STEM, _LONG = 5, 4
"""Letters that make two words the same, and letters of a word that tells anything."""
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_PLAIN = frozenset(
    w[:_STEM]
    for w in _WORD.findall(
        "user their they them have been that this with from about into what when which where while would could should will "
        "also very really just more most some than then there were does doing being"
    )
)


class ProposedStatement(BaseModel):
    """One statement of a batch call."""

    model_config = ConfigDict(extra="forbid")

    reasoning: str = Field(max_length=600)
    text: str = Field(min_length=3, max_length=600)
    evidence: list[int] = Field(min_length=1, max_length=20)
    confidence: int = Field(ge=1, le=10)
    durability: int = Field(ge=1, le=10)


class Proposals(BaseModel):
    """The answer to a batch call."""

    model_config = ConfigDict(extra="forbid")

    statements: list[ProposedStatement] = Field(max_length=60)


async def propose(
    observations: Sequence[Observation], model: LanguageModel, prompts: Path | None = None
) -> tuple[list[Draft], list[Refusal]]:
    """Return what observations in words tell about the user, and what was proposed but refused.

    Args:
        observations: Those with an event are the business of `findings` and should not be among them; what the
            assistant said is never evidence about the user and is passed over.
        model: Its `plan` decides how it is asked.
        prompts: Folder of overriding prompt files.
    """
    told = [o for o in observations if o.author != "assistant" and o.text.strip()]
    numbered = [(o, s) for o in told for s in said_and_seen(o)[:_MAX_SENTENCES]]
    refused = [
        Refusal("", f"only the first {_MAX_SENTENCES} sentences were read", (o.id,))
        for o in told
        if len(said_and_seen(o)) > _MAX_SENTENCES
    ]
    at_once = [one for one in numbered if _belongs_together(one[0], model)]
    one_by_one = [one for one in numbered if not _belongs_together(one[0], model)]
    drafts: list[Draft] = []
    if at_once:
        prompt = load_prompt("profiles/propositions/propose", prompts)
        drafts, more = await _in_few_calls(at_once, model, prompt)
        refused += more
    if one_by_one:
        read, more = await _one_by_one(one_by_one, model, prompts)
        drafts, refused = [*drafts, *read], [*refused, *more]
    return drafts, refused


def _belongs_together(observation: Observation, model: LanguageModel) -> bool:
    """Whether the sentences of an observation go into one call.

    Those about a picture are not the user's words, which is all that the questions to a weak model are about; one that sees is not weak.
    """
    return model.plan == "batch" or observation.media is not None


async def _one_by_one(
    numbered: Sequence[tuple[Observation, Sentence]], model: LanguageModel, prompts: Path | None
) -> tuple[list[Draft], list[Refusal]]:
    reader = _Reader(model, prompts)
    drafts, refused = [], []
    previous: tuple[Observation, Sentence] | None = None
    for observation, sentence in numbered:
        before = previous[1] if previous and previous[0].id == observation.id else None
        previous = observation, sentence
        outcome = await reader.read(observation, sentence, before)
        if isinstance(outcome, Draft):
            drafts.append(outcome)
        elif outcome is not None:
            refused.append(outcome)
    return drafts, refused


class _Reader:
    """Asks a weak model about one sentence after the other, one short question at a time."""

    def __init__(self, model: LanguageModel, prompts: Path | None) -> None:
        self._model = model
        self._gist = load_prompt("profiles/propositions/gist", prompts)
        self._orders = load_prompt("profiles/propositions/orders", prompts)
        self._lasting = load_prompt("profiles/propositions/lasting", prompts)

    async def read(
        self, observation: Observation, sentence: Sentence, before: Sentence | None
    ) -> Draft | Refusal | None:
        """Return what a sentence tells about the user, why it is refused, or none where it tells nothing."""
        earlier = before.text if before is not None else ""
        if not _WORD.search(sentence.text) or _QUESTION.search(sentence.text):
            return None
        # The sentence before helps to write the note, but would make the model find something in thanks and greetings.
        if not await self._tells(self._gist.messages(sentence=sentence.text, before="")):
            return None
        if speaks_of_the_user(sentence.text) or await gives_orders(sentence.text, self._model, self._orders):
            return Refusal(_start(sentence.text), _ORDERED, (observation.id,))
        messages = self._gist.messages(sentence=sentence.text, before=earlier)
        text = await continue_from(self._model, messages, _OPENING, stage="propose", max_tokens=70)
        if not text or text.rstrip(". ") == _OPENING:
            return Refusal(_start(sentence.text), "no whole sentence came for it", (observation.id,))
        stranger = strangers(text, f"{earlier} {sentence.text}")
        if stranger:
            return Refusal(
                text, f"names what the sentence does not: {', '.join(stranger)}", (observation.id,)
            )
        told = [(observation, sentence)]
        if before is not None and _draws_on(text, before.text, sentence.text):
            told.insert(0, (observation, before))
        return _draft(
            text,
            told,
            self._model,
            self._gist,
            reasoning=f'Said in "{sentence.text}"',
            durability=await durability(text, self._model, self._lasting),
        )

    async def _tells(self, messages: Sequence[BaseMessage]) -> bool:
        choice = await choose(self._model, messages, [_OPENING, _NOTHING], stage="propose", method="loglik")
        return choice.log_odds > _GATE


def _draws_on(text: str, before: str, sentence: str) -> bool:
    """Whether a statement has words from the sentence before that its own sentence has not: then it rests on both."""
    words = [
        {w.casefold()[:_STEM] for w in _WORD.findall(t) if len(w) >= _LONG} for t in (text, before, sentence)
    ]
    return bool((words[0] & words[1]) - words[2] - _PLAIN)


def _start(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


async def _in_few_calls(
    numbered: Sequence[tuple[Observation, Sentence]], model: LanguageModel, prompt: Prompt
) -> tuple[list[Draft], list[Refusal]]:
    lines = [_line(number, *told) for number, told in enumerate(numbered, start=1)]
    frame = prompt.messages(lines="")
    drafts: list[Draft] = []
    refused: list[Refusal] = []
    for part in await parts(lines, model, frame=frame, schema=Proposals, answer_tokens=_answer_tokens):
        more_drafts, more_refused = await _in_one_call(numbered[part], model, prompt)
        drafts += more_drafts
        refused += more_refused
    return drafts, refused


def _line(number: int, observation: Observation, sentence: Sentence) -> str:
    seen = "; a model saw in the user's picture" if sentence.part == "image" else ""
    return f"[{number}] {observation.occurred_at:%Y-%m-%d} ({observation.source}{seen}) {sentence.text}"


def _answer_tokens(lines: int) -> int:
    return 160 + 60 * lines


async def _in_one_call(
    numbered: Sequence[tuple[Observation, Sentence]], model: LanguageModel, prompt: Prompt
) -> tuple[list[Draft], list[Refusal]]:
    lines = [_line(number, *told) for number, told in enumerate(numbered, start=1)]
    messages = prompt.messages(lines="\n".join(lines))
    answer = await structured(
        model, messages, Proposals, stage="propose", max_tokens=_answer_tokens(len(numbered))
    )
    drafts, refused = [], []
    for statement in answer.statements:
        known = [numbered[n - 1] for n in dict.fromkeys(statement.evidence) if 1 <= n <= len(numbered)]
        if known and any(speaks_of_the_user(s.text) for _, s in known):
            refused.append(Refusal(statement.text, _ORDERED, tuple(dict.fromkeys(o.id for o, _ in known))))
            continue
        if not known:
            refused.append(Refusal(statement.text, f"cites lines that do not exist: {statement.evidence}"))
            continue
        cited = dict.fromkeys(observation.id for observation, _ in known)
        source = " ".join(
            f"{o.text} {o.seen} {_dated(o)} {named_dates(s.text, o.occurred_at)}" for o, s in known
        )
        stranger = strangers(statement.text, source)
        if stranger:
            because = f"names what the cited observations do not: {', '.join(stranger)}"
            refused.append(Refusal(statement.text, because, tuple(cited)))
            continue
        drafts.append(
            _draft(
                statement.text,
                known,
                model,
                prompt,
                reasoning=statement.reasoning,
                durability=statement.durability,
                self_report=statement.confidence,
            )
        )
    return drafts, refused


def _dated(observation: Observation) -> str:
    """Return what the numbered line says of an observation besides its text, and how its date may be put."""
    return f"{observation.source} {observation.occurred_at:%Y-%m-%d %Y %m %d %B %A} {observation.occurred_at.day}"


def _draft(
    text: str,
    told: Sequence[tuple[Observation, Sentence]],
    model: LanguageModel,
    prompt: Prompt,
    *,
    reasoning: str,
    durability: int,
    self_report: float | None = None,
) -> Draft:
    spans = tuple(
        Evidence(observation_id=observation.id, start=s.start, end=s.end, quote=s.text, part=s.part)
        for observation, s in told
    )
    worded, text = text, absolute(text, [(s.text, observation.occurred_at) for observation, s in told])
    return Draft(
        text=text,
        evidence=spans,
        occurred_at=max(observation.occurred_at for observation, _ in told),
        validity=_validity(text, told),
        durability=durability,
        standing=Standing.STATED if all(_is_the_users_word(*one) for one in told) else Standing.INFERRED,
        reasoning=reasoning,
        self_report=self_report,
        model=model.name,
        prompt_hash=prompt.hash,
        worded=worded,
    )


def _is_the_users_word(observation: Observation, sentence: Sentence) -> bool:
    return observation.author == "user" and sentence.part == "text"


def _validity(text: str, told: Sequence[tuple[Observation, Sentence]]) -> Validity:
    """Return when a statement is so: as the one sentence with a date says, else from when it was first said."""
    dated = {validity(text, s.text, observation.occurred_at) for observation, s in told} - {None}
    found = dated.pop() if len(dated) == 1 else None
    return found or Validity(min(observation.occurred_at for observation, _ in told))


def strangers(text: str, source: str) -> list[str]:
    """Return the names and numbers in a statement that its source does not hold: copied or made up.

    Names are words with a capital that do not begin the statement.
    """
    words = {w.casefold() for w in _WORD.findall(source)}
    stems = {w.removesuffix("'s").removesuffix("’s") for w in words}
    found = _WORD.findall(text)[1:]
    named = [w for w in found if (w[0].isupper() or w[0].isdigit()) and w not in {"I", "The"}]
    return [w for w in named if w.casefold().removesuffix("'s").removesuffix("’s") not in stems]

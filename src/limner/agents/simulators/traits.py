"""A portrait that drives a simulated user: what a person is after and how they talk, inferred from their own turns.

The user simulator with implicit profiles (USP; Wang et al. 2025, arXiv 2502.18968, §3.2) splits a profile inferred from real dialogues into
objective facts and subjective traits. Here code measures what can be counted, the model is asked about the rest one sentence at a time, and each
sentence of the portrait quotes the words that it rests on.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from limner.agents.simulators.manner import GREETING, HEDGE, POLITE, SLANG, Manner, measured
from limner.errors import InputError
from limner.inference import LanguageModel, load_prompt
from limner.inference.choose import choose
from limner.inference.opening import continue_from
from limner.inference.structured import structured
from limner.memory.records import Proposition, Record
from limner.profiles.propositions.propose import strangers
from limner.profiles.propositions.sentences import sentences

__all__ = [
    "FactKind",
    "SeekerPortrait",
    "Trait",
    "infer_traits",
    "load_portraits",
    "portrait_of",
    "save_portraits",
]

FactKind = Literal["likes", "dislikes", "seen", "wants", "company", "mood"]
Habit = Literal[
    "length",
    "questions",
    "greeting",
    "politeness",
    "formality",
    "excitement",
    "case",
    "decisiveness",
    "refusal",
]
_KINDS: tuple[str, ...] = ("likes", "dislikes", "seen", "wants", "company", "mood", "refuses", "nothing")
_OPENING = "The person"
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_REASON = re.compile(r"\b(?:because|but|since|too|so|seen|saw)\b", re.IGNORECASE)
_DANGLING = re.compile(
    r"\b(?:him|them|those|these|it|this|they['’]ve)\b|\bthat (?:one|movie|film)\b|\bthat\W*$", re.IGNORECASE
)
"""Words that stand for something which another sentence names: a note of one sentence does not say what."""
_UNSEEN = re.compile(
    r"(?:n['’]?t|\bnot|\bnever)\s+(?:\w+\s+)?(?:see|saw|seen|watch|watched)\b", re.IGNORECASE
)
_STEM, _SHORT = 4, 3
_FRAME = frozenset([
    "does",
    "like",
    "liki",
    "love",
    "want",
    "look",
    "seen",
    "watc",
    "movi",
    "film",
    "some",
    "they",
    "them",
    "thei",
    "find",
    "best",
    "enjo",
    "pref",
    "know",
    "with",
    "have",
    "been",
])
"""Beginnings of the words that a note is made with, whatever it is about."""
_FEW, _OFTEN = 0.25, 0.5
_BRIEF, _TALKATIVE = 8, 15
"""Mean words of a turn; 22 in 100 seekers of one half of ReDial are below the first, 20 above the second."""
_DISLIKES = re.compile(
    r"\b(?:dislikes?|hates?|avoids?|does not (?:like|enjoy)|doesn['’]t (?:like|enjoy)|low|below)\b"
)
_COMPANY = re.compile(
    r"\b(?:kids?|children|son|daughter|wife|husband|partner|girlfriend|boyfriend|family|friends?)\b"
)


class Trait(Record):
    """One sentence about a person, and their words that it rests on."""

    kind: FactKind | Habit
    text: str = Field(min_length=1)
    """Such as `The person loved Tin Roof (1994).`"""
    quote: str = Field(min_length=1)

    @property
    def told(self) -> str:
        """The sentence without its subject, such as `loved Tin Roof (1994)`."""
        return re.sub(r"^The (?:person|user) ", "", self.text).rstrip(". ")


class SeekerPortrait(Record):
    """What drives a simulated user."""

    facts: tuple[Trait, ...] = ()
    """What they like, know and want, and with whom they watch: objective."""
    traits: tuple[Trait, ...] = ()
    """How they talk: subjective."""
    manner: Manner = Manner()
    """What was counted of their turns."""
    refused: tuple[str, ...] = ()
    """What a model said of them that did not hold, and why."""

    def quoted_from(self, utterances: Sequence[str]) -> "SeekerPortrait":
        """Return the portrait, if every quote is in one of these utterances.

        Raises:
            InputError: One is not.
        """
        for trait in (*self.facts, *self.traits):
            if not any(trait.quote in utterance for utterance in utterances):
                raise InputError(
                    f"The person never said {trait.quote!r}, which {trait.text!r} is to rest on."
                )
        return self


class NotedTrait(BaseModel):
    """One note of a batch call."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["likes", "dislikes", "seen", "wants", "company", "mood", "refuses"]
    text: str = Field(min_length=12, max_length=200)
    quote: str = Field(min_length=2, max_length=300)


class NotedTraits(BaseModel):
    """The answer to a batch call."""

    model_config = ConfigDict(extra="forbid")

    notes: Annotated[list[NotedTrait], Field(max_length=30)]


async def infer_traits(
    utterances: Sequence[str], model: LanguageModel, prompts: Path | None = None
) -> SeekerPortrait:
    """Return the portrait of somebody from their turns in a conversation about films.

    Args:
        utterances: Their turns, in order; blank ones are passed over.
        model: Its `plan` decides how it is asked: a weak model of which kind each sentence is, and for one sentence about it; a
            strong one for everything at once. What it answers is refused where it quotes what was never said, or holds names that the quote does not.
        prompts: Folder of overriding prompt files.

    Raises:
        ModelError: The model failed.
    """
    turns = [turn.strip() for turn in utterances if turn.strip()]
    if not turns:
        return SeekerPortrait()
    noted = _at_once if model.plan == "batch" else _one_by_one
    notes, refused = await noted(turns, model, prompts)
    manner = measured(turns)
    kept: dict[str, Trait] = {}
    for kind, text, quote in notes:
        if kind != "refuses" and (because := _unfit(text, quote, turns)):
            refused.append(f"{text} ({because})")
        elif kind != "refuses":
            kept.setdefault(text, Trait(kind=kind, text=text, quote=quote))
    refusals = [
        quote for kind, _, quote in notes if kind == "refuses" and any(quote in turn for turn in turns)
    ]
    traits = (*_habits(turns, manner), *_refusing(refusals))
    return SeekerPortrait(facts=tuple(kept.values()), traits=traits, manner=manner, refused=tuple(refused))


async def _one_by_one(
    turns: Sequence[str], model: LanguageModel, prompts: Path | None
) -> tuple[list[tuple[str, str, str]], list[str]]:
    """Return kind, sentence and quote of what each sentence tells, and what was refused."""
    tells, note = load_prompt("agents/tells", prompts), load_prompt("agents/note", prompts)
    notes, refused = [], []
    for sentence in dict.fromkeys(s.text for turn in turns for s in sentences(turn)):
        if not _WORD.search(sentence):
            continue
        asked = tells.messages(sentence=sentence)
        kind = (await choose(model, asked, _KINDS, stage="traits", method="loglik")).option
        if kind == "refuses":
            notes.append((kind, sentence, sentence))
        elif kind != "nothing":
            messages = note.messages(kind=kind, sentence=sentence)
            text = await continue_from(model, messages, _OPENING, stage="traits", max_tokens=60)
            if text is None:
                refused.append(f"{sentence} (no whole sentence came for it)")
            else:
                notes.append((kind, text, sentence))
    return notes, refused


async def _at_once(
    turns: Sequence[str], model: LanguageModel, prompts: Path | None
) -> tuple[list[tuple[str, str, str]], list[str]]:
    lines = "\n".join(f"[{number}] {turn}" for number, turn in enumerate(turns, start=1))
    messages = load_prompt("agents/portray", prompts).messages(utterances=lines)
    answer = await structured(model, messages, NotedTraits, stage="traits", max_tokens=1200)
    return [(note.kind, note.text, note.quote) for note in answer.notes], []


def _unfit(text: str, quote: str, turns: Sequence[str]) -> str:
    """Return why a note cannot stand; empty where it can."""
    if not any(quote in turn for turn in turns):
        return f"quotes what was never said: {quote!r}"
    if not re.match(rf"{_OPENING}(?:['’]s)? ", text) or len(_WORD.findall(text)) < 4:
        return "is no sentence about the person"
    if _DANGLING.search(text):
        return "does not say what it is about"
    if _UNSEEN.search(quote) and not _UNSEEN.search(text) and " seen " in text:
        return "says the opposite of the quote"
    unknown = strangers(text, quote)
    if unknown:
        return f"names what the quote does not: {', '.join(unknown)}"
    said = {word.casefold()[:_STEM] for word in _WORD.findall(quote)}
    told = [word.casefold()[:_STEM] for word in _WORD.findall(text)[2:] if len(word) > _SHORT]
    told = [stem for stem in told if stem not in _FRAME]
    return "is not what the quote says" if sum(stem in said for stem in told) * 2 < len(told) else ""


def _habits(turns: Sequence[str], manner: Manner) -> list[Trait]:
    """Return the habits that were counted, each with the turn that shows it best."""
    by_length = sorted(turns, key=lambda turn: abs(len(_WORD.findall(turn)) - manner.words))
    length = f"The person writes about {manner.words:.0f} words a turn"
    if manner.words < _BRIEF:
        length += " and is brief"
    elif manner.words > _TALKATIVE:
        length += " and is talkative"
    found = [Trait(kind="length", text=f"{length}.", quote=by_length[0])]

    def add(holds: bool, kind: Habit, text: str, pattern: str | re.Pattern[str]) -> None:
        shown = next((turn for turn in turns if re.search(pattern, turn)), None)
        if holds and shown is not None:
            found.append(Trait(kind=kind, text=f"The person {text}.", quote=shown))

    add(manner.questions >= _OFTEN, "questions", "often asks back", r"\?")
    add(manner.greets, "greeting", "greets", GREETING)
    add(manner.polite >= _FEW, "politeness", "says please and thanks", POLITE)
    add(manner.slang >= _FEW, "formality", "writes casually", SLANG)
    add(manner.slang == 0 and manner.lower_case == 0, "formality", "writes properly", r"^\W*[A-Z]")
    add(manner.exclamations >= _OFTEN, "excitement", "is easily excited", "!")
    add(manner.lower_case >= _OFTEN, "case", "begins with small letters", r"^\W*[a-z]")
    add(manner.hedged >= _FEW, "decisiveness", "hesitates and is open to much", HEDGE)
    add(
        manner.hedged == 0,
        "decisiveness",
        "knows what they want",
        r"(?i)\b(?:want|looking for|love|prefer|favou?rite)\b",
    )
    return found


def _refusing(refusals: Sequence[str]) -> list[Trait]:
    """Return how they turn down what is proposed, by the first time that they did."""
    if not refusals:
        return []
    words = refusals[0]
    how = "politely " if POLITE.search(words) else ""
    how += "with a reason" if _REASON.search(words) else "without a reason"
    return [Trait(kind="refusal", text=f"The person turns things down {how}.", quote=words)]


def portrait_of(propositions: Iterable[Proposition], utterances: Sequence[str] = ()) -> SeekerPortrait:
    """Return the portrait of a limner user as one that drives a seeker.

    Each current proposition becomes a fact with the first quote that supports it; one without such a quote, or that the user denied, is left out.

    Args:
        propositions: What is held of the user.
        utterances: Turns that they wrote themselves; their manner is measured on these, and is the usual one where there are none.
    """
    facts = []
    for held in propositions:
        if held.retired_at is not None or held.denied_at is not None:
            continue
        quote = next((e.quote for e in held.evidence if e.polarity == "supports" and e.quote.strip()), None)
        if quote is not None:
            facts.append(Trait(kind=_kind(held.text), text=held.text, quote=quote))
    turns = [turn.strip() for turn in utterances if turn.strip()]
    manner = measured(turns)
    return SeekerPortrait(
        facts=tuple(facts), traits=tuple(_habits(turns, manner)) if turns else (), manner=manner
    )


def _kind(text: str) -> FactKind:
    if _COMPANY.search(text):
        return "company"
    return "dislikes" if _DISLIKES.search(text) else "likes"


def save_portraits(portraits: Iterable[SeekerPortrait], path: Path) -> None:
    """Write portraits as JSON Lines; a file that was there is replaced as a whole.

    Raises:
        InputError: The file cannot be written.
    """
    lines = [portrait.model_dump_json() + "\n" for portrait in portraits]
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text("".join(lines), encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error


def load_portraits(path: Path) -> list[SeekerPortrait]:
    """Read portraits that `save_portraits` wrote.

    Raises:
        InputError: The file cannot be read, or a line is no portrait; the message gives its number, from 1.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    portraits = []
    for number, line in enumerate(lines, start=1):
        try:
            portraits.append(SeekerPortrait.model_validate_json(line))
        except ValidationError as error:
            raise InputError(
                f"{path}, line {number}: no portrait of a seeker: {error.errors()[0]['msg']}."
            ) from error
    return portraits

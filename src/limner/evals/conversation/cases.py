"""Who talks: what the system knows of them beforehand, and the item that they are looking for without ever naming it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from limner.errors import InputError
from limner.evals.conversation.redial import RedialData, RedialTurn, load_redial
from limner.evals.ranking.split import parted
from limner.evals.toolrec.cases import Half, drawn
from limner.evals.toolrec.cases import cases as users_of
from limner.memory.records import Event
from limner.settings import Settings
from limner.tools import Catalogue, Dataset, load_dataset

__all__ = ["Case", "Cases", "load_cases", "movielens", "redial"]


@dataclass(frozen=True)
class Case:
    """One conversation that is to be had."""

    id: str
    person: str
    """Whose it is; conversations of one person are not independent of each other."""
    history: tuple[str, ...]
    """Items that the system knows them to know, oldest first; it must not show these."""
    events: tuple[tuple[float, Event], ...]
    """The same in the form in which they are observed, each with its time in seconds since 1970."""
    targets: tuple[str, ...]
    """What they are looking for; any of them will do."""
    seed: int
    """Of what the seeker draws."""
    words: tuple[str, ...] = ()
    """The turns of a real person up to here, which open the conversation; none let the seeker make a wish."""

    @property
    def opening(self) -> str | None:
        """The real person's words in one turn."""
        return " ".join(self.words) or None


@dataclass(frozen=True)
class Cases:
    """All that a run is about."""

    dataset: Dataset
    """What systems are fitted on; nothing in it is from the conversations that are to be had."""
    cases: tuple[Case, ...]
    protocol: str
    left_out: int = 0
    """Turns of real conversations without a target that had not been mentioned yet."""


def load_cases(
    data: str, half: Half, conversations: int | None, seed: int, settings: Settings | None = None
) -> Cases:
    """Return the conversations to be had on a data set.

    Args:
        data: A name or folder that `load_dataset` takes, or a folder with ReDial.
        half: Of the people.
        conversations: How many; none is one of each person, or of each turn of ReDial that recommends something.
        seed: Of the halves, and of what the seekers draw.
        settings: Where data sets are kept.

    Raises:
        InputError: There is no such half, or it has fewer conversations.
        NotFound: There is no such data.
    """
    if (Path(data).expanduser() / "test_turns.jsonl").exists():
        return redial(load_redial(Path(data).expanduser(), seed=seed), half, conversations, seed)
    return movielens(load_dataset(data, settings or Settings()), half, conversations, seed)


def movielens(dataset: Dataset, half: Half, conversations: int | None, seed: int) -> Cases:
    """Return conversations of users with ratings: the last item is the target, what they rated before is known.

    More conversations than users let people come back: with another wish, to a system that remembers nothing of the first.
    """
    split = parted(dataset)
    dataset = replace(dataset, interactions=dataset.interactions.only_items(dataset.catalogue.ids))
    people = users_of(dataset, split, drawn(list(split.test), half, None, seed), seed)
    found = [
        Case(
            id=one.user if place < len(people) else f"{one.user}/{place // len(people) + 1}",
            person=one.user,
            history=one.history,
            events=one.events,
            targets=_twins(dataset.catalogue, one.target, one.history),
            seed=seed + place // len(people),
        )
        for place in range(conversations or len(people))
        for one in (people[place % len(people)],)
    ]
    training = replace(dataset, interactions=split.training)
    return Cases(training, tuple(found), "leave-one-out in time: the last item is looked for")


def _twins(catalogue: Catalogue, target: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return the target under every id that it may still be shown under."""
    return (target, *(twin for twin in catalogue.twins(target) if twin not in known))


def redial(data: RedialData, half: Half, conversations: int | None, seed: int) -> Cases:
    """Return conversations that go on where a real one recommended something: its words open, what was recommended is the target.

    The half `report` is asked about systems that were fitted on the half `dev`. Within `dev` the dialogues are halved again, and
    those that are asked about are not those that are fitted on.

    Raises:
        InputError: There is no such half, or it has fewer turns.
    """
    turns, dataset = data.half(half), data.dataset("dev")
    if half == "dev":
        fitted = set(drawn(sorted({turn.dialogue for turn in turns}), "dev", None, seed + 1))
        turns = tuple(turn for turn in turns if turn.dialogue not in fitted)
        frame = dataset.interactions.frame
        rows = [r for r, user in zip(frame["row"], frame["user"], strict=True) if user not in fitted]
        dataset = replace(dataset, interactions=dataset.interactions.without(rows))
    usable = [turn for turn in turns if turn.new_targets]
    wanted = _spread(usable, conversations or len(usable))
    if len(wanted) < (conversations or 0):
        raise InputError(f"The half {half} has {len(usable)} turns; {conversations} cannot be drawn from it.")
    cases = tuple(_case(turn, data.catalogue, seed) for turn in wanted)
    protocol = "a real conversation goes on: what the person recommended next is looked for"
    return Cases(dataset, cases, protocol, len(turns) - len(usable))


def _spread(turns: Sequence[RedialTurn], n: int) -> list[RedialTurn]:
    """Return `n` of the turns: the first of each dialogue, then the second, and so on."""
    seen: dict[str, int] = {}
    ranks = []
    for turn in turns:
        seen[turn.dialogue] = seen.get(turn.dialogue, 0) + 1
        ranks.append(seen[turn.dialogue])
    order = sorted(range(len(turns)), key=lambda place: ranks[place])
    return [turns[place] for place in order[:n]]


def _case(turn: RedialTurn, catalogue: Catalogue, seed: int) -> Case:
    # A mention is no rating: the person may have liked the film, or not have seen it.
    events = tuple(
        (float(place), Event(kind="seen", item_id=item.id, title=item.title, item_type="film"))
        for place, item in enumerate(map(catalogue.get, turn.mentioned))
    )
    return Case(
        id=f"{turn.dialogue}/{turn.turn}",
        person=turn.dialogue,
        history=turn.mentioned,
        events=events,
        targets=turn.new_targets,
        seed=seed,
        words=tuple(text for speaker, text in turn.context if speaker == "seeker"),
    )

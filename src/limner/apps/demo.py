"""The main job from end to end on a MovieLens user: observe, reflect, portrait, recommend, ask.

The user's last ratings are hidden from everything, and shown at the end beside what was recommended.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from limner.agents.companion import Answer
from limner.agents.recommender import AgentStep, Recommendations
from limner.api import Limner, User
from limner.errors import NotFound
from limner.inference import LedgerRow
from limner.memory.records import Event, NewObservation, Portrait
from limner.profiles.propositions import Reflection, ReflectionStep
from limner.settings import Settings
from limner.tools import Catalogue, Dataset, Interactions, load_dataset

__all__ = ["HeldOut", "Outcome", "hold_out", "play", "run"]

HIDDEN = 5
OBSERVED = 40
REFLECT_AFTER = 20
QUESTION = "two hours at most tonight, and no horror"


@dataclass(frozen=True)
class HeldOut:
    """A data set from which one user's last ratings are taken out."""

    user: str
    dataset: Dataset
    """Without the hidden ratings: the recommenders are fitted on this."""
    observed: Interactions
    """The newest of what is left, in order of time."""
    left_out: int
    """Older ratings that are not observed; their films are not recommended either."""
    seen: tuple[str, ...]
    """Ids of everything the user rated before the hidden ratings."""
    hidden: tuple[str, ...]
    """Ids of the films that the user rated last, in order of time."""


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    held_out: HeldOut
    portrait: Portrait
    recommendations: Recommendations
    answer: Answer
    reflected: bool
    """Whether anything was reflected on, or everything was stored before."""
    failed: tuple[str, ...]
    """Why a batch of ratings could not be reflected on; it waits for the next run."""
    seconds: dict[str, float]
    ledger: list[LedgerRow]

    def ranks(self, ranking: Sequence[str]) -> list[int | None]:
        """Return the rank, from 1, of each hidden film in a ranking of every film not seen."""
        places = {item_id: rank for rank, item_id in enumerate(ranking, start=1)}
        return [places.get(item_id) for item_id in self.held_out.hidden]


def hold_out(dataset: Dataset, user: str, *, hidden: int = HIDDEN, observed: int = OBSERVED) -> HeldOut:
    """Take a user's last ratings out of a data set.

    Raises:
        NotFound: The data set has no such user, or they rated too little.
    """
    ratings = dataset.interactions.by_user(user)
    if len(ratings) <= hidden:
        raise NotFound(f"{dataset.name} has no user {user!r} with more than {hidden} ratings; 196 is one.")
    last = ratings.last(hidden)
    rest = ratings.without(last.rows)
    newest = rest.last(observed)
    return HeldOut(
        user,
        replace(dataset, interactions=dataset.interactions.without(last.rows)),
        newest,
        len(rest) - len(newest),
        tuple(rest.item),
        tuple(last.item),
    )


def observations(held_out: HeldOut) -> list[NewObservation]:
    """Return the observed ratings as observations, keyed so that a second run adds nothing."""
    catalogue, found = held_out.dataset.catalogue, []
    columns = held_out.observed
    for item_id, value, when in zip(columns.item, columns.value.tolist(), columns.time.tolist(), strict=True):
        item = catalogue.get(item_id)
        event = Event(
            kind="rating",
            item_id=item_id,
            title=item.title,
            item_type=held_out.dataset.item_type,
            value=value,
            scale=(1.0, 5.0),
            attributes=item.attributes,
        )
        moment = datetime.fromtimestamp(when, UTC)
        key = f"{held_out.dataset.name}/{held_out.user}/{item_id}"
        found.append(NewObservation(f"Rated {item.title} {value:g}/5", "ratings", "user", moment, key, event))
    return found


def play(limner: Limner, held_out: HeldOut, progress: Progress) -> Outcome:
    """Run the main job for one user; what an earlier run stored is used."""
    seconds: dict[str, float] = {}
    user = limner.user(f"ml-{held_out.user}")
    limner.ledger.reset()
    task = progress.add_task("load model and recommenders (the first time, fetch 1.1 GB)", total=None)
    start = time.perf_counter()
    agent, model = limner.agent, limner.model
    model.count_tokens("warm")
    seconds["load"] = time.perf_counter() - start

    start = time.perf_counter()
    reflections = _observe_and_reflect(user, held_out, progress, task)
    if reflections:
        seconds["observe and reflect"] = time.perf_counter() - start
    portrait = user.portrait()

    progress.update(task, description="recommend", total=None)
    start = time.perf_counter()

    def show(step: AgentStep) -> None:
        progress.update(task, description=f"recommend: {step.action} {step.detail}"[:70])

    recommendations = user.recommend(k=5, exclude=held_out.seen, progress=show)
    seconds["recommend"] = time.perf_counter() - start

    progress.update(task, description="answer")
    start = time.perf_counter()
    answer = user.ask(QUESTION)
    seconds["answer"] = time.perf_counter() - start
    progress.update(task, description="done", total=1, completed=1)
    assert agent is not None
    failed = tuple(reason for reflection in reflections for reason in reflection.failed)
    return Outcome(
        held_out, portrait, recommendations, answer, bool(reflections), failed, seconds, limner.ledger.rows()
    )


def _observe_and_reflect(user: User, held_out: HeldOut, progress: Progress, task: TaskID) -> list[Reflection]:
    """Observe the ratings in order of time, and reflect after every twenty of them."""
    new = observations(held_out)
    reflections = []
    progress.update(task, description="observe and reflect", total=len(new), completed=0)

    def show(step: ReflectionStep) -> None:
        progress.update(task, description=f"reflect: {step.stage} {step.detail}"[:70])

    for begin in range(0, len(new), REFLECT_AFTER):
        user.observe_many(new[begin : begin + REFLECT_AFTER])
        if user.status().pending:
            reflections.append(user.reflect(progress=show))
        progress.update(task, completed=min(begin + REFLECT_AFTER, len(new)))
    return reflections


def run(settings: Settings, user: str, *, console: Console | None = None) -> Outcome:
    """Run the demo and print everything; its store is a folder of its own under `settings.home`.

    Raises:
        NotFound: MovieLens-100K has no such user.
        DownloadError: The model or the data could not be fetched.
    """
    console = console or Console()
    own = settings.model_copy(update={"home": settings.home / "demo"})
    held_out = hold_out(load_dataset("ml-100k", own), user)
    console.rule(f"MovieLens user {user}")
    console.print(
        f"{len(held_out.seen) + len(held_out.hidden)} ratings: the last {len(held_out.hidden)} are hidden from everything, "
        f"the newest {len(held_out.observed)} of the rest are observed, {held_out.left_out} older ones are left out."
    )
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with (
        Limner.open(settings=own, dataset=held_out.dataset) as limner,
        Progress(*columns, console=console, transient=True) as progress,
    ):
        outcome = play(limner, held_out, progress)
        print_outcome(outcome, console)
    return outcome


def print_outcome(outcome: Outcome, console: Console) -> None:
    """Print portrait, recommendations, answer, what the user watched next, and the ledger."""
    catalogue = outcome.held_out.dataset.catalogue
    if not outcome.reflected:
        console.print("Everything was observed and reflected on by an earlier run.")
    for reason in outcome.failed:
        console.print(f"A batch of ratings waits for the next run: {reason}", style="yellow")
    _print_portrait(outcome.portrait, outcome.held_out, console)
    _print_recommendations(outcome.recommendations, console)
    console.rule("Question", align="left")
    console.print(f"“{QUESTION}”", style="italic")
    console.print(outcome.answer.text, highlight=False)
    _print_truth(outcome, catalogue, console)
    _print_ledger(outcome, console)


def _print_portrait(portrait: Portrait, held_out: HeldOut, console: Console) -> None:
    console.rule("Portrait", align="left")
    if not portrait.lines:
        console.print("Nothing stands out in these ratings, so nothing is claimed.")
    for line in portrait.lines:
        console.print(f"[bold]{line.confidence:4.1f}[/]  {line.text}", highlight=False)
        speaks_for = [e.quote for e in line.evidence if e.polarity == "supports"]
        against = [e.quote for e in line.evidence if e.polarity == "contradicts"]
        shown = "; ".join(speaks_for[:3])
        counter = f"; {len(against)} against, e.g. {against[0]}" if against else ""
        console.print(f"      {len(speaks_for)} for: {shown}{counter}", style="dim", highlight=False)


def _print_recommendations(found: Recommendations, console: Console) -> None:
    console.rule("Recommendations", align="left")
    for step in found.steps:
        because = f" — {step.reason}" if step.reason else ""
        console.print(f"• {step.action}: {step.detail}{because}", style="dim", highlight=False)
    if not found.finished:
        console.print(f"(stopped early: {found.stopped})", style="yellow")
    for place, pick in enumerate(found.items, start=1):
        console.print(f"{place}. [bold]{pick.item.title}[/]  {pick.reason}", highlight=False)
        calls = ", ".join(
            dict.fromkeys(
                call.arguments.get("where") or "everything" for call in pick.calls if call.tool == "retrieve"
            )
        )
        console.print(f"   found by: {calls}; base rank {pick.base_rank}", style="dim", highlight=False)


def _print_truth(outcome: Outcome, catalogue: Catalogue, console: Console) -> None:
    found = outcome.recommendations
    table = Table("what the user watched next", "base rank", "limner rank", box=None, pad_edge=False)
    base, ours = outcome.ranks(found.base_ranking), outcome.ranks(found.ranking)
    for item_id, before, after in zip(outcome.held_out.hidden, base, ours, strict=True):
        table.add_row(catalogue.get(item_id).title, str(before or "–"), str(after or "–"))
    console.rule(f"Hidden ratings, ranked among {len(found.base_ranking)} films not seen", align="left")
    console.print(table)


def _print_ledger(outcome: Outcome, console: Console) -> None:
    console.rule("Ledger", align="left")
    names = ("stage", "calls", "tokens in", "of them cached", "tokens out", "seconds")
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, justify="left" if name == "stage" else "right")
    for row in outcome.ledger:
        table.add_row(
            row.stage,
            str(row.calls),
            str(row.prompt_tokens),
            str(row.cached_tokens),
            str(row.output_tokens),
            f"{row.seconds:.1f}",
        )
    console.print(table)
    reflecting = [row for row in outcome.ledger if row.stage in {"propose", "relate"}]
    if outcome.reflected and reflecting:
        computed = sum(row.computed_tokens for row in reflecting)
        console.print(
            f"{computed / len(outcome.held_out.observed):.0f} computed tokens per observation (prompt not cached, plus output)."
        )
    console.print(", ".join(f"{name} {value:.0f} s" for name, value in outcome.seconds.items()))

"""Users whose ids look alike, who do anything in any order on one store, and try to get at each other's.

The first of them has a twin, who does the same alone in a store of their own and must get the same answers, scores and
errors. After every step somebody else's export must be what it was.
"""

import json
import tempfile
import unicodedata
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from langgraph.checkpoint.base import empty_checkpoint

from contracts.memory_reflections import proposed, revision_of
from isolation.doors import Door, LogWatch, Watch, outcome, same
from limner.errors import LimnerError, NotFound
from limner.memory import Batch, Memory, NewObservation, Portrait, PortraitLine, Suggestion, utc_now
from limner.settings import Settings
from limner.testing import HashEncoder

__all__ = ("NAMES", "QUERIES", "TEXTS", "Crowd", "in_memory")

NAMES = [
    "ada",
    "Ada",
    "adа",  # a Cyrillic а
    "ada ",
    "ａｄａ",  # full width
    unicodedata.normalize("NFC", "adà"),
    unicodedata.normalize("NFD", "adà"),
    "../mark7x",
    "/home/mark8x/..",
    'mark9x" --',
    "mark10x'; DROP TABLE users; --",
    "mark11x%",
    "%",
    "_da",
    "a" * 256,
    "a" * 255 + "b",
]
WORDS = ["horror", "comedy", "film", "Porto", "night", "dog", "tea", "%", "_", "' OR 1=1 --", "二時間"]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)
QUERIES = st.one_of(
    TEXTS,
    st.sampled_from([
        "'",
        '"',
        "*",
        "%%",
        "\\",
        "😀",
        "a" * 10_000,
        "mark " * 2_000,
        "NOT NEAR(",
        "user_id:ada",
        "' UNION SELECT text FROM observations --",
        "../../limner.db",
        "\n\n",
        "\t",
        "\x00",
        "\ud800",
    ]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
)
SOURCES = st.sampled_from(["chat", "ratings", "own", "%", "chat' OR '1'='1"])
DAYS = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=100 * n) for n in range(6)]
DAY = st.one_of(st.none(), st.sampled_from(DAYS))
THREADS = st.sampled_from(["films", "own", "../films"])
ANY = st.integers(0, 9_999)
"""Picks one of what is there when the step is made."""
FIRST = st.integers(0, 8).map(lambda n: max(0, n - 4))
"""Picks one of five users: mostly the first, who has a twin."""


_STEPS: dict[str, tuple[Callable[..., None], dict[str, st.SearchStrategy[Any]]]] = {}
_KINDS: list[str] = []


def _step(
    times: int = 1, **draws: st.SearchStrategy[Any]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add a kind of step, which is made so many times as often as others."""

    def add(does: Callable[..., None]) -> Callable[..., None]:
        _STEPS[does.__name__] = does, draws
        _KINDS.extend([does.__name__] * times)
        return does

    return add


def in_memory() -> str | None:
    """Return a folder that lies in memory, where there is one: no disk need be waited for."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


class Crowd(RuleBasedStateMachine):
    """Some of the users, in one store with an index for whoever has more than three documents of a kind."""

    places: ClassVar[dict[str, Any]] = {}
    """Where the store is, if not in a folder."""
    steps: ClassVar[Counter[str]] = Counter()
    calls: ClassVar[Counter[str]] = Counter()
    rare: ClassVar[int] = 8
    """One in so many of the steps that erase are made; the others only ask for it in vain."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(dir=in_memory())
        self.watch = Watch(NAMES)
        self.logs = LogWatch().__enter__()
        self.stores = [self._open(0), self._open(1)]
        self.moments = [utc_now()]
        self.batches: dict[str, list[Batch]] = {}
        self.left: dict[str, str] = {}
        self.acting = ""
        self.turn = 0
        self.whole = False
        """Whether the last step came to its end."""

    @initialize(chosen=st.lists(st.sampled_from(NAMES), min_size=5, max_size=5, unique=True))
    def enter(self, chosen: list[str]) -> None:
        """Choose the users."""
        self.names = chosen
        store = dict.fromkeys(chosen, (0,)) | {chosen[0]: (0, 1)}
        self.doors = {name: [self._door(name, n) for n in numbers] for name, numbers in store.items()}
        self.talks = {name: [self._talk(name, n) for n in numbers] for name, numbers in store.items()}
        self.left = {name: self._export(name) for name in chosen}

    def _open(self, number: int) -> Memory:
        """Open the store of everybody (0) or that of the twin (1)."""
        home = f"{self._folder.name}/{number}"
        options = {"home": home, "exact_limit": 3, "max_attempts": 1, **(self.places if number == 0 else {})}
        return Memory(Settings(**options), HashEncoder(dimension=32))

    def _door(self, name: str, number: int) -> Door:
        return Door(self._watch_of(number), name, lambda: self.stores[number].user(name))

    def _talk(self, name: str, number: int) -> Door:
        kept: list[Any] = [None, None]

        def checkpoints() -> Any:
            memory = self.stores[number]
            if kept[0] is not memory:
                kept[:] = memory, memory.user(name).checkpoints()
            return kept[1]

        return Door(self._watch_of(number), name, checkpoints)

    def _watch_of(self, number: int) -> Watch:
        return self.watch if number == 0 else Watch(NAMES)

    def teardown(self) -> None:
        """Look at the files, and have everybody forgotten."""
        try:
            if self.whole:
                self._finish()
        finally:
            self.logs.__exit__()
            for memory in self.stores:
                memory.close()
            self._folder.cleanup()
            type(self).calls.update(self.watch.calls)

    def _finish(self) -> None:
        for name in self.names:
            self._unchanged(name)
        for number, memory in enumerate(self.stores):
            self.watch.check_files(Path(self._folder.name) / str(number))
            assert set(memory.users()) <= set(self.names)
        for name in self.names:
            self.doors[name][0].forget_everything(leave_nothing=True)
        assert self.stores[0].users() == []
        self.logs.check()

    def act(self, name: str, what: Callable[[Door], object], *, talk: bool = False) -> object:
        """Let a user do something, and their twin the same; return what came of it."""
        self.acting = name
        results = [
            outcome(lambda door=door: what(door)) for door in (self.talks if talk else self.doors)[name]
        ]
        assert all(same(results[0], other) for other in results[1:]), results
        self.moments = [*self.moments[-9:], utc_now()]
        return results[0]

    def _export(self, name: str) -> str:
        door = self.doors[name][0]
        return json.dumps([line for line in door.export() if line["record"] != "limner"], sort_keys=True)

    def _unchanged(self, name: str) -> None:
        assert self._export(name) == self.left[name], f"something of {name!r} has changed"

    def words(self, name: str, words: str) -> str:
        """Return words that carry the user's mark."""
        return f"{words} {self.watch.marks[name]}"

    def source(self, name: str, source: str) -> str:
        """Return the name of a source, which may be one that only this user has."""
        return f"letters to {self.watch.marks[name]}" if source == "own" else source

    @_step(3, who=FIRST, text=TEXTS, source=SOURCES, day=DAY, key=st.sampled_from([None, None, "k1", "k2"]))
    def observe(self, who: int, text: str, source: str, day: datetime | None, key: str | None) -> None:
        """Store one observation; keys are the same with everybody."""
        name = self.names[who]
        fields = {"source": self.source(name, source), "occurred_at": day, "key": key}
        self.act(name, lambda door: door.observe(self.words(name, text), **fields))

    @_step(3, who=FIRST, texts=st.lists(TEXTS, min_size=1, max_size=6), source=SOURCES)
    def observe_many(self, who: int, texts: list[str], source: str) -> None:
        """Store some observations of one conversation."""
        name = self.names[who]
        session = self.words(name, "talk")
        new = [
            NewObservation(self.words(name, text), self.source(name, source), session=session)
            for text in texts
        ]
        self.act(name, lambda door: door.observe_many(new))

    @_step(who=FIRST)
    def claim(self, who: int) -> None:
        """Take a batch to reflect on, and keep it for a while."""
        self._claimed(self.names[who])

    def _claimed(self, name: str) -> list[Batch]:
        """Return the batch that a user has in hand, and that of the twin; none where nothing waits."""
        if name not in self.batches:
            taken: list[Batch] = []

            def take(door: Door) -> object:
                batch = door.claim(200, len)
                taken.extend([] if batch is None else [batch])
                return batch

            self.act(name, take)
            self.batches |= {name: taken} if taken else {}
        return self.batches.get(name, [])

    @_step(3, who=FIRST, which=ANY, does=st.sampled_from(["add", "add", "revise", "retire"]), day=DAY)
    def apply(self, who: int, which: int, does: str, day: datetime | None) -> None:
        """Store what is concluded from a batch."""
        name = self.names[who]
        if not (taken := self._claimed(name)):
            return
        mine = iter(taken)
        del self.batches[name]
        text, reason = self.words(name, f"Says {which}."), self.words(name, "because")

        def conclude(door: Door) -> object:
            batch = next(mine)
            held = door.propositions()
            old = held[which % len(held)] if held else None
            if old is not None and does == "retire":
                return door.apply(batch, retire={old.id: reason})
            if old is not None and does == "revise":
                new = revision_of(door, old, text, batch.observations[0], reasoning=reason)
            else:
                new = proposed(door, text, *batch.observations, reasoning=reason, valid_from=day)
            return door.apply(batch, add=[new])

        self.act(name, conclude)

    @_step(who=FIRST, failed=st.booleans())
    def release(self, who: int, failed: bool) -> None:
        """Give a batch back, with the words of an error or without, and try again what failed."""
        name = self.names[who]
        mine = iter(self.batches.pop(name, []))
        error = self.words(name, "the model said") if failed else None
        self.act(name, lambda door: [door.release(batch, error) for batch in [next(mine, None)] if batch])
        self.act(name, lambda door: [door.parked(), door.retry_parked() if failed else None])

    @_step(
        2, who=FIRST, query=QUERIES, other=ANY, k=st.sampled_from([1, 5, 50]), day=DAY, then=ANY, kinds=ANY
    )
    def search(
        self, who: int, query: str, other: int, k: int, day: datetime | None, then: int, kinds: int
    ) -> None:
        """Look for words, and for somebody else's mark, now and in the past."""
        name = self.names[who]
        chosen = [("observation", "proposition"), ("observation",), ("proposition",)][kinds % 3]
        known = self.moments[then % len(self.moments)] if then % 2 else None
        for asked in (query, self.watch.marks[self.names[other % 5]]):
            self.act(name, lambda door, q=asked: door.search(q, k, kinds=chosen, at=day, known_at=known))

    @_step(who=FIRST, query=QUERIES, other=ANY, k=st.sampled_from([1, 5]))
    def similar(self, who: int, query: str, other: int, k: int) -> None:
        """Compare drafts with what is held."""
        name = self.names[who]
        drafts = [query.replace("\ud800", "?"), f"Says {other}. {self.watch.marks[self.names[other % 5]]}"]
        self.act(name, lambda door: door.similar(drafts, k))

    @_step(who=FIRST, source=SOURCES, day=DAY, then=ANY)
    def read(self, who: int, source: str, day: datetime | None, then: int) -> None:
        """Read everything that can be listed."""
        name = self.names[who]
        known = self.moments[then % len(self.moments)]
        source = self.source(name, source)
        for what in (
            lambda door: door.status(),
            lambda door: [door.sources(), door.consents(), door.audit_log(), door.receipts(), door.parked()],
            lambda door: [
                door.observations(),
                door.observations(source=source, until=day, pending=True, limit=3),
            ],
            lambda door: [door.propositions(), door.propositions(at=day, known_at=known)],
            lambda door: [door.portrait("k"), door.portrait("k", task=self.words(name, "t"), known_at=known)],
            lambda door: [door.history(p.group) for p in door.propositions()],
            lambda door: [door.receipt(r.id) for r in door.receipts()],
            lambda door: len(door.export()),
        ):
            self.act(name, what)

    @_step(who=FIRST, which=ANY, verdict=st.sampled_from(["confirm", "deny", "pin", "unpin", "correct"]))
    def judge(self, who: int, which: int, verdict: str) -> None:
        """Have the last word on something."""
        name = self.names[who]
        words = (self.words(name, f"Rather {which}."),) if verdict == "correct" else ()

        def say(door: Door) -> object:
            held = door.propositions()
            return getattr(door, verdict)(held[which % len(held)].id, *words) if held else None

        self.act(name, say)

    @_step(who=FIRST, which=ANY, task=st.booleans())
    def draw(self, who: int, which: int, task: bool) -> None:
        """Keep a portrait."""
        name = self.names[who]

        def keep(door: Door) -> None:
            lines = tuple(PortraitLine(text=p.text, propositions=(p.id,)) for p in door.propositions())
            named = self.words(name, "t") if task else None
            door.save_portrait(Portrait(user_id=name, kind="k", task=named, lines=lines))

        self.act(name, keep)

    @_step(who=FIRST, which=ANY)
    def suggest(self, who: int, which: int) -> None:
        """Keep a suggestion, and decide on an earlier one."""
        name = self.names[who]

        def propose(door: Door) -> object:
            resting = tuple(p.id for p in door.propositions()[:2])
            text = self.words(name, "You could try it.")
            one = Suggestion(user_id=name, text=text, probability=1, value=5, cost=2, propositions=resting)
            if resting:
                door.save_suggestions([one])
            made = door.suggestions()
            return made and door.decide_suggestion(made[which % len(made)].id, accepted=bool(which % 2))

        self.act(name, propose)

    @_step(who=FIRST, which=ANY)
    def tell(self, who: int, which: int) -> None:
        """Log that something was told to somebody."""
        name = self.names[who]

        def log(door: Door) -> object:
            held = [p.id for p in door.propositions()] or [None]
            about = held[which % len(held)]
            reason = self.words(name, "why")
            return door.record_audit(reason, reason, decision="share", proposition_id=about, reason=reason)

        self.act(name, log)

    @_step(
        who=FIRST, thread=THREADS, text=TEXTS, does=st.sampled_from(["put", "put", "list", "delete", "copy"])
    )
    def converse(self, who: int, thread: str, text: str, does: str) -> None:
        """Go on with a conversation; threads have the same names with everybody."""
        name = self.names[who]
        place = {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}

        def turn(saver: Door) -> object:
            if does == "delete":
                return saver.delete_thread(thread)
            if does == "copy":
                return saver.copy_thread(thread, f"{thread} {self.watch.marks[name]}")
            if does == "list":
                return [saver.list(None), saver.list(place)]
            last = saver.get_tuple(place)
            state = empty_checkpoint()
            state["channel_values"] = {"said": self.words(name, text)}
            at = saver.put(last.config if last else place, state, {"source": "input"}, {})
            saver.put_writes(at, [("said", self.words(name, "then"))], str(uuid.uuid4()))
            return [last, saver.get_tuple(place)]

        self.act(name, turn, talk=True)

    @_step(
        who=FIRST,
        source=SOURCES,
        all=st.booleans(),
        granted=st.sampled_from([True, True, False]),
        days=st.sampled_from([None, 0, 9]),
    )
    def settle(self, who: int, source: str, all: bool, granted: bool, days: int | None) -> None:
        """Pause or resume, consent or withdraw, and set a period."""
        name = self.names[who]
        source = self.source(name, source)
        paused = None if all else source

        def agree(door: Door) -> object:
            door.pause(paused)
            refused = outcome(lambda: door.observe(self.words(name, "not recorded"), source=source))
            door.resume(paused)
            door.retain(source, days)
            consent = door.consent(source, granted=granted or days == 9, basis=self.words(name, "form"))
            return [refused, consent]

        self.act(name, agree)

    @_step(who=FIRST, which=ANY, what=st.sampled_from(["observation", "proposition", "several"]))
    def forget(self, who: int, which: int, what: str) -> None:
        """Have something erased."""
        name = self.names[who]

        def erase(door: Door) -> object:
            there = door.propositions() if what == "proposition" else door.observations()
            ids = [one.id for one in there][which % max(1, len(there)) :][: 3 if what == "several" else 1]
            before = len(door.observations())
            receipt = door.forget_observations(ids) if what == "several" else [door.forget(id) for id in ids]
            went = sum(r.observations for r in (receipt if isinstance(receipt, list) else [receipt]))
            assert len(door.observations()) == door.status().observations == before - went
            return receipt

        self.act(name, erase)

    @_step(who=FIRST, source=SOURCES, rarely=ANY, everything=st.booleans())
    def forget_much(self, who: int, source: str, rarely: int, everything: bool) -> None:
        """Have a source erased or everything, now and then; at other times a source that is not there."""
        name = self.names[who]
        if rarely % self.rare:
            self.act(name, lambda door: door.forget_source(f"nothing from {source}"))
        elif everything:
            self.act(name, lambda door: door.forget_everything(leave_nothing=True))
            assert self.doors[name][0].export() == []
        else:
            self.act(name, lambda door: door.forget_source(self.source(name, source)))

    @_step(who=FIRST, whose=ANY, which=ANY)
    def reach(self, who: int, whose: int, which: int) -> None:
        """Hand in what belongs to somebody else: it is as if there were no such thing."""
        name, other = self.names[who], self.names[whose % 5]
        if name == other:
            return
        door, theirs = self.doors[name][0], self.doors[other][0]
        held = theirs.propositions()
        ids = [one.id for one in (*theirs.observations(), *held, *theirs.receipts(), *theirs.suggestions())]
        ids += [p.group for p in held]
        if ids:
            self._hand_in(door, ids[which % len(ids)], name)
            self.act(name, lambda one: one.forget_observations([ids[which % len(ids)]]).observations)
        if held and name in self.batches:
            self._cite(door, self.batches[name][0], held[which % len(held)], name)
        if other in self.batches:
            self._steal(door, theirs, self.batches[other][0], name)
        source = self.source(other, "own")
        assert door.observations(source=source) == []
        refused = outcome(lambda: door.forget_source(source), [source])
        assert refused == outcome(lambda: door.forget_source("unknown"), ["unknown"])
        for thread in self.talks[other][0].list(None):
            assert self.talks[name][0].get_tuple(thread.config) is None

    def _hand_in(self, door: Door, id: str, name: str) -> None:
        """Try everything that takes an id."""
        words = self.words(name, "It is not so.")
        methods: list[Callable[[str], object]] = [
            door.observation,
            door.proposition,
            door.history,
            door.receipt,
            door.show_suggestion,
            partial(door.decide_suggestion, accepted=True),
            door.forget,
            door.confirm,
            door.deny,
            door.pin,
            door.unpin,
            lambda one: door.correct(one, words),
        ]
        for method in methods:
            try:
                raise AssertionError(f"{method} answered {method(id)!r}")
            except NotFound:
                pass
            unknown = str(uuid.uuid4())
            assert outcome(partial(method, id), [id]) == outcome(partial(method, unknown), [unknown])

    def _cite(self, door: Door, batch: Batch, held: Any, name: str) -> None:
        """Rest on somebody else's evidence, revise and retire what they hold."""
        text = self.words(name, "Says nothing.")
        for change in (
            {"add": [proposed(door, text, *batch.observations, evidence=held.evidence)]},
            {"add": [revision_of(door, held, text, *batch.observations, evidence=())]},
            {"add": [proposed(door, text, *batch.observations, supersedes=(held.id,))]},
            {"retire": {held.id: text}},
        ):
            try:
                raise AssertionError(f"it was stored: {door.apply(batch, **change)}")
            except LimnerError:
                pass
        line = PortraitLine(text=text, propositions=(held.id,))
        for owner in {door.user_id, held.user_id}:
            try:
                portrait = Portrait(user_id=owner, kind="k", lines=(line,))
                raise AssertionError(f"it was kept: {door.save_portrait(portrait)}")
            except LimnerError:
                pass

    def _steal(self, door: Door, theirs: Door, batch: Batch, name: str) -> None:
        """Work on a batch that somebody else has claimed."""
        before = outcome(lambda: theirs.renew(batch))
        stolen = proposed(door, self.words(name, "Stolen."), *batch.observations)
        for attempt in (lambda: door.apply(batch, add=[stolen]), lambda: door.renew(batch)):
            try:
                raise AssertionError(f"it worked: {attempt()}")
            except LimnerError:
                pass
        door.release(batch, self.words(name, "no"))
        assert outcome(lambda: theirs.renew(batch)) == before

    @_step(how=st.sampled_from(["drain", "drain", "rebuild", "own"]), who=FIRST)
    def index(self, how: str, who: int) -> None:
        """Bring the index up to date, or make it anew."""
        if how == "own":
            self.act(self.names[who], lambda door: door.drain_index() >= 0)
            return
        for memory in self.stores:
            memory.drain_index() if how == "drain" else memory.rebuild_index()

    @_step(rarely=ANY)
    def restart(self, rarely: int) -> None:
        """Close the stores and open them again, now and then."""
        if rarely % self.rare == 0:
            for number, memory in enumerate(self.stores):
                memory.close()
                self.stores[number] = self._open(number)

    @_step()
    def look_over(self) -> None:
        """Read what the operator sees: of everybody only what is theirs."""
        memory = self.stores[0]
        overview = memory.overview()
        for summary in overview:
            self.watch.check(summary.id, repr(summary))
            assert summary.observations == self.doors[summary.id][0].status().observations
        assert memory.status().observations == sum(s.observations for s in overview)

    @rule(kind=st.sampled_from(_KINDS), data=st.data())
    def step(self, kind: str, data: st.DataObject) -> None:
        """Make one step; its kind is drawn here, because hypothesis would leave most kinds out of a run."""
        does, draws = _STEPS[kind]
        self.whole = False
        type(self).steps[kind] += 1
        does(self, **{what: data.draw(strategy, what) for what, strategy in draws.items()})

    @invariant()
    def nobody_else_notices(self) -> None:
        """Compare the export of somebody who did nothing with what it was."""
        if not self.left:
            return
        if self.acting:
            self.left[self.acting] = self._export(self.acting)
        self.turn += 1
        witness = self.names[self.turn % 5]
        if witness != self.acting:
            self._unchanged(witness)
        self.acting = ""
        self.whole = True

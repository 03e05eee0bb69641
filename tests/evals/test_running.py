"""Drawing questions, feeding histories, and runs that ask a memory alone."""

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.errors import InputError
from limner.evals.memories.bm25 import BM25Memory
from limner.evals.memories.full import FullMemory
from limner.evals.records import Asked, Benchmark, Marked, Passage, Question, Turn
from limner.evals.results import Cost
from limner.evals.running import Feeder, metered, run_plainly, session_turns, stratified
from limner.inference import Ledger
from limner.inference.ledger import Usage, measured

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TALK = (
    Turn("I grow leeks.", id="a1", at=NOON),
    Turn("How nice!", "assistant", id="a2", at=NOON),
    Turn("I play the oboe.", id="b1", at=NOON + DAY),
    Turn("It rains.", id="c1"),
    Turn("I moved to Ghent.", id="d1", at=NOON),
)


def question(name: str, group: str | None = None, **details: object) -> Question:
    return Question(name, f"Who grows leeks, {name}?", ("x",), history="h", group=group, details=details)


def found_first(question, answer) -> Marked:
    return Marked({"correct": float(bool(answer.passages) and answer.passages[0].ids == ("a1",))})


def benchmark(questions: Sequence[Question] = (), **fields) -> Benchmark:
    known = {"histories": {"h": TALK}, "mark": found_first, **fields}
    return Benchmark("made", questions or [question("q")], ("accuracy",), **known)


class Noting:
    """Remembers what it is told, word for word and call by call."""

    def __init__(self) -> None:
        self.added: list[tuple[str, tuple[str, ...], datetime | None]] = []
        self.searching = 0
        self.most = Counter()
        self.lock = threading.Lock()

    def add(self, user, messages, timestamp) -> None:
        self.added.append((user, tuple(turn.text for turn in messages), timestamp))

    def search(self, user, query, k) -> list[Passage]:
        with self.lock:
            self.searching += 1
            self.most[user] = max(self.most[user], self.searching)
        threading.Event().wait(0.005)
        with self.lock:
            self.searching -= 1
        return [Passage(text) for _, texts, _ in self.added for text in texts][:k]


class TestStratified:
    def test_every_group_has_its_share_and_the_files_order_is_kept(self) -> None:
        questions = [question(str(i), "ab"[i % 10 == 0]) for i in range(200)]
        drawn = stratified(questions, 50, seed=3)
        assert Counter(one.group for one in drawn) == {"a": 45, "b": 5}
        assert [int(one.id) for one in drawn] == sorted(int(one.id) for one in drawn)

    def test_the_draw_depends_on_the_seed_alone(self) -> None:
        questions = [question(str(i), "abc"[i % 3]) for i in range(90)]
        assert stratified(questions, 20, 1) == stratified(questions, 20, 1)
        assert stratified(questions, 20, 1) != stratified(questions, 20, 2)

    def test_a_larger_limit_keeps_what_a_smaller_one_drew(self) -> None:
        questions = [question(str(i), "aab"[i % 3]) for i in range(60)]
        smaller, larger = ({one.id for one in stratified(questions, n, 0)} for n in (10, 40))
        assert smaller < larger

    @pytest.mark.parametrize("limit", [None, 4, 99])
    def test_without_an_effective_limit_all_are_asked(self, limit) -> None:
        questions = [question(str(i)) for i in range(4)]
        assert stratified(questions, limit, 0) == questions

    def test_the_orders_of_one_item_stay_together(self) -> None:
        questions = [question(f"{i}/{turn}", "ab"[i % 2], item=i) for turn in range(4) for i in range(12)]
        drawn = stratified(questions, 18, 0)
        assert set(Counter(one.details["item"] for one in drawn).values()) == {4}
        assert len(drawn) == 16

    def test_a_limit_below_the_orders_of_one_item_is_refused(self) -> None:
        questions = [question(f"0/{turn}", item=0) for turn in range(4)]
        with pytest.raises(InputError, match="4 orders"):
            stratified(questions, 3, 0)

    def test_nothing_is_drawn_from_nothing(self) -> None:
        assert stratified([], 5, 0) == []
        assert stratified([], None, 0) == []

    @given(
        st.lists(st.sampled_from(["a", "b", "c", None]), max_size=60),
        st.integers(1, 60),
        st.integers(0, 9),
    )
    def test_no_group_is_a_whole_question_off_its_share(self, groups, limit, seed) -> None:
        questions = [question(str(i), group) for i, group in enumerate(groups)]
        drawn = stratified(questions, limit, seed)
        assert len(drawn) == min(limit, len(questions))
        for group, size in Counter(groups).items():
            share = size * len(drawn) / len(questions)
            assert abs(sum(one.group == group for one in drawn) - share) <= len(set(groups))


def test_sessions_are_runs_of_one_moment() -> None:
    found = [(moment, [turn.id for turn in turns]) for moment, turns in session_turns(TALK)]
    assert found == [(NOON, ["a1", "a2"]), (NOON + DAY, ["b1"]), (None, ["c1"]), (NOON, ["d1"])]
    assert list(session_turns(())) == []


class TestFeeder:
    def test_a_history_is_fed_once_session_by_session(self) -> None:
        memory = Noting()
        feeder = Feeder(benchmark(), memory, 2)
        assert [p.text for p in feeder.search(question("q"))] == ["I grow leeks.", "How nice!"]
        feeder.search(question("r"))
        user = feeder.user("h")
        assert memory.added == [
            (user, ("I grow leeks.", "How nice!"), NOON),
            (user, ("I play the oboe.",), NOON + DAY),
            (user, ("It rains.",), None),
            (user, ("I moved to Ghent.",), NOON),
        ]

    def test_another_feeder_of_the_same_memory_finds_it_fed(self) -> None:
        shared = FullMemory()
        one = benchmark()
        for _ in range(3):
            found = Feeder(one, shared, 5).search(question("q"))
        assert Counter(passage.text for passage in found) == Counter(turn.text for turn in TALK)
        assert len(Feeder(one, FullMemory(), 5).search(question("q"))) == len(TALK)

    def test_after_a_failure_no_session_is_fed_twice(self) -> None:
        class Failing(Noting):
            def add(self, user, messages, timestamp) -> None:
                if messages[0].id == "c1" and not self.most:
                    self.most["failed"] += 1
                    raise ConnectionError
                super().add(user, messages, timestamp)

        memory = Failing()
        feeder = Feeder(benchmark(), memory, 9)
        with pytest.raises(ConnectionError):
            feeder.search(question("q"))
        assert [passage.text for passage in feeder.search(question("q"))] == [turn.text for turn in TALK]

    def test_a_user_is_named_after_the_content_of_the_history(self) -> None:
        def user(turns, name="made") -> str:
            made = Benchmark(name, [question("q")], ("accuracy",), found_first, histories={"h": turns})
            return Feeder(made, Noting(), 1).user("h")

        assert user(TALK) == user(tuple(TALK))
        assert len({user(TALK), user(TALK[:-1]), user(TALK[::-1]), user(TALK, "other")}) == 4

    async def test_a_question_without_a_history_finds_nothing(self) -> None:
        memory = Noting()
        feeder = Feeder(benchmark(), memory, 2)
        alone = Question("q", "Who?", ("x",))
        assert await feeder.passages(alone) == feeder.search(alone) == []
        assert memory.added == []

    async def test_questions_of_one_history_wait_and_others_do_not(self) -> None:
        questions = [
            Question(f"{name}{i}", "Who?", ("x",), history=name) for name in "abcd" for i in range(4)
        ]
        histories = {name: (Turn(f"I am {name}."),) for name in "abcd"}
        memory = Noting()
        feeder = Feeder(benchmark(questions, histories=histories), memory, 3)
        together = await asyncio.gather(*map(feeder.passages, questions))
        assert Counter(texts for _, texts, _ in memory.added) == {(f"I am {name}.",): 1 for name in "abcd"}
        assert len(together) == 16
        assert max(memory.most.values()) > 1

        memory = Noting()
        feeder = Feeder(benchmark(questions[:4], histories=histories), memory, 3)
        await asyncio.gather(*map(feeder.passages, questions[:4]))
        assert max(memory.most.values()) == 1

    async def test_two_feeders_at_once_feed_one_history_once(self) -> None:
        memory = Noting()
        feeders = [Feeder(benchmark(), memory, 9) for _ in range(4)]
        found = await asyncio.gather(*(feeder.passages(question("q")) for feeder in feeders))
        assert len(memory.added) == 4
        assert all(one == found[0] for one in found)


def test_what_a_meter_saw_is_a_cost() -> None:
    ledger = Ledger()
    with measured() as meter:
        ledger.record(Usage(100, 80, 5), 1.5)
        ledger.record(Usage(10, 0, 1), 1.0, reused=True)
    assert metered(meter) == Cost(
        calls=2, input_tokens=110, cached_tokens=80, output_tokens=6, seconds=1.5, reused=1
    )


class TestRunPlainly:
    def test_every_question_is_marked_in_order_and_progress_told(self) -> None:
        questions = [question(str(i), "g") for i in range(3)]
        done: list[int] = []
        items = run_plainly(benchmark(questions), questions, BM25Memory(), 2, done.append)
        assert [(item.id, item.group, item.values) for item in items] == [
            (str(i), "g", {"correct": 1.0}) for i in range(3)
        ]
        assert all(before < after for before, after in pairwise(done))
        assert done[-1] == 3

    def test_what_the_memory_asks_a_model_is_booked_for_the_question_that_needed_it(self) -> None:
        ledger = Ledger()

        class Asking(FullMemory):
            def add(self, user, messages, timestamp) -> None:
                ledger.record(Usage(7, 0, 1), 0.0)
                super().add(user, messages, timestamp)

        questions = [question("q"), question("r")]
        items = run_plainly(benchmark(questions), questions, Asking(), 2)
        assert [(item.cost.calls, item.cost.input_tokens) for item in items] == [(4, 28), (0, 0)]

    @pytest.mark.parametrize("asynchronous", [False, True])
    def test_a_benchmark_that_asks_a_model_is_refused(self, asynchronous) -> None:
        class Later:
            def __await__(self):
                raise NotImplementedError

        def later(question, answer) -> Later:
            return Later()

        def ask(question, passages) -> Asked:
            return Asked((("user", question.text),))

        made = benchmark(mark=later) if asynchronous else benchmark(ask=ask)
        with pytest.raises(ValueError, match="asks a model"):
            run_plainly(made, made.questions, FullMemory(), 2)

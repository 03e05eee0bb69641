"""Keeping pace with a server: all wait together, fewer at once and more again, and an end to patience. No time passes here."""

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warped_time import warped

from limner.errors import ContextOverflow, ModelBusy, ModelDown, ModelError, ModelTooSlow, ModelUnavailable
from limner.inference.failures import retry_after
from limner.inference.pace import FIRST_PAUSE_S, IN_A_BATCH, LONGEST_PAUSE_S, Pace, Patience, patient

LONG = Patience(busy_s=10_000, down_s=10_000, too_slow=2)


def pace(patience: Patience = LONG, *, most: int = 8, draw: Callable[[], float] = lambda: 1.0) -> Pace:
    return Pace(patience, most=most, clock=asyncio.get_running_loop().time, draw=draw)


def now() -> float:
    return asyncio.get_running_loop().time()


def replies(*outcomes: Any) -> tuple[Callable[[], Awaitable[Any]], list[float]]:
    """Return a call that ends as listed, one after the other, the last again and again; and when it was made."""
    left, made = list(outcomes), []

    async def attempt() -> Any:
        made.append(now())
        outcome = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return attempt, made


def gaps(made: list[float]) -> list[float]:
    return [round(b - a, 3) for a, b in pairwise(made)]


def test_a_busy_server_is_left_alone_longer_each_time() -> None:
    async def main() -> None:
        attempt, made = replies(*[ModelBusy("busy") for _ in range(9)], "here")
        assert await pace().call(attempt) == "here"
        assert gaps(made) == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
        assert (FIRST_PAUSE_S, LONGEST_PAUSE_S) == (0.5, 30)

    warped(main())


def test_the_pause_is_drawn_between_the_half_and_the_whole() -> None:
    async def main() -> list[float]:
        attempt, made = replies(*[ModelBusy("busy") for _ in range(6)], "here")
        await pace(draw=random.Random(7).random).call(attempt)
        return gaps(made)

    found = warped(main())
    assert all(whole / 2 <= gap <= whole for gap, whole in zip(found, (0.5, 1, 2, 4, 8, 16), strict=True))
    assert len({round(gap / whole, 3) for gap, whole in zip(found, (0.5, 1, 2, 4, 8, 16), strict=True)}) > 1


def test_it_waits_as_long_as_the_server_asks_and_a_little_longer() -> None:
    async def main() -> None:
        attempt, made = replies(ModelBusy("busy", 20.0), "here")
        await pace(draw=lambda: 0.5).call(attempt)
        assert gaps(made) == [21.0]

    warped(main())


def test_one_answer_makes_everybody_wait() -> None:
    async def main() -> None:
        shared = pace()
        refused, _ = replies(ModelBusy("busy", 10.0), "one")
        other, made = replies("two")
        first = asyncio.create_task(shared.call(refused))
        await asyncio.sleep(1)
        start = now() - 1
        assert shared.waiting_s == pytest.approx(10.0)
        assert shared.trouble == "busy"
        assert await asyncio.gather(first, shared.call(other)) == ["one", "two"]
        assert made[0] - start == pytest.approx(11.0)
        assert (shared.waiting_s, shared.trouble) == (0.0, None)

    warped(main())


def test_patience_ends_with_what_the_server_said() -> None:
    async def main() -> None:
        attempt, made = replies(ModelBusy("busy: come again"))
        with pytest.raises(ModelBusy, match="come again"):
            await pace(Patience(busy_s=5)).call(attempt)
        assert gaps(made) == [0.5, 1, 2]  # the next would have been 4 seconds later

    warped(main())


def test_who_is_asked_to_wait_longer_than_they_have_does_not_wait_at_all() -> None:
    async def main() -> None:
        shared = pace(Patience(busy_s=5))
        start = now()
        with pytest.raises(ModelBusy) as caught:
            await shared.call(replies(ModelBusy("busy", 3600))[0])
        assert caught.value.retry_after_s == 3600
        with pytest.raises(ModelBusy):  # nor does the next caller
            await shared.call(replies("never asked")[0])
        assert now() == start

    warped(main())


def test_a_batch_is_more_patient_than_whoever_waits_in_front_of_it() -> None:
    async def main() -> None:
        assert await outcome(Patience()) < 20
        with patient(IN_A_BATCH):
            assert 300 < await outcome(Patience()) <= 600

    async def outcome(patience: Patience) -> float:
        start = now()
        with pytest.raises(ModelBusy):
            await pace(patience).call(replies(ModelBusy("busy"))[0])
        return now() - start

    warped(main())


def test_an_outage_is_tried_by_one_at_a_time_until_one_comes_through() -> None:
    async def main() -> None:
        shared, server = pace(most=8), Server(seconds=1.0)
        server.down_until = now() + 100
        calls = [asyncio.create_task(shared.call(server.call)) for _ in range(20)]
        await asyncio.sleep(60)
        assert len(server.began) < 10, "one tries for all"
        await asyncio.gather(*calls)
        assert server.answered == 20
        after = sorted(began for began in server.began if began >= server.down_until)
        assert after[1] - after[0] >= 1.0, "the first after the outage went alone"

    warped(main())


def test_a_call_on_which_the_server_breaks_each_time_is_given_up() -> None:
    """Others come through in between, so it is no outage: waiting for its end would never end."""

    async def main() -> None:
        shared, server, broken = pace(), Server(seconds=1.0), [0]

        async def poison() -> None:
            broken[0] += 1
            raise ModelDown("the connection broke")

        others = asyncio.create_task(several(shared, server, 50))
        with pytest.raises(ModelDown):
            await shared.call(poison)
        assert 3 <= broken[0] <= 5
        await others
        assert server.answered == 50

    warped(main())


def test_who_cannot_wait_looks_for_themselves_whether_a_server_is_up_again() -> None:
    async def main() -> None:
        shared = pace(Patience(down_s=1.5))
        down, tries = replies(*[ModelDown("nobody listens")] * 9)
        with pytest.raises(ModelDown):
            await shared.call(down)
        assert len(tries) > 1
        start = now()
        answer, made = replies("here")
        assert await shared.call(answer) == "here"
        assert made == [start]

    warped(main())


def test_a_server_that_ends_what_it_had_begun_is_down_all_the_same() -> None:
    """One that is being stopped takes no call any more, while those under way are answered one after the other."""

    async def main() -> None:
        shared, back_at = pace(), now() + 40

        async def long_one(seconds: float) -> None:
            await asyncio.sleep(seconds)

        async def refused() -> str:
            if now() < back_at:
                raise ModelDown("nobody listens")
            return "here"

        under_way = [asyncio.create_task(shared.call(partial(long_one, 1.0 + 2 * n))) for n in range(7)]
        await asyncio.sleep(0.5)
        assert await shared.call(refused) == "here"
        await asyncio.gather(*under_way)

    warped(main())


def test_a_fault_is_tried_twice_more_and_holds_nobody_else_up() -> None:
    async def main() -> None:
        shared = pace()
        fault, made = replies(ModelUnavailable("HTTP 500", again=True))
        other, others = replies("here")
        failing = asyncio.create_task(shared.call(fault))
        await asyncio.sleep(0)
        start = now()
        await shared.call(other)
        assert others == [start]
        with pytest.raises(ModelUnavailable, match="500"):
            await failing
        assert gaps(made) == [0.5, 1.0]

    warped(main())


@pytest.mark.parametrize(
    "error", [ModelUnavailable("no key"), ModelError("no such field"), ContextOverflow(9, 5)]
)
def test_what_waiting_does_not_mend_is_not_waited_for(error: ModelError) -> None:
    async def main() -> None:
        attempt, made = replies(error)
        with pytest.raises(type(error)):
            await pace().call(attempt)
        assert len(made) == 1

    warped(main())


def test_a_slow_call_is_made_again_with_fewer_beside_it_and_only_in_a_batch() -> None:
    async def main() -> None:
        shared = pace(Patience(too_slow=1))
        beside = asyncio.create_task(shared.call(lambda: asyncio.sleep(50)))
        await asyncio.sleep(0)
        attempt, made = replies(ModelTooSlow("slow"), "here")
        assert await shared.call(attempt) == "here"
        assert shared.at_once < 8
        await beside
        attempt, made = replies(ModelTooSlow("slow"), "never asked")
        with pytest.raises(ModelTooSlow):  # nobody was beside it, so it is slow by itself
            await shared.call(attempt)
        assert len(made) == 1

    warped(main())


def test_after_busy_fewer_run_at_once_and_more_again() -> None:
    async def main() -> None:
        shared, server, start = pace(most=32), Server(seconds=5.0, room=10), now()
        await several(shared, server, 400, at_once=32)
        assert server.answered == 400
        assert server.refused < 60, "it learns how many the server takes"
        share = 400 * server.seconds / (server.room * (now() - start))
        assert share > 0.7, f"{share:.0%} of the server was used"

    warped(main())


def test_calls_never_pass_the_bound_and_reach_it() -> None:
    async def main() -> None:
        shared, server = pace(most=5), Server(seconds=1.0)
        await several(shared, server, 40)
        assert (server.most, server.answered) == (5, 40)

    warped(main())


def test_who_comes_first_goes_first_but_behind_those_who_are_waited_for() -> None:
    async def main() -> None:
        shared, order = pace(most=1), []

        async def call(name: str) -> None:
            async def attempt() -> None:
                order.append(name)
                await asyncio.sleep(1)

            await shared.call(attempt)

        async def batch(name: str) -> None:
            with patient(IN_A_BATCH):
                await call(name)

        tasks = []
        for name in ("first", "b1", "b2", "b3"):
            tasks.append(asyncio.create_task(batch(name)))
            await asyncio.sleep(0)
        for name in ("asked 1", "asked 2"):
            tasks.append(asyncio.create_task(call(name)))
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        assert order == ["first", "asked 1", "asked 2", "b1", "b2", "b3"]

    warped(main())


def test_who_goes_away_leaves_their_place() -> None:
    async def main() -> None:
        shared, server = pace(most=1), Server(seconds=10.0)
        running = asyncio.create_task(shared.call(server.call))
        gone = asyncio.create_task(shared.call(server.call))
        patient_one = asyncio.create_task(shared.call(server.call))
        await asyncio.sleep(1)
        running.cancel()
        gone.cancel()
        start = now()
        await patient_one
        assert now() - start == pytest.approx(10.0)
        assert server.answered == 1

    warped(main())


def test_threads_and_loops_share_it() -> None:
    shared = Pace(Patience(busy_s=30), most=1, draw=lambda: 0.0)
    order: list[str] = []
    holds, ended = threading.Event(), threading.Event()

    def in_a_thread() -> None:
        def attempt() -> None:
            holds.set()
            ended.wait(10)
            order.append("thread")

        shared.call_now(attempt)

    async def in_a_loop() -> None:
        async def attempt() -> None:
            order.append("loop")

        waiting = asyncio.create_task(shared.call(attempt))
        await asyncio.sleep(0.05)
        assert order == []
        ended.set()
        await waiting

    thread = threading.Thread(target=in_a_thread)
    thread.start()
    assert holds.wait(10)
    asyncio.run(in_a_loop())
    thread.join()
    assert order == ["thread", "loop"]


def test_small_questions_do_not_stand_in_line() -> None:
    shared = Pace(most=1)

    async def main() -> None:
        async def attempt() -> int:
            return await asyncio.to_thread(shared.call_now, lambda: 7, slot=False)

        assert await shared.call(attempt) == 7

    asyncio.run(main())


@settings(deadline=None)
@given(st.lists(st.sampled_from(["ok", "busy", "down", "fault", "bad"]), max_size=60), st.integers(1, 6))
def test_whatever_happens_no_slot_is_lost(outcomes: list[str], most: int) -> None:
    errors = {
        "busy": lambda: ModelBusy("busy", 1.0),
        "down": lambda: ModelDown("down"),
        "fault": lambda: ModelUnavailable("fault", again=True),
        "bad": lambda: ModelError("bad"),
    }

    async def main() -> None:
        shared, server = pace(most=most), Server(seconds=0.3)
        script = iter(outcomes)

        async def attempt() -> None:
            outcome = next(script, "ok")
            await server.call()
            if outcome != "ok":
                raise errors[outcome]()

        await asyncio.gather(*(shared.call(attempt) for _ in range(30)), return_exceptions=True)
        assert server.most <= most
        # Everybody has ended, so as many as ever can run at once.
        again = Server(seconds=1.0)
        await several(shared, again, 300)
        assert (again.most, again.answered) == (most, 300)

    warped(main())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        (
            {"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"},
            30.0,
        ),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_how_long_a_server_asks_to_be_left_alone(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


@dataclass
class Server:
    """One that takes so long for a call, has room for so many, and may be down for a while."""

    seconds: float
    room: int = 1000
    down_until: float = 0.0
    running: int = 0
    most: int = 0
    answered: int = 0
    refused: int = 0
    began: list[float] = field(default_factory=list)
    load: list[int] = field(default_factory=list)

    async def call(self) -> None:
        self.began.append(now())
        if now() < self.down_until:
            raise ModelDown("nothing answers")
        if self.running >= self.room:
            self.refused += 1
            raise ModelBusy("full")
        self.running += 1
        self.most = max(self.most, self.running)
        self.load.append(self.running)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.running -= 1
        self.answered += 1


async def several(shared: Pace, server: Server, calls: int, *, at_once: int | None = None) -> None:
    gate = asyncio.Semaphore(at_once or calls)

    async def one() -> None:
        async with gate:
            await shared.call(server.call)

    await asyncio.gather(*(one() for _ in range(calls)))

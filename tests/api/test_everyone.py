"""Reflection on everybody: side by side, each in order, each thing once, whatever the endpoint does."""

import asyncio
import os
import random
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from durability.elsewhere import reflecting
from durability.everybody_killed import kill_until_done
from everybody import Crowd, check_each_once, crowd_server, observe, opened
from inference.loopback_server import Answer, said
from limner.api.everyone import Everyone
from limner.errors import InputError, ModelBusy, ModelDown, ModelUnavailable
from limner.inference import pace
from limner.inference.pace import Patience

SIZES = [7, 1, 3, 0, 12, 2, 5, 1, 4, 6]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(pace, "LONGEST_PAUSE_S", 0.2)


@pytest.fixture
def home(tmp_path: Path, make_store) -> Path:
    make_store(tmp_path / "home")
    return tmp_path / "home"


def busy(status: int = 429, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer({"error": {"message": "too many requests"}}, status=status, headers=named)


def test_everybody_is_done_once_and_in_order(home: Path) -> None:
    crowd, steps = Crowd(), []
    with crowd_server(crowd), opened(home, crowd.url) as limner:
        observe(limner, SIZES)
        done = limner.reflect_all(concurrency=4, progress=steps.append)
        assert (done.users, done.observations, done.added) == (9, sum(SIZES), sum(SIZES))
        assert (done.failed, done.pending, done.parked, done.revised, done.retired) == ({}, 0, 0, 0, 0)
        assert done.batches > 12
        check_each_once(limner, SIZES, crowd)
        assert limner.user("u2").propositions()[0].evidence
    first, last = steps[0], steps[-1]
    assert (first.users_done, first.users, first.observations_done, first.observations) == (
        0,
        9,
        0,
        sum(SIZES),
    )
    assert (last.users_done, last.users, last.observations_done) == (9, 9, sum(SIZES))
    assert [s.observations_done for s in steps] == sorted(s.observations_done for s in steps)


def test_nobody_waiting_asks_no_model(home: Path) -> None:
    with opened(home, "http://127.0.0.1:9/v1") as limner:
        done = limner.reflect_all()
    assert (done.users, done.batches, done.failed) == (0, 0, {})


def test_only_those_who_are_named(home: Path) -> None:
    crowd = Crowd()
    with crowd_server(crowd), opened(home, crowd.url) as limner:
        observe(limner, [3, 3, 3])
        done = limner.reflect_all(["u0", "u2", "u2", "nobody"])
        assert (done.users, done.observations, done.pending) == (2, 6, 0)
        assert limner.user("u1").status().pending == 3
        assert limner.reflect_all([]).observations == 0


def test_the_bound_is_reached_and_never_passed(home: Path) -> None:
    crowd = Crowd(delay_s=0.1)
    with crowd_server(crowd), opened(home, crowd.url) as limner:
        observe(limner, [1] * 24)
        limner.reflect_all(concurrency=6)
    assert crowd.most == 6


def test_a_long_user_holds_nobody_up_and_comes_first(home: Path) -> None:
    crowd = Crowd(delay_s=0.01)
    with crowd_server(crowd), opened(home, crowd.url) as limner:
        observe(limner, [*[1] * 30, 24])
        limner.reflect_all(concurrency=3)
        check_each_once(limner, [*[1] * 30, 24], crowd)
    turns = [number for number, marks in enumerate(crowd.asked) if any(m.startswith("u30n") for m in marks)]
    assert turns[0] < 3
    assert turns[-1] - turns[0] > len(turns), "others went on meanwhile"


def test_no_user_at_all_is_no_bound(home: Path) -> None:
    with opened(home, "http://127.0.0.1:9/v1") as limner, pytest.raises(InputError, match="At least one"):
        limner.reflect_all(concurrency=0)


async def test_the_async_twin(home: Path) -> None:
    crowd = Crowd()
    with crowd_server(crowd), opened(home, crowd.url) as limner:
        observe(limner, [2, 2])
        assert (await limner.areflect_all()).observations == 4


# an endpoint that is busy, down, or breaks


def test_all_wait_as_long_as_the_server_asks(home: Path) -> None:
    refused: list[float] = []

    def once(marks: list[str]) -> Answer | None:
        if len(crowd.times) == 5:
            refused.append(time.monotonic())
            return busy(retry_after="0.5")
        return None

    crowd, steps = Crowd(before=once, delay_s=0.005), []
    with crowd_server(crowd), opened(home, crowd.url) as limner:
        observe(limner, SIZES)
        done = limner.reflect_all(concurrency=4, progress=steps.append)
        check_each_once(limner, SIZES, crowd)
    assert done.failed == {}
    meanwhile = [at for at in crowd.times if refused[0] + 0.1 < at < refused[0] + 0.49]
    # Three others may have been on their way when the first was refused; who does not wait asks dozens of times.
    assert len(meanwhile) <= 3, "somebody did not wait"
    assert any(step.waiting_s > 0 for step in steps)
    assert steps[-1].waiting_s == 0


@pytest.mark.parametrize("status", [429, 503])
def test_bursts_of_refusals_cost_nothing_but_time(home: Path, status: int) -> None:
    draw = random.Random(status)
    crowd = Crowd(before=lambda marks: busy(status) if draw.random() < 0.3 else None, delay_s=0.002)
    with crowd_server(crowd), opened(home, crowd.url) as limner:
        observe(limner, SIZES)
        done = limner.reflect_all(concurrency=8)
        assert (done.failed, done.pending) == ({}, 0)
        check_each_once(limner, SIZES, crowd)


def test_an_outage_is_waited_for(home: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    crowd = Crowd(delay_s=0.005)
    with opened(home, f"http://127.0.0.1:{port}/v1") as limner, ThreadPoolExecutor(1) as pool:
        observe(limner, SIZES)
        with crowd_server(crowd, port=port):
            running = pool.submit(limner.reflect_all, concurrency=4)
            until(lambda: len(crowd.asked) > 3)
        time.sleep(0.5)  # nobody listens
        assert not running.done()
        with crowd_server(crowd, port=port):
            done = running.result(30)
        assert (done.failed, done.pending) == ({}, 0)
        check_each_once(limner, SIZES)  # what was under way when it went down may have been asked twice


@pytest.mark.parametrize(
    ("answer", "error"),
    [(busy(), ModelBusy), (Answer("{", headers={"content-length": "9999"}), ModelDown)],
    ids=["busy", "breaks off"],
)
def test_patience_ends_and_everything_still_waits(home: Path, answer: Answer, error: type[Exception]) -> None:
    crowd = Crowd(before=lambda marks: answer if len(crowd.asked) > 3 else None)

    async def impatiently() -> None:
        await Everyone(limner, None, 4, lambda step: None, Patience(0.3, 0.3, waited_for=False)).run()

    with crowd_server(crowd), opened(home, crowd.url) as limner:
        observe(limner, SIZES)
        with pytest.raises(error) as caught:
            limner.portal.run(impatiently)
        assert "reflected on before that" in caught.value.__notes__[0]
        left = limner.memory.waiting.left()
        assert left.due == left.pending > 0, "something is claimed still, or pauses as if it had failed"
        crowd.before = lambda marks: None
        limner.reflect_all(concurrency=4)
        check_each_once(limner, SIZES)


def test_a_used_up_quota_is_not_waited_for(home: Path) -> None:
    quota = Answer({"error": {"message": "no", "code": "insufficient_quota"}}, status=429)
    crowd = Crowd(before=lambda marks: quota)
    with crowd_server(crowd), opened(home, crowd.url) as limner:
        observe(limner, [2, 2])
        with pytest.raises(ModelUnavailable, match="quota is used up") as caught:
            limner.reflect_all()
        assert not isinstance(caught.value, ModelBusy)
        assert limner.memory.waiting.left().due == 4


@pytest.mark.parametrize(
    "poison",
    [said("I would rather talk about the weather."), Answer({"error": {"message": "bug"}}, status=500)],
    ids=["prose", "500"],
)
def test_a_poisoned_user_stops_nobody_else(home: Path, poison: Answer) -> None:
    crowd = Crowd(before=lambda marks: poison if any(mark.startswith("u4n") for mark in marks) else None)
    with crowd_server(crowd), opened(home, crowd.url, max_attempts=1) as limner:
        observe(limner, SIZES)
        done = limner.reflect_all(concurrency=3)
        assert set(done.failed) == {"u4"}
        assert done.observations == sum(SIZES) - SIZES[4]
        assert (done.pending, done.parked) == (0, SIZES[4])
        crowd.before = lambda marks: None
        assert limner.memory.retry_parked() == SIZES[4]
        limner.reflect_all()
        check_each_once(limner, SIZES, crowd if poison.status == 200 else None)


# others at work


def test_ctrl_c_gives_the_batches_in_hand_back(home: Path) -> None:
    def press(marks: list[str]) -> None:
        if len(crowd.times) == 6:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        time.sleep(0.05)

    crowd = Crowd(before=press)
    with crowd_server(crowd), opened(home, crowd.url) as limner:
        observe(limner, SIZES)
        with pytest.raises(KeyboardInterrupt):
            limner.reflect_all(concurrency=4)
        left = limner.memory.waiting.left()
        assert left.due == left.pending > 0
        crowd.before = lambda marks: None
        limner.reflect_all()
        check_each_once(limner, SIZES)


async def test_a_cancelled_task_gives_them_back_too(home: Path) -> None:
    crowd = Crowd(delay_s=0.05)
    with crowd_server(crowd), opened(home, crowd.url) as limner:
        observe(limner, SIZES)
        running = asyncio.create_task(limner.areflect_all(concurrency=4))
        while len(crowd.asked) < 4:
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        left = limner.memory.waiting.left()
        assert left.due == left.pending > 0


def test_two_at_once_on_one_store_share_the_work(home: Path) -> None:
    crowd = Crowd(delay_s=0.01)
    with (
        crowd_server(crowd),
        opened(home, crowd.url) as one,
        opened(home, crowd.url) as other,
        ThreadPoolExecutor(2) as pool,
    ):
        observe(one, SIZES)
        both = [pool.submit(limner.reflect_all, concurrency=3) for limner in (one, other)]
        results = [running.result(60) for running in both]
        check_each_once(one, SIZES, crowd)
    assert sum(done.observations for done in results) == sum(SIZES)
    assert all(done.observations > 0 for done in results), "one of them did nothing"
    assert all(done.failed == {} for done in results)


def test_who_is_in_somebody_elses_hands_is_left_to_them(home: Path) -> None:
    crowd = Crowd()
    with crowd_server(crowd), opened(home, crowd.url) as limner:
        observe(limner, [9, 2, 2])
        with reflecting("u0", home=home, batch_tokens=64) as elsewhere:
            steps: list = []
            done = limner.reflect_all(progress=steps.append)
            assert (done.users, done.observations, done.failed) == (2, 4, {})
            assert done.pending == 9
            assert steps[-1].observations_done == steps[-1].observations == 4
            elsewhere.finish()
        assert limner.memory.waiting.left().pending == 0


def until(condition, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


# killed


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_killed_run_is_gone_on_with(home: Path) -> None:
    assert kill_until_done(home, SIZES, seed=1, kills=1) == 1


@pytest.mark.crash
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("jobs", [1, 2])
def test_runs_may_be_killed_again_and_again(tmp_path: Path, make_store, jobs: int) -> None:
    killed = 0
    for seed in range(6):
        make_store(tmp_path / str(seed))
        killed += kill_until_done(tmp_path / str(seed), SIZES * 2, seed=seed, kills=8, jobs=jobs)
    assert killed >= (12 if jobs == 1 else 4)  # of two, the other is soon through

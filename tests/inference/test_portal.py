"""Sync callers of async code."""

import asyncio
import contextvars
import subprocess
import sys
import threading
import time

import pytest

from limner.inference import Portal

name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="nobody")


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


def test_runs_and_returns() -> None:
    with Portal() as portal:
        assert portal.run(double, 21) == 42
        assert portal.run(double, 1) == 2


def test_one_loop_serves_every_thread() -> None:
    async def loop() -> int:
        await asyncio.sleep(0.01)
        return id(asyncio.get_running_loop())

    found: list[int] = []
    with Portal() as portal:
        threads = [threading.Thread(target=lambda: found.append(portal.run(loop))) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 5
    assert len(set(found)) == 1


async def test_works_where_a_loop_already_runs() -> None:
    with Portal() as portal:
        assert portal.run(double, 4) == 8


def test_context_variables_of_the_caller_are_seen() -> None:
    async def who() -> str:
        return name.get()

    token = name.set("ada")
    try:
        with Portal() as portal:
            assert portal.run(who) == "ada"
    finally:
        name.reset(token)


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(3)])
def test_errors_come_through_and_the_portal_lives_on(error: BaseException) -> None:
    async def fail() -> None:
        raise error

    with Portal() as portal:
        with pytest.raises(type(error)):
            portal.run(fail)
        assert portal.run(double, 2) == 4


def test_calling_from_inside_is_refused_instead_of_hanging() -> None:
    with Portal() as portal:

        async def nested() -> int:
            return portal.run(double, 1)

        async def closing() -> None:
            portal.close()

        for function in (nested, closing):
            with pytest.raises(RuntimeError, match="inside"):
                portal.run(function)


def test_a_closed_portal_says_so() -> None:
    portal = Portal()
    portal.run(double, 1)
    portal.close()
    portal.close()
    with pytest.raises(RuntimeError, match="closed"):
        portal.run(double, 1)


def test_closing_cancels_what_runs() -> None:
    portal, events = Portal(), []
    started = threading.Event()

    async def long() -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            events.append("cleaned up")

    def call() -> None:
        with pytest.raises(BaseException):  # noqa: B017, PT011 - cancelled, whatever its name
            portal.run(long)

    thread = threading.Thread(target=call)
    thread.start()
    started.wait()
    portal.close()
    thread.join(timeout=5)
    assert not thread.is_alive()
    assert events == ["cleaned up"]


def test_ctrl_c_cancels_and_waits_for_the_clean_up() -> None:
    script = """
import asyncio, os, signal, threading, time
from limner.inference import Portal
async def work():
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        await asyncio.sleep(60)
    finally:
        await asyncio.shield(asyncio.sleep(0.2))
        print("released", flush=True)
try:
    Portal().run(work)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout.split() == ["released", "interrupted"], done.stderr
    assert time.perf_counter() - start < 20


def test_an_unclosed_portal_does_not_keep_the_interpreter() -> None:
    script = "from limner.inference import Portal\nasync def f(): pass\nPortal().run(f)"
    assert subprocess.run([sys.executable, "-c", script], timeout=30, check=False).returncode == 0

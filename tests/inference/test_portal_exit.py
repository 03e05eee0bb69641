"""A program ends although it forgot to close a portal, and when it is interrupted."""

import subprocess
import sys

import pytest

RUN = """
from limner.inference import Portal

async def one():
    return 1

portal = Portal()
assert portal.run(one) == 1
"""


@pytest.mark.parametrize(("ending", "code"), [("", 0), ("raise SystemExit(3)", 3), ("raise ValueError", 1)])
def test_the_interpreter_ends_with_a_portal_open(ending: str, code: int) -> None:
    done = subprocess.run([sys.executable, "-c", RUN + ending], capture_output=True, text=True, timeout=20)
    assert done.returncode == code


def test_an_interruption_is_heard_although_polars_asks_for_system_calls_to_be_restarted() -> None:
    code = """
import os, signal, threading, time
import anyio, polars
from limner.inference import Portal

threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
began = time.monotonic()
try:
    Portal().run(anyio.sleep, 15)
except KeyboardInterrupt:
    print(time.monotonic() - began)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 5

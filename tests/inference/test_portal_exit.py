"""A program that forgets to close a portal still ends."""

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

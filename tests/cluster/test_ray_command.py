"""`limner reflect --all-users --ray ADDRESS` as a process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.conftest import Nodes, words
from limner.memory import Memory, NewObservation
from limner.settings import Settings
from limner.testing import HashEncoder
from servers import free_port

LIMNER = [str(Path(sys.executable).with_name("limner")), "reflect", "--all-users"]
SECRET = "do-not-tell"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder in which four users have twelve observations waiting each."""
    with Memory(Settings(home=tmp_path / "home"), HashEncoder(64)) as memory:
        for user in range(4):
            said = [NewObservation(f"I {words((user, number))}") for number in range(12)]
            memory.user(f"user-{user}").observe_many(said)
    return tmp_path / "home"


@pytest.fixture
def start(home: Path, model_server) -> Callable[..., subprocess.Popen[str]]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIMNER_")}
    environment = kept | {
        "LIMNER_HOME": str(home),
        "LIMNER_BASE_URL": model_server.url,
        "LIMNER_MODEL": "m",
        "LIMNER_API_KEY": SECRET,
        "LIMNER_ENCODER": "hashed:64",
        "LIMNER_DATASET": str(home / "no-data"),
        "LIMNER_BATCH_TOKENS": "100",
    }
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return lambda *arguments: subprocess.Popen([*LIMNER, *arguments], env=environment, **pipes)


def test_interrupted_and_run_again_all_is_done(start, nodes: Nodes, home: Path, model_server) -> None:
    with start("--ray", nodes.address, "--concurrency", "1") as running:
        while len(model_server.asked) < 4:
            assert running.poll() is None, running.stderr.read()
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=40)
    assert running.returncode == 130
    assert "Finished batches are kept" in said[1]
    assert "Traceback" not in said[1]
    with Memory(Settings(home=home), HashEncoder(64)) as memory:
        left = memory.waiting.left()
        assert 0 < left.due == left.pending < 48  # nothing is held by anybody

    with start("--ray", nodes.address, "--shard", str(home), "--json") as again:
        output, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    done = json.loads(output)
    assert done["observations"] == left.due
    assert (done["pending"], done["unfinished"], done["workers_lost"]) == (0, {}, 0)
    assert {key for key in model_server.keys if key} == {f"Bearer {SECRET}"}
    _check_secret_is_nowhere()


def _check_secret_is_nowhere() -> None:
    """Ray writes logs of everything; the key of the endpoint is in none."""
    for file in Path("/tmp/ray/session_latest/logs").rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes(), file


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["--ray", f"127.0.0.1:{free_port()}"], 4, "Nobody answers"),
        (["--ray", "http://somewhere"], 2, "no address of a Ray cluster"),
        (["--ray", "CLUSTER", "--shard", "/nowhere"], 4, "No node sees a store in /nowhere"),
        (["--ray", "CLUSTER", "--workers", "3"], 2, "one worker at a time"),
    ],
)
def test_what_cannot_be_done_is_said_at_once(start, nodes: Nodes, arguments, code, complaint) -> None:
    began = time.monotonic()
    with start(*[nodes.address if word == "CLUSTER" else word for word in arguments]) as running:
        _, errors = running.communicate(timeout=60)
    assert (running.returncode, complaint in errors) == (code, True), errors
    assert "Traceback" not in errors
    assert time.monotonic() - began < 30


def test_ray_on_this_machine_alone(start, home: Path) -> None:
    with start("--ray", "local", "--json") as running:
        output, errors = running.communicate(timeout=90)
    assert running.returncode == 0, errors
    done = json.loads(output)
    assert (done["users"], done["observations"], done["pending"]) == (4, 48, 0)

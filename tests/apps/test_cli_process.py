"""The command line as a process: signals, pipes, completion, an endpoint that is down."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

LIMNER = str(Path(sys.executable).with_name("limner"))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings under a temporary folder, with models that are nowhere: nothing can be fetched."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIMNER_")}
    return kept | {
        "LIMNER_HOME": str(tmp_path / "home"),
        "LIMNER_CACHE": str(tmp_path / "cache"),
        "LIMNER_ENCODER": str(tmp_path),
        "LIMNER_BASE_URL": "http://127.0.0.1:9/v1",
        "LIMNER_DATASET": str(tmp_path / "no-data"),
    }


@pytest.fixture
def limner(environment: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
        options = {"env": environment, "capture_output": True, "text": True, "cwd": tmp_path} | options
        return subprocess.run([LIMNER, *arguments], timeout=60, check=False, **options)

    return run


def test_ctrl_c_while_reading_keeps_what_was_read(limner, environment) -> None:
    command = [LIMNER, "observe", "--user", "ada", "-"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        process.stdin.write(b"one\ntwo\n")
        process.stdin.flush()
        while json.loads(limner("status", "--json").stdout).get("ada", {}).get("observations") != 2:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)  # its input stays open: it must not need an end of it to stop
        said = process.stderr.read()
    assert process.returncode == 130
    assert re.fullmatch(r"\nlimner: interrupted\. Stored and kept: at least [12]\.\n", said.decode())


def test_an_endpoint_that_is_down_loses_nothing(limner) -> None:
    limner("observe", "--user", "ada", "We have a newborn.")
    done = limner("reflect", "--user", "ada")
    assert done.returncode == 6
    assert "127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr
    status = json.loads(limner("status", "--json").stdout)["ada"]
    assert (status["pending"], status["parked"]) == (1, [])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_under_the_output_is_told(limner) -> None:
    limner("observe", "--user", "ada", "x" * 100_000)
    with Path("/dev/full").open("w") as full:
        done = limner("export", "--user", "ada", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 7
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_had_enough_is_no_error_to_talk_about(limner, environment) -> None:
    limner("observe", "--user", "ada", "x" * 100_000)
    with subprocess.Popen(
        [LIMNER, "export", "-u", "ada"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("limner por", "portrait"),
        ("limner portrait --user a", "ada"),
        ("limner model fetch smol", "smollm2-135m-instruct"),
        ("limner recommenders evaluate --name eas", "ease"),
        ("limner data fetch m", "ml-100k"),
    ],
)
def test_the_shell_completes(limner, environment, typed: str, completed: str) -> None:
    if "--user" in typed:
        limner("observe", "--user", "ada", "fine")
    words = typed.split()
    completing = environment | {
        "_LIMNER_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(words) - 1),
    }
    assert limner(env=completing).stdout.split() == [completed]


def test_completion_creates_no_database(limner, environment, tmp_path: Path) -> None:
    completing = environment | {
        "_LIMNER_COMPLETE": "complete_bash",
        "COMP_WORDS": "limner ask --user ",
        "COMP_CWORD": "3",
    }
    assert limner(env=completing).stdout.strip() == ""
    assert not (tmp_path / "home").exists()

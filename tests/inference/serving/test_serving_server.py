"""vLLM as a child process, with a server in its place that only answers and has children: nothing outlives limner."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fake_vllm_processes import await_end
from limner.errors import ConfigurationError, InputError, ModelUnavailable
from limner.inference.serving import ServeOptions, Starting, VLLMServer

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc about processes")

LIMNER_THAT_SERVES = """
import sys, time
from limner.inference.serving import ServeOptions, VLLMServer
with VLLMServer(ServeOptions(model=sys.argv[1], port=0)) as server:
    print(server.pid, server._keeper.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def server(processes, model, tmp_path):
    """Make servers of the fake, and stop them."""
    made: list[VLLMServer] = []

    def make(**options: object) -> VLLMServer:
        log, progress = options.pop("log", None), options.pop("progress", None)
        asked = ServeOptions(model=str(model), **{"port": 0, **options})
        made.append(VLLMServer(asked, log=log, progress=progress, cache=tmp_path / "cache"))
        return made[-1]

    yield make
    for one in made:
        one.stop(0)


def test_it_starts_answers_and_leaves_nothing(server, processes, monkeypatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "of another server")
    lines: list[str] = []
    steps: list[Starting] = []
    one = server(log=lines.append, progress=steps.append)
    with one:
        assert one.settings == {
            "LIMNER_BASE_URL": one.base_url,
            "LIMNER_MODEL": "Qwen2.5-7B-Instruct",
            "LIMNER_CONTEXT_LENGTH": "4096",
        }
        assert one.base_url == f"http://127.0.0.1:{one.command.port}/v1"
        assert one.pid == processes.pids[0]
        assert len(processes.alive) == 3
        assert "VLLM_API_KEY" not in processes.environment
        assert one.running
        with pytest.raises(InputError, match="runs already"):
            one.start()
    assert processes.alive == []
    assert not one.running
    assert one.wait() == 0
    assert "Application startup complete." in lines
    assert one.log_tail == lines
    assert [step.elapsed_s for step in steps] == sorted(step.elapsed_s for step in steps)
    assert {step.phase for step in steps} <= {"starting Python", "loading the weights", "listening"}
    assert steps


def test_a_start_that_fails_says_why_and_what_to_do(server, processes, monkeypatch) -> None:
    monkeypatch.setenv("FAKE_VLLM", "fails")
    with pytest.raises(ModelUnavailable) as caught:
        server().start()
    assert "exit code 1" in str(caught.value)
    assert "CUDA out of memory" in str(caught.value)
    assert "(--max-model-len)" in str(caught.value)
    assert "File" not in str(caught.value)
    assert processes.alive == []


def test_a_start_that_takes_too_long_is_given_up(server, processes, monkeypatch) -> None:
    monkeypatch.setenv("FAKE_VLLM", "hangs")
    with pytest.raises(ModelUnavailable, match="it was at: loading the weights"):
        server(ready_within_s=0.5).start()
    assert processes.alive == []


def test_one_that_does_not_heed_is_killed(server, processes, monkeypatch) -> None:
    monkeypatch.setenv("FAKE_VLLM", "stubborn")
    one = server().start()
    began = time.monotonic()
    one.stop(grace_s=0.3)
    assert processes.alive == []
    assert time.monotonic() - began < 10
    assert one.wait() == 128 + signal.SIGKILL


def test_the_death_of_the_server_is_noticed_and_what_it_leaves_is_removed(
    server, processes, monkeypatch
) -> None:
    monkeypatch.setenv("FAKE_VLLM", "shares")
    one = server().start()
    shared = Path("/dev/shm") / (processes.folder / "shared").read_text()
    assert shared.exists()
    os.kill(one.pid, signal.SIGKILL)
    assert one.wait(20) == 128 + signal.SIGKILL
    assert processes.alive == []
    assert not shared.exists()


def test_nothing_outlives_a_limner_that_is_killed(processes, model, monkeypatch) -> None:
    monkeypatch.setenv("FAKE_VLLM", "orphans")
    command = [sys.executable, "-c", LIMNER_THAT_SERVES, str(model)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as limner:
        pid, keeper = map(int, limner.stdout.readline().split())
        assert pid in processes.alive
        assert len(processes.alive) == 3
        assert os.getpgid(pid) != os.getpgid(limner.pid)
        limner.kill()
    await_end([*processes.pids, keeper])


def test_the_server_ends_when_its_keeper_is_killed(server, processes) -> None:
    one = server().start()
    one._keeper.kill()
    await_end(processes.pids)


def test_the_key_is_in_no_command_line_and_in_no_log(server, processes, monkeypatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "of another server")
    monkeypatch.setenv("LIMNER_DATABASE_URL", "postgresql://limner:password@db/limner")
    with server(api_key="sk-secret-of-ours") as one:
        assert one.settings["LIMNER_API_KEY"] == one.api_key == "sk-secret-of-ours"
        for pid in (one.pid, one._keeper.pid):
            assert b"sk-secret" not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert processes.environment["VLLM_API_KEY"] == "sk-secret-of-ours"
        assert "LIMNER_DATABASE_URL" not in processes.environment
    assert "the key is ***" in one.log_tail
    assert "sk-secret" not in repr(one.options) + repr(one.command)


def test_a_port_that_is_taken_is_told_before_anything_starts(server, processes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"Port {port} on 127.0.0.1 cannot be had"):
            server(port=port).start()
    assert not (processes.folder / "pids.json").exists()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_listener_that_fails_does_not_stop_the_server(server) -> None:
    def fail(line: str) -> None:
        raise OSError("the terminal is gone")

    with server(log=fail) as one:
        assert one.running
    assert "Application startup complete." in one.log_tail


def test_a_python_without_vllm_is_told(server, without_vllm) -> None:
    with pytest.raises(ConfigurationError, match=r"bare-python has no vLLM.*--python"):
        server(python=without_vllm)


@pytest.mark.parametrize("python", ["/nowhere/python", "/bin/true"])
def test_what_is_no_python_is_told(server, python) -> None:
    with pytest.raises(ConfigurationError, match="--python"):
        server(python=Path(python))

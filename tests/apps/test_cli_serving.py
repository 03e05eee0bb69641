"""`limner serve` as a process: what it prints, how it ends, and that nothing is left."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fake_vllm_processes import FAKE, Processes, await_end
from limner.apps.cli import app

LIMNER = str(Path(sys.executable).with_name("limner"))


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Processes:
    """Have `python -m vllm…` run the fake; and a model folder to serve."""
    monkeypatch.setenv("PYTHONPATH", str(FAKE))
    monkeypatch.setenv("FAKE_VLLM_FOLDER", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    Path("mine/config.json").write_text('{"model_type": "qwen2"}')
    return Processes(tmp_path)


@contextmanager
def serving(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    command = [LIMNER, "serve", "--model", "mine", "--port", "0", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=dict(os.environ), **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def test_it_prints_what_to_set_and_ctrl_c_ends_it(processes) -> None:
    with serving() as limner:
        printed = [limner.stdout.readline() for _ in range(3)]
        limner.send_signal(signal.SIGINT)
        out, said = limner.communicate(timeout=30)
        await_end(processes.pids)
    assert limner.returncode == 130
    assert printed[0].startswith("export LIMNER_BASE_URL=http://127.0.0.1:")
    assert printed[1:] == ["export LIMNER_MODEL=mine\n", "export LIMNER_CONTEXT_LENGTH=4096\n"]
    assert out == ""
    assert "Loading safetensors checkpoint shards" in said
    assert "limner: vLLM starts: " in said
    assert "limner: vLLM serves mine at http://127.0.0.1:" in said
    assert said.endswith("limner: interrupted. vLLM has ended.\n")
    assert "Traceback" not in said


def test_sigterm_ends_it_too(processes, monkeypatch) -> None:
    monkeypatch.setenv("LIMNER_API_KEY", "sk-mine")
    with serving("--quiet", "--json", "--with-key") as limner:
        lines = [limner.stdout.readline()]
        while lines[-1] != "}\n":
            lines.append(limner.stdout.readline())
        assert b"sk-mine" not in Path(f"/proc/{processes.pids[0]}/cmdline").read_bytes()
        limner.send_signal(signal.SIGTERM)
        _, said = limner.communicate(timeout=30)
        await_end(processes.pids)
    assert limner.returncode == 0
    printed = json.loads("".join(lines))
    assert printed["model"] == "mine"
    assert printed["pid"] == processes.pids[0]
    assert "LIMNER_API_KEY" not in printed["settings"]
    assert "safetensors" not in said
    assert "sk-mine" not in said


def run(*arguments: str):
    return CliRunner().invoke(app, ["serve", "--model", "mine", *arguments])


def test_a_server_that_ends_by_itself_is_told(processes, monkeypatch) -> None:
    monkeypatch.setenv("FAKE_VLLM", "brief")
    before = signal.getsignal(signal.SIGTERM)
    done = run("--quiet", "--port", "0")
    assert done.exit_code == 6
    assert "LIMNER_BASE_URL" in done.stdout
    assert "vLLM ended by itself (exit code 3)" in done.stderr
    assert "Application startup complete." in done.stderr
    assert processes.alive == []
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_dry_run_shows_the_command_and_hides_the_key(processes, monkeypatch) -> None:
    monkeypatch.setenv("LIMNER_API_KEY", "sk-mine")
    done = run("--dry-run", "--host", "0.0.0.0", "--json", "--", "--max-num-seqs", "8")
    assert done.exit_code == 0
    printed = json.loads(done.stdout)
    assert printed["command"][1:3] == ["-m", "vllm.entrypoints.openai.api_server"]
    assert printed["command"][-2:] == ["--max-num-seqs", "8"]
    assert printed["environment"]["VLLM_API_KEY"] == "…"
    plain = run("--dry-run", "--with-key")
    assert "VLLM_API_KEY=… " in plain.stdout
    assert "--model" in plain.stdout
    assert "sk-mine" not in done.output + plain.output
    assert "VLLM_API_KEY" not in run("--dry-run").stdout
    assert not (processes.folder / "pids.json").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--lora", "nothing"], "NAME=FOLDER"),
        (["--lora", "a=mine", "--lora", "a=mine"], "two adapters are named a"),
        (["--lora", "a=mine"], "adapter_config.json"),
        (["--", "--api-key", "sk-1"], "LIMNER_API_KEY"),
        (["--port", "99999"], "0 to 65535"),
    ],
)
def test_what_cannot_be_used_is_an_error_of_one_line(processes, arguments, said) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1

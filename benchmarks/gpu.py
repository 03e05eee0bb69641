"""Everything about serving that wants a GPU, in one go: the tests on real vLLM, `limner doctor`, the prefix cache, the batch.

    make bench-gpu
    python benchmarks/gpu.py --model Qwen/Qwen2.5-7B-Instruct --vllm-python /path/to/vllm/bin/python --output gpu

Where there is no GPU it says so and ends well. `--output` is a folder: each part's log, and `report.md` with the hardware, the versions and
the tables. A part that fails is in the report, and in the exit code; the others run all the same.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from limner.inference.serving import ServeOptions, VLLMServer

ROOT = Path(__file__).resolve().parents[1]
QUERY = "name,memory.total,driver_version"


def gpus() -> list[str]:
    """Return what the driver calls each GPU, with its memory and the driver's version; none without a driver."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    done = subprocess.run(
        [tool, f"--query-gpu={QUERY}", "--format=csv,noheader"], capture_output=True, text=True, check=False
    )
    return [line.strip() for line in done.stdout.splitlines() if line.strip()] if done.returncode == 0 else []


def interpreter(named: Path | None) -> Path:
    """Return a Python that has vLLM: the one named, or one that is set up for it here."""
    if named is not None:
        return named
    venv = ROOT / ".venv-vllm-gpu"
    python = venv / "bin" / "python"
    if not (venv / ".stamp").exists():
        print(f"Setting up {venv}; vLLM brings several GB of CUDA libraries.", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", "vllm>=0.12"], check=True)
        (venv / ".stamp").touch()
    return python


@dataclass
class Part:
    """One thing that was run."""

    title: str
    command: list[str]
    code: int
    seconds: float
    output: str


def run(title: str, command: list[str], folder: Path, environment: dict[str, str] | None = None) -> Part:
    """Run one part, show what it prints, and keep it."""
    print(f"\n== {title}: {' '.join(command)}", flush=True)
    start, lines = time.monotonic(), []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    part = Part(title, command, process.returncode, time.monotonic() - start, "".join(lines))
    (folder / f"{title.replace(' ', '-')}.log").write_text(part.output)
    return part


def doctor(options: argparse.Namespace, python: Path, folder: Path) -> Part:
    """Serve the model, and let `limner doctor` look at it."""
    serve = ServeOptions(model=options.model, python=python, port=0, max_model_len=options.context)
    with VLLMServer(serve) as server:
        return run(
            "doctor", [str(Path(sys.executable).with_name("limner")), "doctor"], folder, dict(server.settings)
        )


def report(parts: list[Part], hardware: list[str], version: str, options: argparse.Namespace) -> str:
    """Put the page together."""
    lines = [
        f"# {', '.join(hardware)}",
        "",
        f"vLLM {version}, {options.model}, context {options.context}, seed {options.seed}, {options.users} users.",
    ]
    for part in parts:
        shown = part.output if part.code == 0 else part.output[-6000:]
        state = (
            f"{part.seconds:.0f} s"
            if part.code == 0
            else f"FAILED with {part.code} after {part.seconds:.0f} s"
        )
        lines += ["", f"## {part.title}: {state}", "", f"`{' '.join(part.command)}`", ""]
        table = [line for line in shown.splitlines() if line.startswith("|")]
        lines += table if table and part.code == 0 else ["```text", shown.rstrip(), "```"]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--model", default="qwen2.5-coder-1.5b-instruct", help="packaged name, folder, or name on the hub"
    )
    parser.add_argument("--vllm-python", type=Path, help="interpreter that has vLLM; none sets one up")
    parser.add_argument("--context", type=int, default=8192)
    parser.add_argument("--users", type=int, default=200, help="of each benchmark")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "gpu")
    options = parser.parse_args()
    hardware = gpus()
    if not hardware:
        print("Skipped: there is no GPU here (nvidia-smi finds none), so nothing was measured.")
        return
    python = interpreter(options.vllm_python)
    options.output.mkdir(parents=True, exist_ok=True)
    asked = subprocess.run(
        [python, "-c", "import vllm; print(vllm.__version__)"], capture_output=True, text=True, check=True
    )
    common = ["--vllm-python", str(python), "--seed", str(options.seed), "--users", str(options.users)]
    prefix = [sys.executable, "benchmarks/prefix_cache.py", *common]
    batch = [sys.executable, "benchmarks/batch_reflect.py", *common, "--concurrency", "32", "128", "256"]
    served = ["--model", options.model, "--context", str(options.context)]
    parts = [
        run(
            "tests",
            [sys.executable, "-m", "pytest", "-q", "-m", "vllm", "tests/vllm"],
            options.output,
            {"VLLM_PYTHON": str(python)},
        ),
        doctor(options, python, options.output),
        run("prefix cache", [*prefix, *served], options.output),
        run("prefix cache under load", [*prefix, *served, "--concurrency", "64"], options.output),
        run("batch", [*batch, "--serve", options.model, "--offline"], options.output),
    ]
    page = options.output / "report.md"
    page.write_text(report(parts, hardware, asked.stdout.split()[-1], options))
    print(f"\n{page}")
    failed = [part.title for part in parts if part.code != 0]
    if failed:
        raise SystemExit(f"Failed: {', '.join(failed)}.")


if __name__ == "__main__":
    main()

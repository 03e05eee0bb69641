"""A few items of every benchmark, asked of a small model: does each run from file to result, report and comparison?

    python benchmarks/eval_smoke.py [--data FOLDER] [--items 3]

The files are made on the spot and the people in them invented, unless a folder holds real ones. The scores mean nothing: the model is
SmolLM2-135M, unless LIMNER_MODEL names another, and a handful of items measures nothing.
"""

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from smoke_files import written

MODEL = "smollm2-135m-instruct"


@dataclass(frozen=True)
class Planned:
    """One run."""

    name: str
    data: str
    memory: str
    parameters: tuple[str, ...] = ()
    k: int = 4
    shown: str = ""
    """Instead of its name."""

    @property
    def title(self) -> str:
        """Name and parameters."""
        return " ".join((self.shown or self.name, *self.parameters))


REAL = {
    "reviews": "pgraphrag/amazon_dev.json",
    "personamem": "personamem/questions_32k.csv",
    "prefeval": "prefeval",
    "locomo": "locomo/locomo.json",
    "longmemeval": "longmemeval/*.json",
    "personabench": "personabench",
}
"""Where a folder of real data has them."""


def plans(made: dict[str, str], real: dict[str, str]) -> Iterator[Planned]:
    """Yield the runs.

    Args:
        made: Files made on the spot, by short name.
        real: Real ones to take instead.
    """
    data = made | real
    yield from (Planned("lamp", made[name], "bm25", shown=name) for name in made if name.startswith("lamp "))
    for task in ("rating", "title", "text"):
        yield Planned("reviews", data["reviews"], "bm25", (f"task={task}",))
    yield Planned("personamem", data["personamem"], "bm25", ("rotations=2",))
    yield Planned("personamem", made["personamem v2"], "bm25", ("rotations=2",), shown="personamem v2")
    for memory in ("none", "bm25", "limner:observations"):
        yield Planned("prefeval", data["prefeval"], memory, ("turns=2",))
    yield Planned("prefeval", data["prefeval"], "none", ("form=implicit", "turns=2"))
    # Made files even where there are real ones: taking a real history in would take this model hours.
    yield Planned("prefeval", made["prefeval"], "limner", ("turns=0",))
    yield Planned("prefeval", made["prefeval"], "bm25", ("turns=0", "method=text_less_prior"))
    for name, memory in (("locomo", "bm25"), ("locomo", "rrf"), ("personabench", "dense")):
        yield Planned(f"{name}_recall", data[name], memory, k=50)
    yield Planned("locomo_qa", data["locomo"], "bm25")
    yield Planned("personabench_qa", data["personabench"], "bm25")
    yield Planned("longmemeval_recall", data["longmemeval"], "bm25", ("granularity=session",), k=50)
    # Made here too: a sample of the real file may have no evidence that a user said.
    yield Planned("longmemeval_recall", made["longmemeval"], "bm25", ("granularity=round",), k=50)
    yield Planned("longmemeval_qa", data["longmemeval"], "bm25", k=2)
    yield Planned("personafeedback", made["personafeedback"], "full")
    yield Planned("rating", "ml-100k", "recent")


def found(folder: Path) -> dict[str, str]:
    """Return the real files that a folder has."""
    first = {name: next(iter(sorted(folder.glob(place), reverse=True)), None) for name, place in REAL.items()}
    return {name: str(path) for name, path in first.items() if path is not None}


def run(plan: Planned, items: int, logs: Path) -> Path | None:
    """Do one run and print a line; return its log, or none where it failed."""
    from limner.evals.launching import Run, launched
    from limner.evals.registry import entry

    began = time.monotonic()
    wanted = Run(
        entry(plan.name), plan.data, plan.parameters, plan.memory, plan.k, items, 0, "limner/default"
    )
    try:
        result = launched(wanted, logs, quiet=True)
    except Exception:  # noqa: BLE001 - whatever it is, the other runs go on and it is shown
        print(f"{plan.title:40} {plan.memory:20} FAILED", flush=True)
        traceback.print_exc()
        return None
    first = next(iter(result.statements), None)
    score = f"{first.measure} {first.value:.3f}" if first and first.value is not None else "no measure"
    calls = f"{result.cost.calls} calls ({result.cost.reused} reused)"
    line = f"{plan.title:40} {plan.memory:20} n {result.n:2}  {score:18} {calls:22} {time.monotonic() - began:5.1f} s"
    good = result.status == "success" and 0 < result.n <= items and first is not None
    print(line if good else f"{line}  FAILED: {why(result.origin) or result.status}", flush=True)
    return result.origin if good else None


def why(log: Path | None) -> str:
    """Return the error that a log of inspect_ai holds."""
    if log is None or log.suffix != ".eval":
        return ""
    from inspect_ai.log import read_eval_log

    error = read_eval_log(str(log), header_only=True).error
    return error.message if error is not None else ""


def summed_up(logs: Path, pair: tuple[Path, Path]) -> None:
    """Write the report on all runs and compare two of them."""
    from limner.evals.comparing import compare, in_words
    from limner.evals.logs import read_result, read_results
    from limner.evals.reporting import written as report

    page = logs / "report.html"
    report(list(read_results(logs)), page)
    print(f"report: {page.stat().st_size:,} bytes")
    print(in_words(compare(*(read_result(path) for path in pair), None)))


def main() -> int:
    """Run everything; return the exit status."""
    parser = argparse.ArgumentParser(description="Run a few items of every benchmark.")
    parser.add_argument("--data", type=Path, help="a folder with real files, to take instead of made ones")
    parser.add_argument("--items", type=int, default=3, help="of each run, at most")
    options = parser.parse_args()
    os.environ.setdefault("LIMNER_MODEL", MODEL)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        real = found(options.data) if options.data else {}
        planned = list(plans(written(folder / "data"), real))
        logs = folder / "logs"
        origins = {(plan.title, plan.memory): run(plan, options.items, logs) for plan in planned}
        failed = sum(origin is None for origin in origins.values())
        nothing, bm25 = (origins.get(("prefeval turns=2", memory)) for memory in ("none", "bm25"))
        if nothing and bm25:
            summed_up(logs, (nothing, bm25))
    missing = covered() - {plan.name for plan in planned}
    print(f"{len(planned)} runs in {time.monotonic() - began:.0f} s, {failed} failed", end="")
    print(f"; no run of {', '.join(sorted(missing))}" if missing else "")
    return int(failed > 0 or bool(missing))


def covered() -> set[str]:
    """Return the names of all benchmarks, each of which must be run."""
    from limner.evals.registry import BENCHMARKS

    return set(BENCHMARKS)


if __name__ == "__main__":
    sys.exit(main())

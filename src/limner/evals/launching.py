"""One run from the command line: the benchmark loaded, its length foretold, asked, and its result read back."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

from pydantic import TypeAdapter, ValidationError

from limner.errors import InputError, ModelError
from limner.evals.logs import need_inspect, read_log, result_of_log, write_result
from limner.evals.registry import Entry
from limner.evals.results import Result
from limner.evals.running import asked_of, run_plainly
from limner.evals.stating import Asking, description, stated
from limner.settings import Settings

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog

__all__ = ["Run", "launched", "own_parameters", "retried", "written_predictions"]


@dataclass(frozen=True)
class Run:
    """What is to be run."""

    entry: Entry
    data: str | None
    parameters: tuple[str, ...]
    """Of the benchmark, as `name=value`."""
    memory: str
    k: int
    limit: int | None
    seed: int
    model: str

    @property
    def arguments(self) -> dict[str, Any]:
        """The benchmark's own arguments, with their types."""
        found = own_parameters(self.entry, self.parameters)
        return found if self.data is None else {"data": self.data, **found}


def own_parameters(entry: Entry, given: tuple[str, ...]) -> dict[str, Any]:
    """Return a benchmark's parameters from `name=value`, each read as the type it is declared with.

    Raises:
        InputError: There is no such parameter, or the value is not of its type.
    """
    load = entry.load()
    types = get_type_hints(load)
    known = [name for name in signature(load).parameters if name not in ("data", "seed")]
    found: dict[str, Any] = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not equals or name not in known:
            offered = f"it takes {', '.join(known)}" if known else "it takes none"
            raise InputError(f"{entry.name} has no parameter {name!r}; {offered}, each as NAME=VALUE.")
        try:
            found[name] = TypeAdapter(types[name]).validate_python(text, strict=False)
        except ValidationError as error:
            raise InputError(f"{entry.name}: {name}={text}: {error.errors()[0]['msg']}.") from error
    return found


def launched(
    run: Run, log_folder: Path, *, tell: Callable[[str], None] = lambda line: None, quiet: bool = False
) -> Result:
    """Run a benchmark and return what it states; the log or result stays in the folder.

    Args:
        run: What.
        log_folder: Where logs and results go.
        tell: Told beforehand what will be done, line by line.
        quiet: Whether inspect_ai shows nothing.

    Raises:
        InputError: A parameter or a file is wrong.
        ConfigurationError: The memory or the model cannot be had.
    """
    arguments = run.arguments
    if "data" not in arguments and signature(run.entry.load()).parameters["data"].default is Parameter.empty:
        raise InputError(f"{run.entry.name} needs its data: --data PATH.")
    if not run.entry.asks_model:
        return _plain(run, arguments, log_folder, tell)
    return _inspected(run, arguments, log_folder, tell, quiet)


def _plain(run: Run, arguments: Mapping[str, Any], folder: Path, tell: Callable[[str], None]) -> Result:
    from limner.evals.engine import opened_memory

    settings = Settings()
    started = datetime.now(UTC)
    benchmark = run.entry.load()(**arguments, seed=run.seed)
    questions = asked_of(benchmark, run.limit, run.seed)
    tell(f"{run.entry.name}: {len(questions)} of {len(benchmark.questions)} questions, no model is asked.")
    memory = opened_memory(run.memory, settings)
    described = description(
        benchmark,
        questions,
        memory=run.memory,
        k=run.k,
        seed=run.seed,
        parameters={**arguments, "limit": run.limit},
        settings=settings,
    )
    items = run_plainly(benchmark, questions, memory, run.k)
    result = stated(described, items, Asking("none", started))
    return result.model_copy(update={"origin": write_result(result, folder)})


def _inspected(
    run: Run, arguments: Mapping[str, Any], folder: Path, tell: Callable[[str], None], quiet: bool
) -> Result:
    os.environ.setdefault("INSPECT_DISPLAY", "plain")
    need_inspect()
    from inspect_ai import eval as run_eval

    from limner.evals.estimating import foretold
    from limner.evals.inspecting import TASKS
    from limner.evals.provider import max_samples
    from limner.evals.task import loaded

    common = {"memory": run.memory, "k": run.k, "limit": run.limit, "seed": run.seed}
    benchmark = loaded(run.entry.name, **arguments, seed=run.seed)
    for line in foretold(benchmark, run.memory, run.k, run.limit, run.seed, run.model):
        tell(line)
    logs = run_eval(
        TASKS[run.entry.name](**arguments, **common),
        model=run.model,
        log_dir=str(folder),
        display="none" if quiet else _display(),
        max_samples=max_samples(run.model),
        ctl_server=False,
        log_realtime=False,
    )
    return _read(logs, folder)


def written_predictions(run: Run, result: Result, path: Path) -> None:
    """Write the answers of a run in the benchmark's own format.

    Raises:
        InputError: It has none.
    """
    if run.entry.name != "lamp":
        raise InputError(f"{run.entry.name} has no format for predictions; `lamp` has.")
    from limner.evals.lamp import write_predictions
    from limner.evals.task import loaded

    asked = loaded(run.entry.name, **run.arguments, seed=run.seed).questions
    write_predictions(path, result.task, {item.id: item.answer for item in result.items}, asked)


def retried(log: Path) -> Result:
    """Go on with a run that did not end well.

    Raises:
        InputError: It is no log of limner's, or cannot be read.
    """
    old = read_log(log, header_only=True)
    from inspect_ai import eval_retry

    from limner.evals.inspecting import TASKS
    from limner.evals.provider import max_samples

    if old.eval.task not in TASKS and str(old.eval.task).removeprefix("limner/") not in TASKS:
        raise InputError(f"{log} is a log of {old.eval.task}, which is no task of limner's.")
    logs = eval_retry(
        str(log),
        log_dir=str(log.parent),
        display=_display(),
        max_samples=max_samples(old.eval.model),
        ctl_server=False,
        log_realtime=False,
    )
    return _read(logs, log.parent)


def _display() -> Literal["rich", "plain"]:
    return "rich" if sys.stderr.isatty() else "plain"


def _read(logs: "Sequence[EvalLog]", folder: Path) -> Result:
    if not logs:  # inspect_ai takes Ctrl-C for itself and returns
        raise KeyboardInterrupt(
            f"What was answered is kept; `limner eval retry` goes on with the newest log in {folder}."
        )
    log = logs[0]
    if log.error is not None and not log.samples:
        raise ModelError(f"The run ended before any question was answered: {log.error.message}")
    return result_of_log(log)

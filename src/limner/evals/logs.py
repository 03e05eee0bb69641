"""Results out of what runs leave behind: inspect_ai's logs, and the JSON files of runs without it."""

from collections.abc import Iterator
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from pydantic import ValidationError

from limner.errors import InputError
from limner.evals.results import Item, Result
from limner.evals.stating import STATEMENT, Asking, stated

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog

__all__ = ["need_inspect", "read_log", "read_result", "read_results", "result_of_log", "write_result"]

_SUFFIX = ".result.json"


def need_inspect() -> None:
    """Make sure that inspect_ai is there.

    Raises:
        ImportError: It is not; the message names the extra to install.
    """
    if find_spec("inspect_ai") is None:
        raise ImportError(
            "Benchmarks that ask a model, and their logs, need inspect_ai: `pip install limner[evals]`."
        )


def result_of_log(log: "EvalLog") -> Result:
    """Return the result that a log of inspect_ai holds; of an unfinished run, over the questions that were marked.

    Raises:
        InputError: It is not a log of one of limner's tasks.
    """
    described = (log.eval.metadata or {}).get(STATEMENT)
    if not isinstance(described, dict):
        raise InputError(f"{log.location} is a log of {log.eval.task}, which is no task of limner's.")
    items, names = [], []
    for sample in log.samples or ():
        for score in (sample.scores or {}).values():
            kept = (score.metadata or {}).get(STATEMENT)
            if kept is not None:
                items.append(Item.model_validate(kept))
                names.append(sample.output.model if sample.output else "")
    asking = Asking(
        model=next((name for name in names if name), log.eval.model),
        started=datetime.fromisoformat(str(log.eval.created)),
        status=str(log.status),
        origin=Path(str(log.location).removeprefix("file://")),
    )
    return stated(described, items, asking)


def read_log(path: Path, *, header_only: bool = False) -> "EvalLog":
    """Read a log of inspect_ai, without the conversations of its samples.

    Args:
        path: The log.
        header_only: Leave the samples out altogether.

    Raises:
        InputError: It cannot be read.
        ImportError: inspect_ai is not installed.
    """
    need_inspect()
    from zipfile import BadZipFile

    from inspect_ai.log import read_eval_log

    try:
        return read_eval_log(
            str(path), header_only=header_only, exclude_fields={"messages", "events", "attachments"}
        )
    except (ValueError, KeyError, OSError, BadZipFile) as error:
        raise InputError(f"{path} cannot be read as a log of inspect_ai: {error}") from error


def read_result(path: Path) -> Result:
    """Read one log, or one result file.

    Raises:
        InputError: It is not there, or is neither.
    """
    if not path.is_file():
        raise InputError(f"{path} is no file.")
    if path.name.endswith(_SUFFIX):
        try:
            return Result.model_validate_json(path.read_bytes()).model_copy(update={"origin": path})
        except ValidationError as error:
            raise InputError(f"{path} is no result of limner's: {error.errors()[0]['msg']}.") from error
    return result_of_log(read_log(path))


def read_results(folder: Path) -> Iterator[Result]:
    """Read every log and result of limner's tasks under a folder, oldest first.

    Raises:
        InputError: There is none, or one cannot be read.
    """
    if folder.is_file():
        yield read_result(folder)
        return
    found = sorted([*folder.rglob("*.eval"), *folder.rglob(f"*{_SUFFIX}")]) if folder.is_dir() else []
    if not found:
        raise InputError(f"{folder} holds no log (*.eval) and no result (*{_SUFFIX}).")
    results = [read_result(path) for path in found]
    yield from sorted(results, key=lambda result: result.started)


def write_result(result: Result, folder: Path) -> Path:
    """Write a result where `read_results` finds it: whole or not at all.

    Returns:
        The file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{result.started:%Y-%m-%dT%H-%M-%S}_{result.task}_{uuid4().hex[:8]}{_SUFFIX}"
    path, part = folder / name, folder / f".{name}.part"
    part.write_text(result.model_dump_json(indent=1, exclude={"origin"}), encoding="utf-8")
    part.replace(path)
    return path

"""Requests for statements about somebody, with what may be told and what may not."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from limner.errors import InputError

__all__ = ["Case", "Statement", "packaged_cases", "read_cases"]


class Statement(BaseModel):
    """A statement with its label."""

    model_config = ConfigDict(frozen=True)

    text: str = Field(min_length=1)
    share: bool
    """Whether it may be told."""
    type: str = "none"
    why: str = ""


class Case(BaseModel):
    """One request."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: Literal["red_team", "harmless"]
    recipient: str
    purpose: str
    statements: tuple[Statement, ...] = Field(min_length=1)


def packaged_cases() -> Path:
    """Return where the development cases are that come with limner."""
    return Path(str(files("limner.evals.sharing").joinpath("cases", "dev.jsonl")))


def read_cases(path: Path) -> Sequence[Case]:
    """Read cases, one JSON object a line; `cases/README.md` says what they hold.

    Raises:
        InputError: The file cannot be read, holds nothing, or a line is no case; the message says which.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    cases = [_case(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not cases:
        raise InputError(f"{path} holds no cases.")
    return cases


def _case(path: Path, number: int, line: str) -> Case:
    try:
        return Case.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}, line {number}, is no case: {where} {first['msg']}") from error

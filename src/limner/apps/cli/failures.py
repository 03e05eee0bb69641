"""What the command line says, and returns, when something does not work."""

import errno
import sys
import traceback
from collections.abc import Mapping
from typing import Any

import typer
from typer.core import TyperGroup

from limner.errors import ConfigurationError, LimnerError, StoreError

__all__ = ["EXIT_CODES", "INTERRUPTED", "Commands"]

INTERRUPTED = 130

EXIT_CODES: Mapping[int, str] = {
    0: "done",
    1: "not done, for a reason that has no code of its own",
    2: "the input cannot be used, or part of it could not",
    3: "there is no such user, id or name",
    4: "a setting is wrong, or an extra is not installed",
    5: "a model or data file could not be fetched whole",
    6: "the model failed or is not there",
    7: "a file, the database or the index could not be read or written, such as on a full disk",
    INTERRUPTED: "interrupted (Ctrl-C)",
}
"""Exit codes and their meaning; those of errors are `LimnerError.exit_code`."""


class Commands(TyperGroup):
    """The root of the commands: turns errors into one line on standard error and an exit code."""

    def invoke(self, ctx: Any) -> object:  # noqa: ANN401 - which click it is depends on the version of typer
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except LimnerError as error:
            _report(error, debug=ctx.params["debug"])
            raise typer.Exit(error.exit_code) from error
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # whoever reads our output has had enough, as in `limner export | head`
            _report(error, debug=ctx.params["debug"])
            raise typer.Exit(StoreError.exit_code) from error
        except ImportError as error:
            # Only an extra that is missing is the operator's to mend; any other is a fault of ours.
            if "limner[" not in str(error):
                raise
            _report(error, debug=ctx.params["debug"])
            raise typer.Exit(ConfigurationError.exit_code) from error
        except KeyboardInterrupt as interrupt:
            kept = interrupt.args[0] if interrupt.args else "What was stored before is kept."
            typer.echo(f"\nlimner: interrupted. {kept}", err=True)
            raise typer.Exit(INTERRUPTED) from interrupt


def _report(error: Exception, *, debug: bool) -> None:
    if debug:
        traceback.print_exception(error, file=sys.stderr)
        return
    message = " ".join(str(error).split()) or type(error).__name__
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    typer.echo(f"limner: {message}{notes}", err=True)

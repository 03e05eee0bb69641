"""The command that finds out what an endpoint can do: `limner doctor`."""

from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from limner.apps.cli.options import AsJson
from limner.errors import InputError, ModelError

if TYPE_CHECKING:
    from limner.inference.doctor import Report
    from limner.settings import Settings

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    base_url: Annotated[
        str | None,
        typer.Option(
            "--base-url",
            metavar="URL",
            help="OpenAI-compatible endpoint, such as http://localhost:8000/v1; else LIMNER_BASE_URL.",
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Name of the model; else LIMNER_MODEL.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out what is only about speed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find out what the endpoint of the settings can do, by asking it, and what that means; without one, the embedded engine.

    A key is taken from LIMNER_API_KEY alone. Exit code 6 says that limner cannot work with it.
    """
    from limner.apps.cli.printing import byte_progress, console, print_json
    from limner.inference.doctor import examine
    from limner.inference.language_model import language_model

    settings = _settings(base_url, model)
    with byte_progress() as progress:
        opened = language_model(settings, progress=progress)
    with opened, console(err=True).status("Looking") as status:
        report = examine(
            opened, settings, quick=quick, progress=lambda title: status.update(f"Trying: {title}")
        )
    if as_json:
        print_json(report)
    else:
        _print(report)
    if not report.usable:
        raise typer.Exit(ModelError.exit_code)


def _settings(base_url: str | None, model: str | None) -> "Settings":
    from limner.apps.cli.opening import settings_from

    settings = settings_from()
    named = {"base_url": base_url, "model": model}
    settings = settings.model_copy(update={name: value for name, value in named.items() if value is not None})
    if settings.base_url is None:
        return settings
    _check_url(settings.base_url)
    if "model" not in settings.model_fields_set:
        settings = settings.model_copy(update=_only_model(settings))
    return settings


def _check_url(url: str) -> None:
    try:
        whole = urlsplit(url)
        usable = whole.scheme in ("http", "https") and bool(whole.hostname) and whole.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InputError("The base URL is no URL of an endpoint; write one such as http://localhost:8000/v1.")


def _only_model(settings: "Settings") -> dict[str, str]:
    """Return the model of an endpoint that has but one, where the settings name none."""
    from limner.inference.endpoint import Endpoint

    key = settings.api_key.get_secret_value() if settings.api_key else None
    endpoint = Endpoint(str(settings.base_url), key, "", timeout_s=min(settings.timeout_s, 15.0))
    try:
        names = [entry.get("id") for entry in endpoint.models() if not entry.get("parent")]
    except ModelError:
        return {}  # the examination says it better
    finally:
        endpoint.close()
    return {"model": names[0]} if len(names) == 1 and isinstance(names[0], str) else {}


def _print(report: "Report") -> None:
    from rich.text import Text

    from limner.apps.cli.printing import console

    screen = console()
    styles = {"works": "green", "does not": "yellow", "refused": "yellow", "unknown": "dim"}
    width = max(map(len, styles))
    kind = f", {report.kind}" if report.kind else ""
    screen.print(f"{report.where}{kind}, model {report.model}\n")
    for finding in report.findings:
        head = Text(f"{finding.verdict:{width}}  ", style=styles[finding.verdict])
        screen.print(head.append(finding.title, style="bold"))
        indent = " " * (width + 2)
        screen.print(Text(f"{indent}asked: {finding.asked}", style="dim"))
        screen.print(Text(f"{indent}came back: {finding.answered}", style="dim"))
        screen.print(f"{indent}{finding.meaning}")
    screen.print("")
    for sentence in report.summary:
        screen.print(sentence)
    if report.settings:
        screen.print("\nSettings:")
        for name, value in report.settings.items():
            screen.print(f"  {name}={value}")
    screen.print(f"\n{report.calls} calls, {report.seconds:g} s.")

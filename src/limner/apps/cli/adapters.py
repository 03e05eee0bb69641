"""Commands about the LoRA adapters of a server that runs: `limner adapter`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.apps.cli.options import AsJson
from limner.errors import ConfigurationError

if TYPE_CHECKING:
    from limner.inference.endpoint import Endpoint

__all__ = ["register"]

adapter = typer.Typer(
    no_args_is_help=True, help="LoRA adapters on the vLLM server that LIMNER_BASE_URL names."
)

Name = Annotated[str, typer.Argument(help="What it answers under: LIMNER_MODEL.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(adapter, name="adapter")


@adapter.command("list")
def list_adapters(as_json: AsJson = False) -> None:
    """List the adapters that the server has loaded."""
    from limner.apps.cli.printing import print_json, print_table
    from limner.inference.adapters import adapters

    with _server() as endpoint:
        loaded = adapters(endpoint)
    if as_json:
        print_json(loaded)
    elif loaded:
        print_table(("name", "base", "path"), ((one.name, one.base, one.path) for one in loaded))
    else:
        typer.echo(f"{endpoint.shown} has no adapter.", err=True)


@adapter.command("load")
def load(
    name: Name,
    path: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="Where it is, on the server's machine.", show_default=False),
    ],
) -> None:
    """Let the server load an adapter, and say how to use it."""
    from limner.inference.adapters import load_adapter

    # What is relative would be so to the folder that the server was started in.
    folder = path.expanduser().absolute()
    with _server() as endpoint:
        loaded = load_adapter(endpoint, name, folder)
    typer.echo(f"export LIMNER_MODEL={loaded.name}")


@adapter.command("unload")
def unload(name: Name) -> None:
    """Let the server unload an adapter."""
    from limner.inference.adapters import unload_adapter

    with _server() as endpoint:
        unload_adapter(endpoint, name)


@contextmanager
def _server() -> Iterator["Endpoint"]:
    from limner.apps.cli.opening import settings_from
    from limner.inference.endpoint import Endpoint

    settings = settings_from()
    if settings.base_url is None:
        raise ConfigurationError(
            "Set LIMNER_BASE_URL to the vLLM server; the embedded engine takes no adapters while it runs."
        )
    key = settings.api_key.get_secret_value() if settings.api_key else None
    endpoint = Endpoint(settings.base_url, key, settings.model)
    try:
        yield endpoint
    finally:
        endpoint.close()

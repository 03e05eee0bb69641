"""Commands that fetch models and data: `limner model` and `limner data`."""

import hashlib
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limner.apps.cli.options import AsJson
from limner.errors import DownloadError, NotFound

if TYPE_CHECKING:
    from limner.inference.packages import Asset
    from limner.settings import Settings

__all__ = ["fetch_missing", "register"]

model = typer.Typer(no_args_is_help=True, help="Language models and encoders that packages ship.")
data = typer.Typer(no_args_is_help=True, help="Data sets for the recommenders.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(model, name="model")
    app.add_typer(data, name="data")


def _models() -> "Mapping[str, Asset]":
    from limner.inference.manifest import ENCODERS, LANGUAGE_MODELS

    return {**LANGUAGE_MODELS, **ENCODERS}


def _data_sets() -> "Mapping[str, Asset]":
    from limner.tools.movielens import ML_100K

    return {ML_100K.name: ML_100K}


def _complete_model(incomplete: str) -> list[str]:
    return [name for name in _models() if name.startswith(incomplete)]


def _complete_data_set(incomplete: str) -> list[str]:
    return [name for name in _data_sets() if name.startswith(incomplete)]


Models = Annotated[
    list[str] | None,
    typer.Argument(
        autocompletion=_complete_model, help="Names from `limner model list`; else those of the settings."
    ),
]


@model.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the packaged models, and which are here."""
    from limner.apps.cli.opening import settings_from
    from limner.apps.cli.printing import print_json, print_table
    from limner.inference.packages import is_present

    cache = settings_from().cache
    rows: list[dict[str, Any]] = [
        {
            "name": asset.name,
            "kind": asset.kind.removesuffix("s"),
            "bytes": asset.size,
            "licence": asset.licence,
            "hub": asset.hub,
            "path": str(asset.folder(cache)) if is_present(asset, cache) else None,
        }
        for asset in _models().values()
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("name", "kind", "MB", "licence", "here"),
        ((r["name"], r["kind"], r["bytes"] // 1_000_000, r["licence"], r["path"] or "no") for r in rows),
        right=("MB",),
    )


@model.command("fetch")
def fetch_models(names: Models = None) -> None:
    """Fetch models into the cache; what was interrupted goes on where it stopped."""
    from limner.apps.cli.opening import settings_from

    settings = settings_from()
    for asset in _chosen(names or _configured(settings), _models(), "model"):
        _fetch(asset, settings.cache)


@model.command("convert")
def convert_model(
    name: Annotated[
        str, typer.Argument(autocompletion=_complete_model, help="Name from `limner model list`.")
    ],
) -> None:
    """Convert a packaged model, once, to a Hugging Face folder, as vLLM and trainers take it; print the folder."""
    from limner.apps.cli.opening import settings_from
    from limner.apps.cli.printing import byte_progress
    from limner.inference.serving.conversion import converted

    try:
        with byte_progress() as progress:
            folder = converted(
                name, settings_from().cache, progress=progress, telling=partial(typer.echo, err=True)
            )
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt("The conversion begins anew when it is asked for again.") from interrupt
    typer.echo(folder)


@model.command("verify")
def verify_models(names: Models = None, as_json: AsJson = False) -> None:
    """Compare models with their pinned sizes and hashes (exit code 5 where one differs)."""
    from limner.apps.cli.opening import settings_from
    from limner.apps.cli.printing import print_json

    settings = settings_from()
    chosen = _chosen(names or _configured(settings), _models(), "model")
    found = {asset.name: _damage(asset, settings.cache) for asset in chosen}
    if as_json:
        print_json([
            {"name": name, "whole": damage is None, "problem": damage} for name, damage in found.items()
        ])
    else:
        for name, damage in found.items():
            typer.echo(f"{name}: {damage or 'whole'}")
    if damaged := [name for name, damage in found.items() if damage]:
        raise DownloadError(
            f"Not whole: {', '.join(damaged)}; `limner model fetch {' '.join(damaged)}` mends that."
        )


@data.command("fetch")
def fetch_data(
    name: Annotated[str, typer.Argument(autocompletion=_complete_data_set, help="ml-100k.")] = "ml-100k",
) -> None:
    """Fetch a data set into the cache."""
    from limner.apps.cli.opening import settings_from

    for asset in _chosen([name], _data_sets(), "data set"):
        _fetch(asset, settings_from().cache)


def fetch_missing(settings: "Settings", *, language_model: bool) -> None:
    """Fetch the packaged models that the settings name and the cache lacks, with a progress bar.

    The first use would fetch them too, but without a word, and they are large. A language model that could not be run for want
    of the extra is not fetched; the first use says what is missing.
    """
    from limner.inference.packages import is_present

    usable = language_model and find_spec("xllamacpp") is not None
    for name in _configured(settings, language_model=usable):
        if not is_present(asset := _models()[name], settings.cache):
            _fetch(asset, settings.cache, err=True)


def _configured(settings: "Settings", *, language_model: bool = True) -> list[str]:
    """Return the packaged models that the settings name."""
    embedded = language_model and settings.base_url is None
    wanted = [settings.model, settings.encoder] if embedded else [settings.encoder]
    return [name for name in wanted if name in _models()]


def _chosen(names: list[str], assets: "Mapping[str, Asset]", what: str) -> "list[Asset]":
    if unknown := [name for name in names if name not in assets]:
        raise NotFound(f"There is no packaged {what} {unknown[0]!r}; there are: {', '.join(assets)}.")
    return [assets[name] for name in names]


def _fetch(asset: "Asset", cache: Path, *, err: bool = False) -> None:
    from limner.apps.cli.printing import byte_progress
    from limner.inference.packages import fetch

    try:
        with byte_progress() as progress:
            folder = fetch(asset, cache, progress=progress, verify=True)
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt(
            "What was fetched is kept; the same command goes on from there."
        ) from interrupt
    typer.echo(f"{asset.name}: {folder}", err=err)


def _damage(asset: "Asset", cache: Path) -> str | None:
    """Return what is wrong with the files of an asset in the cache; none when they are what they should be."""
    for file in asset.files:
        path = asset.folder(cache) / file.path
        if not path.is_file():
            return f"{file.path} is not there"
        if path.stat().st_size != file.size:
            return f"{file.path} has {path.stat().st_size} bytes and should have {file.size}"
        with path.open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != file.sha256:
                return f"{file.path} has another content (SHA-256)"
    return None

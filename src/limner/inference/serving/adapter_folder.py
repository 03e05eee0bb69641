"""A LoRA adapter as PEFT saves it: a folder with its configuration and its weights."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from limner.errors import InputError

__all__ = ["RANKS", "AdapterFolder", "allowed_rank"]

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM's `--max-lora-rank` may be (0.32.0)."""

_CONFIGURATION = "adapter_config.json"
_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin", "adapter_model.pt")


@dataclass(frozen=True, slots=True)
class AdapterFolder:
    """One adapter, by what its configuration says."""

    name: str
    path: Path
    rank: int
    base_model: str | None
    """Model that it was trained on, as whoever trained it named it; none where it is not said."""

    @classmethod
    def read(cls, name: str, path: Path) -> Self:
        """Read the configuration of an adapter.

        Raises:
            InputError: The folder is none, or holds no adapter.
        """
        if not path.is_dir():
            raise InputError(f"LoRA adapter {name}: there is no folder {path}.")
        try:
            found = json.loads((path / _CONFIGURATION).read_text("utf-8"))
        except FileNotFoundError as error:
            raise InputError(
                f"LoRA adapter {name}: {path} has no {_CONFIGURATION}, so it is no adapter that PEFT saved. "
                f"Name the folder that has it."
            ) from error
        except (OSError, ValueError) as error:
            raise InputError(
                f"LoRA adapter {name}: {path / _CONFIGURATION} cannot be read: {error}."
            ) from error
        rank = found.get("r") if isinstance(found, dict) else None
        if not isinstance(rank, int) or rank < 1:
            raise InputError(
                f"LoRA adapter {name}: {path / _CONFIGURATION} names no rank (`r`), so it is no LoRA adapter."
            )
        if not any((path / weights).is_file() for weights in _WEIGHTS):
            raise InputError(f"LoRA adapter {name}: {path} holds no weights ({', '.join(_WEIGHTS)}).")
        base = found.get("base_model_name_or_path")
        # Every module may have a rank of its own; vLLM needs room for the highest.
        pattern = found.get("rank_pattern") or {}
        ranks = (
            [value for value in pattern.values() if isinstance(value, int)]
            if isinstance(pattern, dict)
            else []
        )
        return cls(name, path, max([rank, *ranks]), base if isinstance(base, str) and base else None)

    def other_base(self, model: str, served_name: str) -> str | None:
        """Return what the adapter was trained on where that is plainly another model than is served, else none.

        Names are compared without owner, folder and the case of letters, and one may begin with the other
        (`Qwen2.5-7B` and `Qwen2.5-7B-Instruct`): that is how far a name can tell.
        """
        if self.base_model is None:
            return None
        trained_on = _bare(self.base_model)
        served = {_bare(model), _bare(served_name)}
        if any(trained_on.startswith(name) or name.startswith(trained_on) for name in served):
            return None
        return self.base_model


def allowed_rank(adapter: AdapterFolder) -> int:
    """Return the least `--max-lora-rank` that lets an adapter in.

    Raises:
        InputError: Its rank is above every one that vLLM allows.
    """
    for rank in RANKS:
        if adapter.rank <= rank:
            return rank
    raise InputError(
        f"LoRA adapter {adapter.name} has rank {adapter.rank}; vLLM serves ranks up to {RANKS[-1]}. Train it with a "
        f"lower rank, or merge it into its base model and serve that."
    )


def _bare(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2].lower()

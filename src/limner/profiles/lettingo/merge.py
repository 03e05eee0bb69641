"""Merging an adapter into its model, for servers that take whole models alone."""

import shutil
from pathlib import Path
from typing import Any

from limner.errors import ConfigurationError, InputError
from limner.inference.serving.adapter_folder import AdapterFolder
from limner.profiles.lettingo.generators import need_training

__all__ = ["merge"]


def merge(adapter: Path, target: Path) -> Path:
    """Write the base model with the adapter's changes in it as a Hugging Face folder.

    The folder appears when it is whole.

    Args:
        adapter: A PEFT folder; its base model is the one that its configuration names.
        target: A folder that is not there yet.

    Raises:
        InputError: The adapter is none, or the target is there already.
        ConfigurationError: The base model is not on this machine; nothing is downloaded.
        MissingExtra: The extra `train` is not installed.
    """
    need_training()
    base = AdapterFolder.read(adapter.name, adapter).base_model
    if base is None:
        raise InputError(
            f"{adapter} does not name the model that it was trained on (base_model_name_or_path)."
        )
    if target.exists():
        raise InputError(f"{target} is there already; name another folder.")
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place: dict[str, Any] = {"local_files_only": True}
    try:
        tokenizer = AutoTokenizer.from_pretrained(base, **place)
        model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16, **place)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"The base model {base} cannot be loaded: {str(error).splitlines()[0]}"
        ) from error
    merged = PeftModel.from_pretrained(model, adapter).merge_and_unload()
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    merged.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    partial.replace(target)
    return target

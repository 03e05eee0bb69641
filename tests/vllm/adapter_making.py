"""LoRA adapters of random weights in PEFT's format: they mean nothing, and change what a model says."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

__all__ = ["write_adapter"]


def write_adapter(model: Path, folder: Path, *, rank: int = 4, seed: int = 0, size: float = 0.5) -> Path:
    """Write an adapter of a Llama-like model's query and value projections.

    Args:
        model: Folder of the model, for its sizes.
        folder: Where to write.
        rank: The adapter's rank.
        seed: Of the weights.
        size: Standard deviation of the weights of B; at .5 answers differ from the first words on.
    """
    config = json.loads((model / "config.json").read_text())
    heads, groups, width = (
        config[name] for name in ("num_attention_heads", "num_key_value_heads", "hidden_size")
    )
    head = config.get("head_dim") or width // heads
    random = np.random.default_rng(seed)
    weights = {}
    for layer in range(config["num_hidden_layers"]):
        for name, outputs in (("q_proj", heads * head), ("v_proj", groups * head)):
            key = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            weights[f"{key}.lora_A.weight"] = random.normal(0, width**-0.5, (rank, width)).astype(np.float32)
            weights[f"{key}.lora_B.weight"] = random.normal(0, size, (outputs, rank)).astype(np.float32)
    folder.mkdir(parents=True)
    save_file(weights, str(folder / "adapter_model.safetensors"))
    settings = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": str(model),
        "r": rank,
        "lora_alpha": rank,
        "bias": "none",
        "target_modules": ["q_proj", "v_proj"],
    }
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return folder

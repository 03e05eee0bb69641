"""From a model's family to the vLLM tool parser that reads its tool calls.

The pairs are those of vLLM's documentation (Tool Calling). A model whose family is not known is served without tool calls
of its own choice: limner itself asks for objects under a schema and needs none.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["PARSERS", "Family", "family_of"]


@dataclass(frozen=True, slots=True)
class Family:
    """What is known about a model's tool calls."""

    parser: str | None
    """vLLM's `--tool-call-parser`; none where the family is not known."""
    because: str
    """What told, in words."""


# The first that is found in a name counts, so the special stands before the general.
_BY_NAME = (
    (r"functiongemma", "functiongemma"),
    (r"xlam", "xlam"),
    (r"hermes", "hermes"),
    (r"qwen-?3(\.\d+)?-?coder", "qwen3_xml"),
    (r"qwen-?(2\.5|3(?!\.\d))|qwq", "hermes"),
    (r"smollm", "hermes"),
    (r"llama-?4", "llama4_pythonic"),
    (r"llama-?3\.[123]", "llama3_json"),
    (r"granite-?4", "granite4"),
    (r"granite-?20b", "granite-20b-fc"),
    (r"granite-?3", "granite"),
    (r"deepseek-?v3\.1", "deepseek_v31"),
    (r"deepseek-?v3\.2", "deepseek_v32"),
    (r"deepseek-?v3|deepseek-?r1-0528", "deepseek_v3"),
    (r"glm-?4\.7", "glm47"),
    (r"glm-?4\.[56]", "glm45"),
    (r"kimi-?k2", "kimi_k2"),
    (r"gpt-?oss", "openai"),
    (r"hunyuan-?a13b", "hunyuan_a13b"),
    (r"mistral|mixtral|ministral", "mistral"),
    (r"internlm-?2", "internlm"),
    (r"jamba", "jamba"),
    (r"olmo-?3", "olmo3"),
    (r"longcat", "longcat"),
    (r"gigachat-?3", "gigachat3"),
    (r"apertus", "apertus"),
)

# `model_type` of the configuration, where it says enough. "llama" does not: half the models there are have its architecture.
_BY_TYPE = {
    "qwen2": "hermes",
    "qwen2_moe": "hermes",
    "qwen3": "hermes",
    "mistral": "mistral",
    "mixtral": "mistral",
    "granite": "granite",
    "granitemoehybrid": "granite4",
    "llama4": "llama4_pythonic",
    "gpt_oss": "openai",
    "kimi_k2": "kimi_k2",
    "glm4_moe": "glm45",
    "internlm2": "internlm",
    "jamba": "jamba",
    "olmo3": "olmo3",
    "longcat_flash": "longcat",
    "apertus": "apertus",
}

# What a chat template tells the model to write around a call.
_BY_TEMPLATE = (("<function=", "qwen3_xml"), ("<tool_call>", "hermes"), ("[TOOL_CALLS]", "mistral"))

PARSERS = frozenset(
    {parser for _, parser in _BY_NAME} | set(_BY_TYPE.values()) | {parser for _, parser in _BY_TEMPLATE}
)
"""Every parser that `family_of` may name; each exists in vLLM 0.32."""


def family_of(name: str, folder: Path | None = None) -> Family:
    """Find the tool parser of a model by its name, the chat template in its folder, or its configuration.

    Args:
        name: As the packages, the hub or the user call it.
        folder: The model's folder, where it is on this machine.
    """
    bare = name.rstrip("/").rpartition("/")[2].lower().replace("_", "-")
    for pattern, parser in _BY_NAME:
        if re.search(pattern, bare):
            return Family(parser, f"{name} is in the name of a family that vLLM reads by {parser}")
    if folder is not None:
        template = _template(folder)
        for mark, parser in _BY_TEMPLATE:
            if mark in template:
                return Family(parser, f"the chat template writes {mark}")
        kind = _read(folder / "config.json").get("model_type")
        if template and "tools" not in template:
            return Family(None, "the chat template has no place for tools")
        if isinstance(kind, str) and kind in _BY_TYPE:
            return Family(_BY_TYPE[kind], f"the model is of the type {kind}")
    return Family(None, f"no tool parser is known for {name}")


def _template(folder: Path) -> str:
    try:
        return (folder / "chat_template.jinja").read_text("utf-8")
    except OSError:
        template = _read(folder / "tokenizer_config.json").get("chat_template")
    return template if isinstance(template, str) else json.dumps(template) if template else ""


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

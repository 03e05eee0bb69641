"""Answers that begin with given words."""

import json
import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage

from limner.inference.endpoint import Dialect
from limner.inference.language_model import LanguageModel

__all__ = ["continue_from", "opening_body"]


async def continue_from(
    model: LanguageModel, prompt: Sequence[BaseMessage], opening: str, *, stage: str, max_tokens: int
) -> str | None:
    """Return a one-line answer that begins with `opening`.

    llama.cpp and vLLM are held to it by a grammar; others are asked as they are, and an answer that begins
    otherwise counts as none.

    Args:
        model: Whom to ask.
        prompt: The messages.
        opening: First words of the answer.
        stage: What the call is for, in the ledger.
        max_tokens: Longest answer, in tokens; a sentence that is cut off there counts as none.

    Raises:
        ContextOverflow: The prompt does not fit into the context.
        ModelUnavailable: The endpoint is down, refuses, or takes too long.
    """
    body = opening_body(opening, await model.adialect())
    reply = await model.areply(prompt, stage=stage, max_tokens=max_tokens, stop=["\n"], body=body)
    line = reply.text.strip().split("\n")[0].strip()
    return line if line.startswith(opening) and not reply.truncated else None


def opening_body(opening: str, dialect: Dialect) -> dict[str, Any] | None:
    """Return the request fields that hold an answer to its first words; none where the server knows no such constraint."""
    if dialect == "llama.cpp":
        return {"grammar": f"root ::= {json.dumps(opening, ensure_ascii=False)} [^\\n]+"}
    if dialect == "vllm":
        # What `re.escape` does to blanks is not known everywhere, and none is special.
        return {"structured_outputs": {"regex": re.escape(opening).replace("\\ ", " ") + r"[^\n]+"}}
    return None

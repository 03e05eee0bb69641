"""Splitting a list into calls, so that prompt and answer of each fit into the model's context."""

import json
from collections.abc import Callable, Sequence

from langchain_core.messages import BaseMessage
from pydantic import BaseModel

from limner.inference import LanguageModel
from limner.inference.reply import estimate_tokens

__all__ = ["parts"]

_LONGEST_ANSWER = 2000
"""Tokens; beyond, hosted models cut answers off and small ones lose the thread."""
_PER_MESSAGE = 16
"""Tokens that a chat template may put around a message."""


async def parts(
    lines: Sequence[str],
    model: LanguageModel,
    *,
    frame: Sequence[BaseMessage],
    schema: type[BaseModel],
    answer_tokens: Callable[[int], int],
) -> list[slice]:
    """Return the parts of a list of lines, in order; a line too long for the context is a part of its own.

    Args:
        lines: What the model is asked about, as it stands in the prompt.
        model: For its context length.
        frame: The prompt without lines.
        schema: Of the answer; a plain model has it described in the prompt.
        answer_tokens: Longest answer about so many lines, in tokens.
    """
    context = await model.in_a_thread(lambda: model.context_length)
    room = context - estimate_tokens(json.dumps(schema.model_json_schema()))
    room -= sum(estimate_tokens(message.text) + _PER_MESSAGE for message in frame)
    found: list[slice] = []
    start = taken = 0
    for place, line in enumerate(lines):
        taken += estimate_tokens(line) + 1
        answer = answer_tokens(place + 1 - start)
        if place > start and (answer > _LONGEST_ANSWER or taken + answer > room):
            found.append(slice(start, place))
            start, taken = place, estimate_tokens(line) + 1
    return [*found, slice(start, len(lines))] if lines else []

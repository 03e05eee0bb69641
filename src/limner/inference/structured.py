"""Objects from a language model: constrained where the endpoint can, validated always."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import TypeAdapter, ValidationError

from limner.errors import ContextOverflow, MalformedOutput
from limner.inference.endpoint import Dialect
from limner.inference.language_model import LanguageModel
from limner.inference.reply import Reply

__all__ = ["response_format", "structured"]

T = TypeVar("T")
_RETRIES = 2
_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n\s*```", re.DOTALL)


async def structured(
    model: LanguageModel,
    prompt: Sequence[BaseMessage],
    schema: type[T],
    *,
    stage: str,
    max_tokens: int,
) -> T:
    """Ask a model for an object; the one way in which limner does so.

    The answer is decoded under the JSON schema of `schema` where the endpoint can do that; a `plain` model is told the
    schema instead. Either way the answer is validated, and an invalid or cut-off one goes back to the model with the
    error, at most twice.

    Args:
        model: Whom to ask.
        prompt: The messages.
        schema: A pydantic model, or any type that pydantic can validate.
        stage: What the call is for, in the ledger.
        max_tokens: Longest answer, in tokens.

    Raises:
        MalformedOutput: The third answer is still not valid; `raw` holds it.
        ContextOverflow: The prompt does not fit into the context.
        ModelUnavailable: The endpoint is down, refuses, or takes too long.
    """
    adapter = TypeAdapter(schema)
    name = getattr(schema, "__name__", "answer")
    dialect = await model.adialect()
    messages, body = _asked(list(prompt), adapter.json_schema(), dialect, name)
    reply = await model.areply(messages, stage=stage, max_tokens=max_tokens, body=body)
    for _ in range(_RETRIES):
        try:
            return _parsed(adapter, reply, max_tokens)
        except MalformedOutput as error:
            problem = error
        complaint = (
            f"That answer cannot be used: {problem} Answer again, with one JSON value that is valid under this schema "
            f"and with nothing else:\n{json.dumps(adapter.json_schema(), ensure_ascii=False)}"
        )
        again = [*messages, AIMessage(reply.text or "(nothing)"), HumanMessage(complaint)]
        try:
            reply = await model.areply(again, stage=stage, max_tokens=max_tokens, body=body)
        except ContextOverflow:
            raise problem from None  # there is no room to ask again
    return _parsed(adapter, reply, max_tokens)


def response_format(schema: Mapping[str, Any], dialect: Dialect, name: str) -> dict[str, Any]:
    """Return the request field that constrains an answer to a JSON schema.

    OpenAI's strict mode wants every property required and no `oneOf`; the others take what pydantic writes.
    """
    closed = _closed(schema, every_property=dialect == "openai")
    return {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": re.sub(r"\W", "_", name)[:64], "strict": True, "schema": closed},
        }
    }


def _asked(
    prompt: list[BaseMessage], schema: dict[str, Any], dialect: Dialect, name: str
) -> tuple[list[BaseMessage], dict[str, Any] | None]:
    if dialect != "plain":
        return prompt, response_format(schema, dialect, name)
    rule = (
        "Answer with one JSON value that is valid under this JSON schema, and with nothing else:\n"
        + json.dumps(schema, ensure_ascii=False)
    )
    if prompt and isinstance(prompt[0], SystemMessage):
        return [SystemMessage(f"{prompt[0].text}\n\n{rule}"), *prompt[1:]], None
    return [SystemMessage(rule), *prompt], None


def _parsed(adapter: TypeAdapter[T], reply: Reply, max_tokens: int) -> T:
    if reply.truncated:
        raise MalformedOutput(f"It was cut off after {max_tokens} tokens; be shorter.", reply.text)
    try:
        return adapter.validate_json(_json_in(reply.text))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'answer'}: {problem['msg']}"
            for problem in error.errors()[:5]
        )
        raise MalformedOutput(f"{problems}.", reply.text) from error


def _json_in(text: str) -> str:
    # Plain models like to wrap the object in a code fence or in a sentence.
    if match := _FENCED.search(text):
        return match.group(1)
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end and text.lstrip()[:1] not in '{["' else text


def _closed(node: Any, *, every_property: bool) -> Any:  # noqa: ANN401 - a JSON value
    if isinstance(node, list):
        return [_closed(item, every_property=every_property) for item in node]
    if not isinstance(node, Mapping):
        return node
    closed = {key: _closed(value, every_property=every_property) for key, value in node.items()}
    if closed.get("type") == "object" and "properties" in closed:
        closed.setdefault("additionalProperties", False)
        if every_property:
            closed["required"] = list(closed["properties"])
    if every_property and "oneOf" in closed:
        closed["anyOf"] = closed.pop("oneOf")
        closed.pop("discriminator", None)
    return closed

"""Whether a model can call tools; limner itself asks for decisions as objects, agents built with langchain call tools."""

from collections.abc import Awaitable, Callable

from langchain_core.messages import AIMessage
from langchain_core.messages.tool import ToolCall

from limner.errors import ModelError, ModelUnavailable
from limner.inference.doctor.probe import Examination, Outcome, Probe, nonsense, refusal, said

__all__ = ["TOOLS", "TOOLS_FORCED"]

_ANSWER_TOKENS = 96
_OWN = "limner's own agents do not need it: they decide under a schema."
_TRACES = ("<tool_call", "<|python_tag|>", "[TOOL_CALLS]", "<function=", '"arguments"', '"parameters"')
"""How models write a call; in the text of an answer it means that nobody has read it as one."""


def _tool(name: str, value: str) -> dict[str, object]:
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": "Look up the temperature in a city.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "maxLength": 40},
                    "unit": {"type": "string", "enum": [value]},
                },
                "required": ["city", "unit"],
                "additionalProperties": False,
            },
        },
    }


async def _forced(exam: Examination) -> Outcome:
    name, value = nonsense(2)
    tool = _tool(name, value)
    message = AIMessage("")
    # By name is how agents ask; llama.cpp heeds `required` alone.
    for choice in (name, "required"):
        message = await exam.called(
            "Say good morning. Do not use tools.", tool, choice, max_tokens=_ANSWER_TOKENS
        )
        if message.tool_calls:
            return _call(message.tool_calls[0], name, value, by_name=choice == name)
    return Outcome("does not", _without_call(message), f"A tool that must be called is not. {_OWN}")


def _readable(
    ask: Callable[[Examination], Awaitable[Outcome]],
) -> Callable[[Examination], Awaitable[Outcome]]:
    """Tell a call that cannot be read from tools that are refused, and both from a chat model that takes none."""

    async def run(exam: Examination) -> Outcome:
        try:
            return await ask(exam)
        except NotImplementedError:
            return Outcome(
                "does not", "this chat model takes no tools", f"Agents of langchain's cannot use it. {_OWN}"
            )
        except ModelUnavailable:
            raise
        except ModelError as error:
            if refusal(error):
                raise
            broken = f"a call that langchain cannot read: {said(str(error.__cause__ or error), 120)}"
            return Outcome("does not", broken, f"Agents of langchain's cannot use tools with it. {_OWN}")

    return run


def _call(call: ToolCall, name: str, value: str, *, by_name: bool) -> Outcome:
    if call["name"] != name or call["args"].get("unit") != value:
        return Outcome(
            "does not",
            f"a call of {said(call['name'])} with {said(str(call['args']))}",
            f"The call does not keep to the tool's schema. {_OWN}",
        )
    how = "" if by_name else ", where any tool is required; a tool that is named is not called"
    return Outcome(
        "works",
        f"a call with {said(str(call['args']))}{how}",
        f"Agents can make the model call a tool. {_OWN}",
    )


async def _auto(exam: Examination) -> Outcome:
    tool = _tool("temperature", "celsius")
    message = await exam.called(
        "How warm is it in Oslo now? Use the tool `temperature`.", tool, "auto", max_tokens=_ANSWER_TOKENS
    )
    if message.tool_calls:
        call = message.tool_calls[0]
        return Outcome(
            "works",
            f"a call of {call['name']} with {said(str(call['args']))}",
            f"The toolbox of recommenders can be given to an agent of langchain's (`create_agent`). {_OWN}",
        )
    if any(trace in message.text for trace in _TRACES):
        return Outcome(
            "does not",
            f"{said(message.text)}, a call that nobody has read",
            f"The server's tool parser is not the one of this model (vLLM: --tool-call-parser). {_OWN}",
        )
    return Outcome(
        "unknown",
        _without_call(message),
        "The server takes tools; the model did not call the one that it needed, as small ones often do not. "
        f"Agents of langchain's will seldom call the toolbox with it. {_OWN}",
    )


def _without_call(message: AIMessage) -> str:
    if message.invalid_tool_calls:
        return f"a call that cannot be read: {said(str(message.invalid_tool_calls[0].get('args')))}"
    return f"{said(message.text)}, and no call"


_REFUSED = (
    "An agent of langchain's (`create_agent`) cannot be given the toolbox of recommenders here (vLLM needs "
    f"--enable-auto-tool-choice and --tool-call-parser). {_OWN}"
)
TOOLS_FORCED = Probe(
    "tools_forced",
    "A tool that must be called",
    "“Say good morning”, where a tool with a nonsense name must be called",
    _readable(_forced),
    _REFUSED,
)
TOOLS = Probe(
    "tools",
    "A tool that may be called",
    "the temperature in Oslo, with a tool for it",
    _readable(_auto),
    _REFUSED,
)

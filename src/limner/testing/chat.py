"""A chat model that says what it is told."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import Field, PrivateAttr

from limner.inference.language_model import LanguageModel, Plan
from limner.inference.ledger import Ledger

__all__ = ["Reply", "ScriptedChatModel", "scripted_model"]

Reply = str | AIMessage | BaseException
"""What a scripted model answers: a text, a whole message (with tool calls, say), or an error that it raises."""

Script = Sequence[Reply] | Callable[[Sequence[BaseMessage]], Reply]


class ScriptedChatModel(BaseChatModel):
    """A langchain chat model that answers from a script and remembers what it was asked.

    The script is a list of replies, given one after the other, or a function from the messages to a reply. A reply
    that is an exception is raised. Usage is reported as one token per word. `bind_tools` is accepted, so that agents
    run on it too.

    ```python
    chat = ScriptedChatModel(script=["Hello.", TimeoutError()])
    chat.invoke("Hi").content     # "Hello."
    chat.asked[0][-1].content     # "Hi"
    chat.invoke("Hi")             # raises TimeoutError
    chat.invoke("Hi")             # AssertionError: the script has ended
    ```
    """

    script: Any
    """List of replies, or function from messages to a reply."""
    asked: list[list[BaseMessage]] = Field(default_factory=list)
    """The messages of every call so far."""
    tools: list[Any] = Field(default_factory=list)
    """The tools of the last `bind_tools`."""
    model_name: str = "scripted"

    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        **kwargs: Any,  # noqa: ANN401
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Note the tools and go on as before."""
        self.tools = list(tools)
        return self.bind(**kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> ChatResult:
        with self._lock:
            position = len(self.asked)
            self.asked.append(list(messages))
        reply = self._reply(messages, position)
        if isinstance(reply, BaseException):
            raise reply
        message = reply if isinstance(reply, AIMessage) else AIMessage(reply)
        if message.usage_metadata is None:
            message = message.model_copy(update={"usage_metadata": _usage(messages, message)})
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _reply(self, messages: Sequence[BaseMessage], position: int) -> Reply:
        if callable(self.script):
            reply: Reply = self.script(messages)
            return reply
        if position >= len(self.script):
            raise AssertionError(
                f"The script has {len(self.script)} replies and this is call {position + 1}: {messages[-1].text!r}"
            )
        scripted: Reply = self.script[position]
        return scripted


def _usage(messages: Sequence[BaseMessage], answer: AIMessage) -> UsageMetadata:
    asked = sum(len(message.text.split()) for message in messages)
    said = len(answer.text.split())
    return UsageMetadata(input_tokens=asked, output_tokens=said, total_tokens=asked + said)


def scripted_model(
    script: Script,
    *,
    plan: Plan = "small",
    context_length: int = 8192,
    ledger: Ledger | None = None,
) -> LanguageModel:
    """Return a `LanguageModel` that answers from a script; `.chat.asked` tells what it was asked.

    Args:
        script: Replies in order, or a function from messages to a reply.
        plan: Call plan that the stages take.
        context_length: Tokens that it pretends to hold.
        ledger: Where to book its calls.
    """
    return LanguageModel.wrap(
        ScriptedChatModel(script=script),
        name="scripted",
        context_length=context_length,
        plan=plan,
        ledger=ledger,
    )

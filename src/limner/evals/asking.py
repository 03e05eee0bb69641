"""How what a memory found gets into a prompt: as the conversation it was, or as notes."""

from collections.abc import Iterable, Mapping, Sequence

from limner.evals.records import Passage, Role
from limner.inference.prompts import load_prompt, without_control_tokens
from limner.settings import Settings

__all__ = ["is_conversation", "notes", "prompted", "with_memory"]

_Message = tuple[Role, str]
_ROLES: Mapping[str, Role] = {"system": "system", "human": "user", "ai": "assistant"}
_BEFORE = "[What was said before is left out.]"
"""Stands in for the user where a conversation would start with the assistant, which many chat templates refuse."""


def is_conversation(passages: Sequence[Passage]) -> bool:
    """Whether the passages are a stretch of conversation, which can be replayed turn by turn.

    Such are turns word for word that no search has ranked: every one has a role and none a score. Turns that were found
    one by one are no conversation, although each was said; they make `notes`.
    """
    return bool(passages) and all(one.role is not None and one.score is None for one in passages)


def notes(passages: Iterable[Passage]) -> str:
    """Return the passages one a line, with date and speaker where known, in the order given; empty for none.

    Put it into a prompt as data (`{{ notes | fenced }}`), before the question, so that questions with the same notes
    share a prefix.
    """
    return "\n".join(f"- {_origin(one)}{one.text.strip()}".replace("\n", "\n  ") for one in passages)


def prompted(name: str, **variables: object) -> tuple[_Message, ...]:
    """Return a prompt, filled in, as pairs of role and text.

    Args:
        name: Of the prompt, such as `evals/prefeval/choose`; a file of the user's own (`settings.prompts`) takes its place.
        variables: Its variables.

    Raises:
        ConfigurationError: There is no such prompt.
    """
    messages = load_prompt(name, Settings().prompts).messages(**variables)
    return tuple((_ROLES[message.type], str(message.content)) for message in messages)


def with_memory(passages: Sequence[Passage], prompt_messages: Iterable[_Message]) -> tuple[_Message, ...]:
    """Return a prompt with a remembered conversation before its last message.

    One system message comes first: the prompt's, then what the conversation has of them, each once. The rest alternates
    between user and assistant and starts with the user: neighbours of one role are joined. Passages that are no conversation
    (`is_conversation`) leave the messages as they are; the caller has put them into the prompt as `notes`.

    Args:
        passages: What the memory gave.
        prompt_messages: Role and text; what is stable first, the question in the last one.
    """
    messages = list(prompt_messages)
    if is_conversation(passages):
        # A turn is a whole message, not a variable of a template, so nothing else breaks a chat template's tokens in it.
        said: list[_Message] = [(one.role or "user", without_control_tokens(one.text)) for one in passages]
        messages = [*messages[:-1], *said, *messages[-1:]]
    system = dict.fromkeys(text for role, text in messages if role == "system" and text.strip())
    joined = _alternating((role, text) for role, text in messages if role != "system" and text.strip())
    return (*((("system", "\n\n".join(system)),) if system else ()), *joined)


def _alternating(messages: Iterable[_Message]) -> list[_Message]:
    joined: list[_Message] = []
    for role, text in messages:
        if not joined and role == "assistant":
            joined.append(("user", _BEFORE))
        if joined and joined[-1][0] == role:
            text = f"{joined.pop()[1]}\n\n{text}"
        joined.append((role, text))
    return joined


def _origin(passage: Passage) -> str:
    parts = [passage.at.date().isoformat()] if passage.at is not None else []
    parts += [passage.role] if passage.role is not None else []
    return f"[{', '.join(parts)}] " if parts else ""

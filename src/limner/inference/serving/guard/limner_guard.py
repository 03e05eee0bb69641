"""Asks for the API key on every route of vLLM: its own check leaves out some, such as `/invocations` and `/adapters`.

This file is imported by vLLM's interpreter, which need not have limner, so it knows the standard library alone. It speaks ASGI.
"""

import hmac
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

__all__ = ["Guard"]

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

_OPEN = frozenset({"/health", "/ping"})
_REFUSAL = b'{"error": {"message": "This server wants its API key as a bearer token.", "type": "unauthorized", "code": 401}}'


class Guard:
    """Lets requests through that carry the key of `VLLM_API_KEY`, and those for the server's health."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self.expected = f"Bearer {os.environ['VLLM_API_KEY']}".encode()

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer or refuse one request."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and self._may_pass(scope)):
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": _REFUSAL})
        elif self._has_key(scope):
            await self.app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _may_pass(self, scope: Message) -> bool:
        return scope["path"] in _OPEN or self._has_key(scope)

    def _has_key(self, scope: Message) -> bool:
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(sent) == 1 and hmac.compare_digest(sent[0], self.expected)

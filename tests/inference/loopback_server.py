"""A tiny OpenAI-compatible server on the loopback address that answers from a script."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from listening import Quiet, QuietServer, listening

__all__ = ["Answer", "LoopbackServer", "loopback_server", "said"]


@dataclass
class Answer:
    """What the server sends for one chat request."""

    body: dict[str, Any] | str
    status: int = 200
    delay_s: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)


def said(
    text: str,
    *,
    finish: str = "stop",
    cached: int = 0,
    top: dict[str, float] | None = None,
    delay_s: float = 0.0,
) -> Answer:
    """A proper chat completion."""
    choice: dict[str, Any] = {
        "index": 0,
        "finish_reason": finish,
        "message": {"role": "assistant", "content": text},
    }
    if top is not None:
        entries = [{"token": t, "logprob": p, "bytes": list(t.encode())} for t, p in top.items()]
        choice["logprobs"] = {"content": [entries[0] | {"top_logprobs": entries}]}
    usage = {
        "prompt_tokens": 40,
        "completion_tokens": 5,
        "total_tokens": 45,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
    return Answer(
        {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [choice],
            "usage": usage,
        },
        delay_s=delay_s,
    )


@dataclass
class LoopbackServer:
    """The server's script and what it was asked."""

    dialect: str
    script: list[Answer] | Callable[[dict[str, Any]], Answer]
    context_length: int
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of the chat requests."""
    paths: list[str] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)

    def chat(self, body: dict[str, Any]) -> Answer:
        self.asked.append(body)
        if callable(self.script):
            return self.script(body)
        return self.script[min(len(self.asked), len(self.script)) - 1]

    def get(self, path: str) -> Answer:
        if path == "/props" and self.dialect == "llama.cpp":
            return Answer({"default_generation_settings": {"n_ctx": self.context_length}})
        if path == "/version" and self.dialect == "vllm":
            return Answer({"version": "0.32.0"})
        if path == "/v1/models":
            length = {"max_model_len": self.context_length} if self.dialect == "vllm" else {}
            return Answer({"object": "list", "data": [{"id": "m", "object": "model", **length}]})
        return Answer("<html>nothing here</html>", status=404)

    def count(self, path: str, body: dict[str, Any]) -> Answer:
        """One token per word, whichever server this plays."""
        if path == "/apply-template":
            return Answer({"prompt": " ".join(message["content"] for message in body["messages"])})
        if "messages" in body:
            return Answer({"count": sum(len(message["content"].split()) for message in body["messages"])})
        words = str(body.get("content", body.get("prompt", ""))).split()
        return Answer({"tokens": list(range(len(words))), "count": len(words)})


@contextmanager
def loopback_server(
    script: list[Answer] | Callable[[dict[str, Any]], Answer],
    *,
    dialect: str = "openai",
    context_length: int = 2048,
    port: int = 0,
) -> Iterator[LoopbackServer]:
    """Serve a script; of a list, the last answer is repeated."""
    server = LoopbackServer(dialect, script, context_length)

    class Requests(Quiet, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(server.get(self.path))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self._send(
                server.chat(body) if self.path == "/v1/chat/completions" else server.count(self.path, body)
            )

        def _send(self, answer: Answer) -> None:
            server.paths.append(self.path)
            server.keys.add(self.headers["authorization"])
            time.sleep(answer.delay_s)
            content = (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()
            self.send_response(answer.status)
            self.send_header("content-type", "application/json")
            for name, value in {"content-length": str(len(content)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    http = QuietServer(Requests, port)
    server.url = http.base_url
    with listening(http):
        yield server

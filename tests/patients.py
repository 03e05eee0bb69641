"""An OpenAI-compatible server on the loopback address that does everything right, for subclasses to do something wrong."""

import base64
import json
import math
import re
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from listening import Quiet, QuietServer, listening

__all__ = ["Hangup", "Patient", "Sent", "refused", "served"]


@dataclass
class Sent:
    """What the server sends."""

    body: Any
    status: int = 200
    kind: str = "application/json"

    @property
    def content(self) -> bytes:
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


class Hangup(Exception):
    """Instead of an answer the connection is cut."""


def refused(status: int, message: str) -> Sent:
    return Sent({"error": {"message": message, "type": "x", "code": status}}, status)


class Patient:
    """An endpoint in good health: a model `m` of 2048 tokens, behind vLLM or behind an unknown server."""

    dialect = "vllm"

    def __init__(self) -> None:
        self.chats: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.seen: set[str] = set()
        self.url = ""

    def get(self, path: str) -> Sent:
        if path == "/version" and self.dialect == "vllm":
            return Sent({"version": "0.32.0"})
        if path == "/v1/models":
            return Sent({"object": "list", "data": self.models()})
        return refused(404, "Not Found")

    def models(self) -> list[dict[str, Any]]:
        length = {"max_model_len": 2048} if self.dialect == "vllm" else {}
        return [{"id": "m", "object": "model", "owned_by": "vllm", "parent": None, **length}]

    def post(self, path: str, body: dict[str, Any]) -> Sent:
        if path == "/v1/chat/completions":
            self.chats.append(body)
            return self.streamed(body) if body.get("stream") else self.chat(body)
        if path == "/tokenize" and self.dialect == "vllm":
            text = body["messages"][0]["content"] if "messages" in body else body["prompt"]
            return Sent({"count": len(text.split()), "tokens": [len(word) for word in text.split()]})
        if path == "/v1/completions" and self.dialect == "vllm":
            steps = [{str(token): {"logprob": -0.1 * token}} for token in body["prompt"]]
            return Sent({"choices": [{"text": "", "prompt_logprobs": [None, *steps[1:]]}]})
        return refused(404, "Not Found")

    def chat(self, body: dict[str, Any]) -> Sent:
        if body.get("tools"):
            return self.called(body)
        if "response_format" in body:
            return self.objects(body)
        if "structured_outputs" in body:
            return self.held(body)
        if body.get("logprobs"):
            return self.likely(body)
        return self.said(body, self.words(body))

    def words(self, body: dict[str, Any]) -> str:
        """The same for the same request."""
        if (colour := colour_of(body)) is not None:
            return f"{colour}."
        if "one word: yes" in self.prompt(body):
            return "yes"
        return f"The sea is wide, and {sum(map(ord, self.prompt(body))) % 997} ships are on it."

    def prompt(self, body: dict[str, Any]) -> str:
        return str(body["messages"][-1]["content"])

    def objects(self, body: dict[str, Any]) -> Sent:
        schema = body["response_format"]["json_schema"]["schema"]
        return self.said(body, json.dumps(instance(schema, schema)))

    def held(self, body: dict[str, Any]) -> Sent:
        outputs = body["structured_outputs"]
        if "choice" in outputs:
            return self.said(body, outputs["choice"][0])
        return self.said(body, re.sub(r"\\(.)", r"\1", outputs["regex"].removesuffix(r"[^\n]+")) + " banana")

    def likely(self, body: dict[str, Any]) -> Sent:
        first, second = ("Yes", "No") if "snow" in self.prompt(body) else ("Jupiter", "Mars")
        return self.with_logprobs(body, first, {first: 0.7, second: 0.2})

    def with_logprobs(self, body: dict[str, Any], chosen: str, top: dict[str, float]) -> Sent:
        entries = [{"token": t, "logprob": math.log(p), "bytes": None} for t, p in top.items()]
        mine = next((e for e in entries if e["token"] == chosen), entries[0] | {"token": chosen})
        return self.said(body, chosen, logprobs={"content": [mine | {"top_logprobs": entries}]})

    def called(self, body: dict[str, Any]) -> Sent:
        function = body["tools"][0]["function"]
        arguments = json.dumps(instance(function["parameters"], function["parameters"]))
        call = {"id": "1", "type": "function", "function": {"name": function["name"], "arguments": arguments}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        return self.completion(body, {"message": message, "finish_reason": "tool_calls"})

    def said(self, body: dict[str, Any], text: str, **more: Any) -> Sent:
        message = {"role": "assistant", "content": text}
        return self.completion(body, {"message": message, "finish_reason": "stop", **more})

    def completion(self, body: dict[str, Any], choice: dict[str, Any]) -> Sent:
        prompt = self.prompt(body)
        cached = len(prompt.split()) if prompt in self.seen else 0
        self.seen.add(prompt)
        usage = {
            "prompt_tokens": len(prompt.split()),
            "completion_tokens": 5,
            "total_tokens": 5 + len(prompt.split()),
            "prompt_tokens_details": {"cached_tokens": cached},
        }
        head = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
        return Sent({**head, "choices": [{"index": 0, **choice}], "usage": usage})

    def streamed(self, body: dict[str, Any]) -> Sent:
        return self.stream([*self.pieces(), "[DONE]"])

    def pieces(self) -> list[str]:
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        texts = [
            {"index": 0, "delta": {"content": f"w{n} "}, "finish_reason": "stop" if n == 19 else None}
            for n in range(20)
        ]
        usage = {"prompt_tokens": 9, "completion_tokens": 20, "total_tokens": 29}
        return [
            *(json.dumps({**chunk, "choices": [text]}) for text in texts),
            json.dumps({**chunk, "choices": [], "usage": usage}),
        ]

    def stream(self, pieces: list[str]) -> Sent:
        return Sent("".join(f"data: {piece}\n\n" for piece in pieces), kind="text/event-stream")


def colour_of(body: dict[str, Any]) -> str | None:
    """What colour the picture in a request begins with, read from its pixels; none where there is no picture."""
    content = body["messages"][-1]["content"]
    urls = (
        [part["image_url"]["url"] for part in content if "image_url" in part]
        if isinstance(content, list)
        else []
    )
    if not urls:
        return None
    png = base64.b64decode(urls[0].partition(",")[2])
    start = png.index(b"IDAT") + 4
    pixels = zlib.decompressobj().decompress(png[start:])
    red, green, blue = pixels[1:4]
    return {red: "red", green: "green", blue: "blue"}[max(red, green, blue)]


def instance(schema: dict[str, Any], root: dict[str, Any]) -> Any:
    """Something that is valid under a JSON schema, of the kinds that the tests meet."""
    if "$ref" in schema:
        return instance(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return instance(schema[union][0], root)
    if "const" in schema or "enum" in schema:
        return schema.get("const") or schema["enum"][0]
    if "pattern" in schema:
        return "qzvb-1234-AB"
    made = {
        "object": lambda: {name: instance(part, root) for name, part in schema["properties"].items()},
        "array": lambda: [instance(schema["items"], root)] * schema.get("minItems", 0),
        "string": lambda: "abc",
        "integer": lambda: schema.get("minimum", 0),
    }
    return made[schema["type"]]()


@contextmanager
def served(patient: Patient, *, delay_s: float = 0.0) -> Iterator[Patient]:
    """Let a patient answer on a free port."""

    class Requests(Quiet, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(lambda: patient.get(self.path))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self._answer(lambda: patient.post(self.path, body))

        def _answer(self, answer: Any) -> None:
            patient.paths.append(self.path)
            time.sleep(delay_s)
            try:
                sent: Sent = answer()
            except Hangup:
                self.connection.close()
                self.close_connection = True
                return
            self.send_response(sent.status)
            self.send_header("content-type", sent.kind)
            self.send_header("content-length", str(len(sent.content)))
            self.end_headers()
            self.wfile.write(sent.content)

        def handle(self) -> None:
            with suppress(OSError, ValueError):  # one side has hung up
                super().handle()

    http = QuietServer(Requests)
    patient.url = http.base_url
    with listening(http):
        yield patient

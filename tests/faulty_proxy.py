"""A proxy on loopback that passes requests on to a real server and, when told to, spoils the answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Literal

import httpx2

from listening import Quiet, QuietServer, listening

__all__ = ["FaultyProxy", "faulty_proxy"]

Fault = Literal["none", "busy", "cut", "garbage", "cut stream", "garbled stream"]
_HALF_A_COMPLETION = b'{"id": "1", "object": "chat.completion", "choi'
_DROPPED = {"transfer-encoding", "content-encoding", "content-length", "connection"}


@dataclass
class FaultyProxy:
    """What the proxy does to answers of the chat route; everything else passes."""

    url: str
    fault: Fault = "none"
    passed: int = 0
    """Chat requests that came."""


class _Server(QuietServer):
    def __init__(self, base_url: str) -> None:
        super().__init__(_Requests)
        self.upstream = httpx2.Client(base_url=base_url.removesuffix("/v1"), timeout=120)
        self.proxy = FaultyProxy(self.base_url)


class _Requests(Quiet, BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._pass_on("none")

    def do_POST(self) -> None:
        chat = self.path.endswith("/chat/completions")
        self.server.proxy.passed += chat
        self._pass_on(self.server.proxy.fault if chat else "none")

    def _pass_on(self, fault: Fault) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if fault == "busy":
            self._answer(503, {"retry-after": "0"}, b'{"error": {"message": "too many requests"}}')
        elif fault == "cut":
            self._answer(200, {"content-length": "5000"}, _HALF_A_COMPLETION)
        elif fault == "garbage":
            self._answer(200, {"content-type": "application/json"}, b"<html>it works</html>")
        else:
            self._forward(body, fault)

    def _forward(self, body: bytes, fault: Fault) -> None:
        headers = {k: v for k, v in self.headers.items() if k.lower() not in {"host", "connection"}}
        with self.server.upstream.stream(self.command, self.path, content=body, headers=headers) as answer:
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in _DROPPED:
                    self.send_header(name, value)
            self.end_headers()
            events = 0
            for line in answer.iter_lines():
                events += line.startswith("data:")
                if fault == "cut stream" and events > 3:
                    return
                spoilt = fault == "garbled stream" and events > 3
                self.wfile.write(b"data: {half an obj\n" if spoilt else f"{line}\n".encode())
                self.wfile.flush()

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def faulty_proxy(base_url: str) -> Iterator[FaultyProxy]:
    """Stand in front of the server at `base_url`, which ends in `/v1`."""
    http = _Server(base_url)
    with http.upstream, listening(http):
        yield http.proxy

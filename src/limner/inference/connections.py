"""The open connections to a server, so that they can be cut from outside."""

import socket
import threading
import weakref
from contextlib import suppress
from typing import Any

import httpx2

__all__ = ["Connections"]


class Connections:
    """Knows the connections of the HTTP clients that were made for it, and can cut them; thread-safe.

    A client waits for its answer in a thread or loop of its own and cannot be interrupted from another one. Its
    connection can: shut at the socket, both ends see it closed at once.

    Args:
        direct: Whether to pass by the proxies that the environment names (`HTTP_PROXY`, `ALL_PROXY`), which would be sent
            what is meant for a server on this machine.
    """

    def __init__(self, *, direct: bool = False) -> None:
        self._direct = direct
        self._lock = threading.Lock()
        self._streams: weakref.WeakSet[Any] = weakref.WeakSet()
        self._cut = False

    def client(self, **options: Any) -> httpx2.Client:  # noqa: ANN401 - passed through
        """Return a client whose connections are known here."""
        return httpx2.Client(event_hooks={"request": [self._watch]}, trust_env=not self._direct, **options)

    def async_client(self, **options: Any) -> httpx2.AsyncClient:  # noqa: ANN401 - passed through
        """Return an async client whose connections are known here."""
        hooks = {"request": [self._watch_async]}
        return httpx2.AsyncClient(event_hooks=hooks, trust_env=not self._direct, **options)

    def cut(self) -> None:
        """Shut every open connection and let no request through any more."""
        with self._lock:
            self._cut = True
            streams = list(self._streams)
        for stream in streams:
            connection = stream.get_extra_info("socket")
            if connection is not None:
                with suppress(OSError):  # closed meanwhile
                    connection.shutdown(socket.SHUT_RDWR)

    def _watch(self, request: httpx2.Request) -> None:
        self._refuse_if_cut(request)

        def trace(event: str, details: dict[str, Any]) -> None:
            self._note(event, details)

        request.extensions["trace"] = trace

    async def _watch_async(self, request: httpx2.Request) -> None:
        self._refuse_if_cut(request)

        async def trace(event: str, details: dict[str, Any]) -> None:
            self._note(event, details)

        request.extensions["trace"] = trace

    def _refuse_if_cut(self, request: httpx2.Request) -> None:
        if self._cut:
            raise httpx2.ConnectError("it was closed", request=request)

    def _note(self, event: str, details: dict[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            with self._lock:
                self._streams.add(details["return_value"])
                too_late = self._cut
            if too_late:
                self.cut()

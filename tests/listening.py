"""HTTP servers of tests: on loopback, in a thread, and quiet about clients that do not wait."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["Quiet", "QuietServer", "listening"]


class Quiet:
    """Makes a `BaseHTTPRequestHandler` write no log and bear with clients that do not wait; stands before it."""

    def log_message(self, *_: object) -> None:
        pass

    def handle(self) -> None:
        with suppress(ConnectionError):  # the client did not wait
            super().handle()  # type: ignore[misc]


class QuietServer(ThreadingHTTPServer):
    """Listens on loopback.

    Args:
        handler: Answers requests.
        port: 0 takes one that is free.
    """

    request_queue_size = 256  # many come at once

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self.base_url = f"http://127.0.0.1:{self.server_address[1]}/v1"


@contextmanager
def listening(http: QuietServer) -> Iterator[None]:
    """Let a server answer."""
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        http.shutdown()
        http.server_close()
        thread.join()

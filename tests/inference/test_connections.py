"""Where requests go when the environment names a proxy."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx2
import pytest
from langchain_core.messages import HumanMessage
from loopback_server import loopback_server, said

from limner.inference.connections import Connections
from limner.inference.language_model import language_model
from limner.inference.manifest import SMOLLM2
from limner.inference.packages import fetch
from limner.settings import Settings


@contextmanager
def proxy() -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that notes what it is asked for and answers nothing."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def listen() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        heard.append(connection.recv(1000).split(b"\r\n")[0])

        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", heard
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with proxy() as (url, heard):
        monkeypatch.setenv("HTTP_PROXY", url)
        monkeypatch.setenv("http_proxy", url)
        yield heard


async def test_the_proxy_of_the_environment_is_passed_by_where_that_is_wanted(heard: list[bytes]) -> None:
    with loopback_server([said("x")]) as server:
        url = f"{server.url}/models"
        with Connections(direct=True).client() as client:
            assert client.get(url).is_success
        async with Connections(direct=True).async_client() as client:
            assert (await client.get(url)).is_success
        assert heard == []
        with Connections().client() as client, pytest.raises(httpx2.TransportError):
            client.get(url)
    assert heard[0].startswith(b"GET http://127.0.0.1:")


@pytest.mark.engine
async def test_what_is_asked_of_the_embedded_engine_does_not_go_to_a_proxy(heard: list[bytes]) -> None:
    fetch(SMOLLM2, Settings().cache)
    with language_model(Settings(model=SMOLLM2.name, context_length=512)) as model:
        assert await model.acomplete([HumanMessage("Hello.")], stage="s", max_tokens=4)
        assert model.count_tokens("one two") >= 2
    assert heard == []

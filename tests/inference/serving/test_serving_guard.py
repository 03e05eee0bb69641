"""Every route but the server's health wants the key."""

import pytest

from limner.inference.serving.guard.limner_guard import Guard


@pytest.fixture
def guard(monkeypatch):
    monkeypatch.setenv("VLLM_API_KEY", "sk-1")

    async def app(scope, receive, send) -> None:
        await send({"type": "passed"})

    return Guard(app)


async def first_sent(guard: Guard, **scope: object) -> dict:
    sent: list[dict] = []

    async def send(message) -> None:
        sent.append(message)

    async def receive() -> dict:
        return {}

    await guard({"type": "http", "method": "GET", "headers": [], **scope}, receive, send)
    return sent[0]


@pytest.mark.parametrize(
    "path", ["/v1/models", "/invocations", "/adapters", "/metrics", "/tokenize", "/", "/healthy"]
)
async def test_without_the_key_there_is_no_way(guard, path) -> None:
    assert (await first_sent(guard, path=path))["status"] == 401
    for sent in (b"Bearer sk-2", b"sk-1", b"Bearer ", b"bearer sk-1 ", "Bearer ß".encode()):
        assert (await first_sent(guard, path=path, headers=[(b"authorization", sent)]))["status"] == 401
    assert (await first_sent(guard, path=path, headers=[(b"authorization", b"Bearer sk-1")] * 2))[
        "status"
    ] == 401


@pytest.mark.parametrize("path", ["/v1/models", "/invocations", "/metrics"])
async def test_the_key_opens_every_route(guard, path) -> None:
    assert (await first_sent(guard, path=path, headers=[(b"authorization", b"Bearer sk-1")]))[
        "type"
    ] == "passed"


async def test_health_and_what_is_no_request_pass(guard) -> None:
    assert (await first_sent(guard, path="/health"))["type"] == "passed"
    assert (await first_sent(guard, type="lifespan"))["type"] == "passed"


async def test_a_socket_wants_the_key_too(guard) -> None:
    assert await first_sent(guard, type="websocket", path="/v1/realtime") == {
        "type": "websocket.close",
        "code": 1008,
    }
    key = [(b"authorization", b"Bearer sk-1")]
    assert (await first_sent(guard, type="websocket", path="/v1/realtime", headers=key))["type"] == "passed"

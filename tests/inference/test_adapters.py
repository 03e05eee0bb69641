"""Adapters on a server that answers as vLLM 0.32 does; tests/vllm has the real one."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from loopback_server import Answer, LoopbackServer, loopback_server, said
from typer.testing import CliRunner

from limner.apps.cli import app
from limner.errors import ConfigurationError, InputError, ModelError, ModelUnavailable, NotFound
from limner.inference.adapters import Adapter, adapters, load_adapter, unload_adapter
from limner.inference.endpoint import Endpoint


@dataclass
class Loaded:
    """What the server has, and how it answers to changes."""

    found: dict[str, str] = field(default_factory=dict)
    refusal: Answer | None = None
    url: str = ""

    def models(self, path: str) -> Answer:
        if path != "/v1/models":
            return Answer(
                {"version": "0.32.0"} if path == "/version" else "", 200 if path == "/version" else 404
            )
        cards: list[dict[str, Any]] = [{"id": "m", "parent": None, "root": "/m", "max_model_len": 700}]
        cards += [{"id": name, "root": at, "parent": "m"} for name, at in self.found.items()]
        return Answer({"data": cards})

    def change(self, path: str, body: dict[str, Any]) -> Answer:
        if self.refusal is not None:
            return self.refusal
        if path == "/v1/load_lora_adapter":
            self.found[body["lora_name"]] = body["lora_path"]
        elif path == "/v1/unload_lora_adapter":
            del self.found[body["lora_name"]]
        return Answer("Success: it was done.")


@pytest.fixture
def loaded() -> Iterator[Loaded]:
    with loopback_server([said("x")], dialect="vllm") as server:
        yield answering(server)


def answering(server: LoopbackServer) -> Loaded:
    state = Loaded(url=server.url)
    server.get, server.count = state.models, state.change
    return state


@pytest.fixture
def endpoint(loaded: Loaded) -> Iterator[Endpoint]:
    opened = Endpoint(loaded.url, None, "m")
    yield opened
    opened.close()


def test_an_adapter_comes_and_goes(endpoint: Endpoint, tmp_path) -> None:
    assert adapters(endpoint) == []
    assert load_adapter(endpoint, "ada", tmp_path) == Adapter("ada", str(tmp_path), "m")
    assert adapters(endpoint) == [Adapter("ada", str(tmp_path), "m")]
    unload_adapter(endpoint, "ada")
    assert adapters(endpoint) == []


def test_an_adapter_has_the_context_of_its_model(loaded: Loaded) -> None:
    loaded.found["ada"] = "/ada"
    assert Endpoint(loaded.url, None, "ada").capabilities.context_length == 700
    assert Endpoint(loaded.url, None, "bob").capabilities.context_length is None


@pytest.mark.parametrize("name", ["m", "ada"])
def test_a_name_that_is_taken_is_refused_before_anything_is_loaded(
    endpoint: Endpoint, loaded: Loaded, name: str
) -> None:
    loaded.found["ada"] = "/ada"
    with pytest.raises(InputError, match="already"):
        load_adapter(endpoint, name, "/other")
    assert loaded.found == {"ada": "/ada"}


def test_a_server_that_loads_nothing_at_run_time_says_how_it_would(
    endpoint: Endpoint, loaded: Loaded
) -> None:
    loaded.refusal = Answer({"detail": "Not Found"}, 404)
    with pytest.raises(ConfigurationError, match="--lora-updates"):
        load_adapter(endpoint, "ada", "/ada")


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (Answer({"error": {"message": "No adapter found for /ada", "code": 404}}, 404), "No adapter found"),
        (Answer({"error": {"message": "rank 32 is greater than 16"}}, 500), "rank 32"),
        (Answer("<html>a proxy</html>", 502), "a proxy"),
    ],
)
def test_what_the_server_says_against_it_is_told(
    endpoint: Endpoint, loaded: Loaded, refusal: Answer, told: str
) -> None:
    loaded.refusal = refusal
    with pytest.raises(ModelError, match=told):
        load_adapter(endpoint, "ada", "/ada")


def test_a_server_that_loads_nothing_in_silence_is_found_out(endpoint: Endpoint, loaded: Loaded) -> None:
    loaded.refusal = Answer("fine")
    with pytest.raises(ModelError, match="does not list it"):
        load_adapter(endpoint, "ada", "/ada")


def test_what_is_not_there_cannot_be_unloaded(endpoint: Endpoint, loaded: Loaded) -> None:
    with pytest.raises(NotFound, match="it has none"):
        unload_adapter(endpoint, "ada")
    loaded.found["bob"] = "/bob"
    with pytest.raises(NotFound, match="bob"):
        unload_adapter(endpoint, "ada")
    with pytest.raises(NotFound):
        unload_adapter(endpoint, "m")


def test_nobody_answers() -> None:
    with pytest.raises(ModelUnavailable):
        adapters(Endpoint("http://127.0.0.1:1/v1", None, "m"))


def test_from_the_command_line(loaded: Loaded, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["adapter", *arguments])
        return done.exit_code, done.output

    code, told = run("list")
    assert (code, "LIMNER_BASE_URL" in told) == (4, True)
    monkeypatch.setenv("LIMNER_BASE_URL", loaded.url)
    monkeypatch.chdir(tmp_path)
    assert run("list") == (0, f"{loaded.url} has no adapter.\n")
    assert run("load", "ada", "here") == (0, "export LIMNER_MODEL=ada\n")
    assert loaded.found == {"ada": str(tmp_path / "here")}
    code, listed = run("list", "--json")
    assert (code, '"name": "ada"' in listed) == (0, True)
    assert run("unload", "ada") == (0, "")
    assert run("unload", "ada")[0] == 3

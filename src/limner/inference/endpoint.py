"""What an OpenAI-compatible server is, and what only its own routes can tell: tokens, context, template."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import httpx2
from langchain_core.messages import BaseMessage, convert_to_openai_messages

from limner.errors import ModelBusy, ModelUnavailable
from limner.inference.connections import Connections
from limner.inference.failures import BUSY, retry_after, translated
from limner.inference.pace import Pace

__all__ = ["Capabilities", "Dialect", "Endpoint", "Exchange"]

Dialect = Literal["llama.cpp", "vllm", "openai", "plain"]
"""How a model is asked for constrained output; `plain` is a chat model of which nothing more is known."""


_SMALL = {"/tokenize", "/apply-template"}
"""Routes that ask no model anything."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a probe found."""

    dialect: Dialect
    context_length: int | None
    """Tokens of one sequence, prompt and answer together; none where the server does not tell."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came back on one of a server's own routes."""

    status: int
    """The HTTP status."""
    body: Any
    """The JSON in it; none if it is not JSON."""
    text: str
    """The first characters of it."""

    @property
    def message(self) -> str:
        """What an error says, as OpenAI, vLLM, llama.cpp and FastAPI put it; else the beginning of the text."""
        found = self.body.get("error", self.body) if isinstance(self.body, dict) else None
        said = found.get("message") or found.get("detail") if isinstance(found, dict) else found
        return str(said or self.text)


class Endpoint:
    """A server's own routes, next to the OpenAI ones; thread-safe.

    Args:
        base_url: URL that ends in `/v1`.
        api_key: Sent as bearer token; none sends none.
        model: Served model name.
        timeout_s: Longest wait for one of these small requests, in seconds.
        connections: Makes the HTTP clients.
        pace: Lets calls to the server begin.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        model: str,
        *,
        timeout_s: float = 30.0,
        connections: Connections | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.shown = str(httpx2.URL(self.base_url).copy_with(userinfo=b""))
        """The URL for messages: errors are kept and printed, and a password in a URL is not for them."""
        self.api_key = api_key
        self.model = model
        self.timeout_s = timeout_s
        self.connections = connections or Connections()
        self.pace = pace or Pace()
        self._lock = threading.Lock()
        self._capabilities: Capabilities | None = None
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        root = self.base_url.removesuffix("/v1")
        self._client = self.connections.client(base_url=root, headers=headers, timeout=timeout_s)

    @property
    def capabilities(self) -> Capabilities:
        """Which server this is, found out by asking it once.

        Raises:
            ModelUnavailable: Nobody answers.
        """
        with self._lock:
            if self._capabilities is None:
                self._capabilities = self._probe()
            return self._capabilities

    def _probe(self) -> Capabilities:
        properties = self._get("/props")
        if "default_generation_settings" in properties:
            return Capabilities("llama.cpp", properties["default_generation_settings"].get("n_ctx"))
        dialect: Dialect = "vllm" if isinstance(self._get("/version").get("version"), str) else "openai"
        served = {entry.get("id"): entry for entry in self.models()}
        mine = served.get(self.model, {})
        # vLLM tells the context of the model alone; an adapter on it has the same.
        base = served.get(mine.get("parent"), {})
        return Capabilities(dialect, mine.get("max_model_len") or base.get("max_model_len"))

    def models(self) -> list[dict[str, Any]]:
        """Return what the server tells of each model that it serves; nothing where it has no such list.

        Raises:
            ModelUnavailable: Nobody answers.
        """
        served = self._get(f"{self.base_url}/models").get("data")
        return [entry for entry in served if isinstance(entry, dict)] if isinstance(served, list) else []

    def count_text(self, text: str) -> int | None:
        """Return the number of tokens of a text, or none where the server cannot tell."""
        if self.capabilities.dialect == "llama.cpp":
            return len(self.post("/tokenize", {"content": text})["tokens"])
        if self.capabilities.dialect == "vllm":
            return int(self.post("/tokenize", {"model": self.model, "prompt": text})["count"])
        return None

    def count_messages(self, messages: Sequence[BaseMessage]) -> int | None:
        """Return the number of tokens of a prompt in the chat template, or none where the server cannot tell."""
        plain = convert_to_openai_messages(list(messages))
        if self.capabilities.dialect == "llama.cpp":
            prompt = self.post("/apply-template", {"messages": plain})["prompt"]
            return len(self.post("/tokenize", {"content": prompt, "add_special": True})["tokens"])
        if self.capabilities.dialect == "vllm":
            return int(self.post("/tokenize", {"model": self.model, "messages": plain})["count"])
        return None

    def post(self, path: str, body: Mapping[str, Any], *, timeout_s: float | None = None) -> dict[str, Any]:
        """Return what one of the server's own routes answers to a JSON object: another object.

        Args:
            path: From the root of the server, so that the OpenAI routes begin with `/v1`.
            body: The request.
            timeout_s: Longest wait, in seconds; by default that of the small requests.

        Raises:
            ModelUnavailable: Nobody answers in time, the server stays busy, or refuses.
        """

        def once() -> httpx2.Response:
            response = self._request("POST", path, body, timeout_s)
            self._check_busy(response)
            return response

        response = self.pace.call_now(once, slot=path not in _SMALL)
        found = _object(response)
        if not response.is_success or not found:
            raise ModelUnavailable(f"{self.shown}: POST {path} failed with HTTP {response.status_code}.")
        return found

    def exchange(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, timeout_s: float | None = None
    ) -> Exchange:
        """Return what comes back on one of the server's own routes, a refusal too; it is asked once, whatever it says.

        Args:
            method: `GET` or `POST`.
            path: As for `post`.
            body: The request, for a POST.
            timeout_s: As for `post`.

        Raises:
            ModelUnavailable: Nobody answers in time.
        """
        response = self._request(method, path, body, timeout_s)
        return Exchange(response.status_code, _json(response), response.text[:500])

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _request(
        self, method: str, path: str, body: Mapping[str, Any] | None, timeout_s: float | None
    ) -> httpx2.Response:
        wait = self.timeout_s if timeout_s is None else timeout_s
        with translated(self.shown, wait):
            return self._client.request(method, path, json=body, timeout=wait)

    def _get(self, path: str) -> dict[str, Any]:
        def once() -> dict[str, Any]:
            response = self._request("GET", path, None, None)
            self._check_busy(response)  # while it loads a model, it does not tell what it is
            return _object(response) if response.is_success else {}

        return self.pace.call_now(once, slot=False)

    def _check_busy(self, response: httpx2.Response) -> None:
        if response.status_code in BUSY:
            raise ModelBusy(
                f"{self.shown} is busy (HTTP {response.status_code}). Try again later.",
                retry_after(response.headers),
            )


def _json(response: httpx2.Response) -> Any:  # noqa: ANN401 - whatever came
    try:
        return response.json()
    except ValueError:
        return None


def _object(response: httpx2.Response) -> dict[str, Any]:
    found = _json(response)
    return found if isinstance(found, dict) else {}

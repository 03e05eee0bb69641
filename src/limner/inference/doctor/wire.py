"""Requests to routes of a server that no model answers, with whatever comes back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from anyio import to_thread

from limner.inference.endpoint import Endpoint
from limner.inference.failures import translated

__all__ = ["Exchange", "Wire"]

_WAIT_S = 15.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """A response."""

    status: int
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


class Wire:
    """A server's routes, asked with the key that the settings name.

    Args:
        endpoint: Where it is.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.root = endpoint.base_url.removesuffix("/v1")
        self._wait_s = min(_WAIT_S, endpoint.timeout_s)
        headers = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
        self._client = endpoint.connections.client(headers=headers, timeout=self._wait_s)

    async def get(self, path: str) -> Exchange:
        """Return the answer to a GET; `path` begins at the root of the server.

        Raises:
            ModelUnavailable: Nobody answers, or not in time.
        """
        return await to_thread.run_sync(self._ask, "GET", path, None)

    async def post(self, path: str, body: Mapping[str, Any]) -> Exchange:
        """Return the answer to a POST of a JSON object.

        Raises:
            ModelUnavailable: Nobody answers, or not in time.
        """
        return await to_thread.run_sync(self._ask, "POST", path, body)

    async def models(self) -> Exchange:
        """Return the list of models."""
        return await self.get(f"{self.endpoint.base_url}/models".removeprefix(self.root))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> Exchange:
        with translated(self.endpoint.base_url, self._wait_s):
            response = self._client.request(method, f"{self.root}{path}", json=body)
        return Exchange(response.status_code, _json(response), response.text[:500])


def _json(response: httpx2.Response) -> Any:  # noqa: ANN401 - whatever came
    try:
        return response.json()
    except ValueError:
        return None

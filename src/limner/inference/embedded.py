"""The embedded engine: llama.cpp in this process, behind the same API as any endpoint."""

import secrets
import weakref
from pathlib import Path
from typing import Self

from limner.errors import ConfigurationError
from limner.inference.connections import Connections
from limner.inference.endpoint import Endpoint
from limner.inference.manifest import LANGUAGE_MODELS
from limner.inference.packages import Progress
from limner.inference.weights import gguf_file
from limner.settings import Settings

__all__ = ["EmbeddedEngine", "MissingExtra"]

_PREFIX_CACHE_MIB = 1024


class MissingExtra(ConfigurationError, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""


class EmbeddedEngine:
    """A GGUF model served by llama.cpp on a random loopback port, under a random key.

    Args:
        path: The GGUF file.
        name: Name to serve it under.
        context_length: Tokens of one sequence, prompt and answer together.
        threads: Threads that compute; none means one per core.

    Raises:
        MissingExtra: xllamacpp is not installed.
        ConfigurationError: llama.cpp cannot load the file.
    """

    def __init__(self, path: Path, name: str, context_length: int, threads: int | None = None) -> None:
        try:
            from xllamacpp import CommonParams, Server
        except ImportError as error:
            raise MissingExtra(
                "The embedded engine needs xllamacpp: `pip install limner[embedded]`, or set LIMNER_BASE_URL to an "
                "endpoint."
            ) from error
        self.name = name
        self.api_key = secrets.token_urlsafe(24)
        parameters = CommonParams()
        parameters.model.path = str(path)
        parameters.model_alias = {name}
        parameters.n_ctx = context_length
        # One sequence at a time: on a few cores two would only slow each other, and would share the context.
        parameters.n_parallel = 1
        # Prefixes of other prompts that wait in memory until their prompt comes again.
        parameters.cache_ram_mib = _PREFIX_CACHE_MIB
        parameters.hostnames = ["127.0.0.1"]
        parameters.port = 0
        parameters.api_keys = [self.api_key]
        parameters.ui = False
        parameters.verbosity = -1
        if threads is not None:
            parameters.cpuparams.n_threads = threads
        try:
            server = Server(parameters)
        except (RuntimeError, ValueError) as error:
            raise ConfigurationError(
                f"llama.cpp cannot load {path}: {error}. Is it a whole GGUF file?"
            ) from error
        self.base_url = f"{server.listening_address}/v1"
        self.connections = Connections(direct=True)
        """What the clients of the engine are made from, so that `close` can end their requests."""
        # Also at the end of the interpreter, before it takes its objects apart.
        self._stop = weakref.finalize(self, _stop, [server], self.connections)

    @classmethod
    def open(cls, settings: Settings, progress: Progress | None = None) -> Self:
        """Start the engine on the model that the settings name, fetching it if need be."""
        path = gguf_file(settings.model, settings.cache, progress)
        name = settings.model if settings.model in LANGUAGE_MODELS else path.stem
        return cls(path, name, settings.context_length, settings.threads)

    def endpoint(self) -> Endpoint:
        """Return the engine as an endpoint."""
        return Endpoint(self.base_url, self.api_key, self.name, connections=self.connections)

    def close(self) -> None:
        """Stop the server and free the model's memory; closing twice does nothing."""
        self._stop()


def _stop(servers: list[object], connections: Connections) -> None:
    # llama.cpp ends when the last reference goes. It then waits for the requests that run, holding the interpreter
    # lock, so that a client in this process could never end its own: they must be cut first.
    connections.cut()
    servers.clear()

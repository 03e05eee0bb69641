"""Into a Ray cluster and out of it again, with errors that say what to do."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from limner.errors import ConfigurationError, InputError

__all__ = ["connected"]

_KNOCK_S = 5.0
"""How long the address may take to accept a connection."""
_PATIENCE_S = 60.0
"""How long Ray may take to let this process in, or to start a cluster of its own."""
_CLIENT_PORT = 10001
_HEAD_PORT = 6379
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


@contextmanager
def connected(address: str, workers: int | None = None) -> Iterator[None]:
    """Connect this process to a Ray cluster, for the length of a job; where it is in one already, use that.

    Args:
        address: `local` starts Ray on this machine alone, `auto` is the cluster that this machine is part of, `host:port` one whose
            head is there (this machine must be part of it), `ray://host:port` one that is reached through Ray's client.
        workers: Processes that `local` makes room for; none is one per processor.

    Raises:
        ImportError: Ray is not installed.
        InputError: This is no address.
        ConfigurationError: Nobody answers there, or it is another version of Ray or Python.
    """
    _set_privacy(address)
    try:
        import ray
    except ImportError as error:
        raise ImportError("Reflecting on a Ray cluster needs Ray: pip install 'limner[ray]'") from error
    if ray.is_initialized():
        yield
        return
    place = _place(address)
    if place is not None:
        _knock(address, *place)
    options: dict[str, Any] = {"address": address, "logging_level": "ERROR", "log_to_driver": False}
    if address == "local":
        options |= {"include_dashboard": False, "num_cpus": workers, "_node_ip_address": "127.0.0.1"}
    _let_in(address, options)
    try:
        yield
    finally:
        ray.shutdown()


def _set_privacy(address: str) -> None:
    """Let Ray tell nobody what it is used for, and a cluster of this machine alone listen on the loopback address alone."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address == "local":
        # Its name says Windows and macOS, where Ray does so of its own accord; it is read when Ray is imported.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")


def _place(address: str) -> tuple[str, int] | None:
    """Return whom to knock at; none where only Ray knows."""
    if address in {"local", "auto"}:
        return None
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        port = parts.port or (_CLIENT_PORT if parts.scheme == "ray" else _HEAD_PORT)
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in {"", "ray"} or not parts.hostname:
        raise InputError(
            f"{address!r} is no address of a Ray cluster: write local, auto, host:port or ray://host:port."
        )
    return parts.hostname, port


def _knock(address: str, host: str, port: int) -> None:
    """Find out within seconds whether anybody is there: Ray itself would try for minutes."""
    if host in _THIS_MACHINE and not address.startswith("ray://"):
        from ray.util import get_node_ip_address

        host = get_node_ip_address()  # where Ray looks instead
    try:
        socket.create_connection((host, port), timeout=_KNOCK_S).close()
    except OSError as error:
        raise ConfigurationError(
            f"Nobody answers at {host}:{port} for the Ray cluster {address}: {error}. `ray status --address {host}:{port}` on its "
            f"head says whether it runs; ray:// goes to the port of the client server (10001), host:port to that of the head (6379)."
        ) from error


def _let_in(address: str, options: dict[str, Any]) -> None:
    import ray

    caught: list[Exception] = []

    def enter() -> None:
        try:
            ray.init(**options)
        except (RuntimeError, ValueError, OSError, ImportError, ray.exceptions.RayError) as error:
            caught.append(error)

    if address == "local":
        enter()  # what it starts would end with a thread that ends
    # In a thread, because Ray waits for a head that does not answer for minutes, and cannot be told to give up.
    entering = threading.Thread(target=enter, name="limner-ray", daemon=True)
    if address != "local":
        entering.start()
        entering.join(_PATIENCE_S)
    if entering.is_alive():
        raise ConfigurationError(
            f"Ray did not connect to {address} within {_PATIENCE_S:.0f} s. Is it the head of a Ray cluster, and this machine part of it "
            f"(`ray start --address …`)? From outside connect with ray://host:10001."
        )
    if caught:
        raise ConfigurationError(f"Ray did not connect to {address}: {_short(caught[0])}") from caught[0]


def _short(error: Exception) -> str:
    """Return what Ray says, without the log that it may append."""
    return " ".join(str(error).split())[:600] or type(error).__name__

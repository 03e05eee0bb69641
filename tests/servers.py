"""Servers that tests start for themselves, on loopback, and stop again: PostgreSQL and Chroma."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ("ChromaProcess", "PostgreSQL", "free_port", "postgresql")

_INITDB = shutil.which("initdb") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), None)
_PATIENCE_S = 60


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class PostgreSQL:
    """A running cluster."""

    url: str
    """Of its administrative database."""
    data: Path
    """Where its files lie."""


@contextmanager
def postgresql(folder: Path) -> Iterator[PostgreSQL]:
    """Run a cluster whose files lie below `folder`; skip the test where PostgreSQL is not installed.

    Args:
        folder: One that every user may come to, which pytest's own folders are not.
    """
    pytest.importorskip("psycopg", reason="PostgreSQL's driver psycopg is not installed")
    if _INITDB is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql-15)")
    as_owner: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        try:
            owner = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("there is no user postgres to run PostgreSQL as")
        as_owner = ["runuser", "-u", "postgres", "--"]
        folder.chmod(0o755)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    data, port = folder / "data", free_port()
    control = [*as_owner, str(Path(_INITDB).with_name("pg_ctl")), "-D", str(data), "-w"]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    subprocess.run(
        [*as_owner, _INITDB, "-D", str(data), "-U", "limner", "-A", "trust", "-E", "UTF8"], **quiet
    )
    subprocess.run([*control, "-o", options, "-l", str(folder / "log"), "start"], **quiet)
    try:
        yield PostgreSQL(f"postgresql+psycopg://limner@127.0.0.1:{port}/postgres", data)
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **quiet)


class ChromaProcess:
    """A Chroma server on one folder and one port, which can be killed and started again.

    Args:
        folder: Where it keeps its files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether it has been started and not killed since."""
        return self._process is not None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = Path(sys.executable).with_name("chroma")
        self._process = subprocess.Popen(
            [command, "run", "--path", self.folder, "--host", "127.0.0.1", "--port", str(self._port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "ANONYMIZED_TELEMETRY": "False"},
        )
        deadline = time.monotonic() + _PATIENCE_S
        while self._process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"The Chroma server on port {self._port} did not start.")

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

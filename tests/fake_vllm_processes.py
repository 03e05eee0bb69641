"""The processes of the vLLM that is none, as the operating system knows them."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FAKE", "Processes", "await_end", "is_alive"]

FAKE = Path(__file__).with_name("fake_vllm")


@dataclass(frozen=True)
class Processes:
    folder: Path

    @property
    def pids(self) -> list[int]:
        """The server and its two children."""
        return json.loads((self.folder / "pids.json").read_text())

    @property
    def alive(self) -> list[int]:
        return [pid for pid in self.pids if is_alive(pid)]

    @property
    def arguments(self) -> list[str]:
        return json.loads((self.folder / "arguments.json").read_text())

    @property
    def environment(self) -> dict[str, str]:
        return json.loads((self.folder / "environment.json").read_text())

    def await_start(self, within_s: float = 20) -> None:
        until = time.monotonic() + within_s
        while not (self.folder / "pids.json").exists():
            assert time.monotonic() < until, "it did not start"
            time.sleep(0.02)


def await_end(pids: Iterable[int], within_s: float = 20) -> None:
    until = time.monotonic() + within_s
    while left := [pid for pid in pids if is_alive(pid)]:
        assert time.monotonic() < until, f"still there: {left}"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process is there; one that ended and waits to be noted is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False

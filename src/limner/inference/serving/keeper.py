"""A small parent of the server, which ends the server when limner ends, in whatever way limner does.

It runs as a file of its own, on the standard library alone, in a session of its own: Ctrl-C in the terminal does not reach
it, nor the server. Its standard input is a pipe that only limner holds the other end of. When that end closes, by `stop`
or because the kernel closed it for a limner that was killed, the keeper stops the server: it asks the server to end, waits,
and kills what is left of it, the children of its children too.
"""

import argparse
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

__all__ = ["main"]

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_POLL_S = 0.1
_LEFTOVERS_S = 5.0
_TIDYING_S = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command until it ends or limner does; return its exit code, 128 and the number of the signal for one.

    Args:
        arguments: `--parent PID --status FD --grace SECONDS -- COMMAND…`; those of the process if none are given.
    """
    parser = argparse.ArgumentParser(prog="keeper")
    parser.add_argument("--parent", type=int, required=True, help="limner's process id")
    parser.add_argument("--status", type=int, required=True, help="where to write the id of the server")
    parser.add_argument("--grace", type=float, required=True, help="seconds to end by itself")
    given = list(sys.argv[1:] if arguments is None else arguments)
    end = given.index("--")
    options = parser.parse_args(given[:end])
    return _Keeper(options.parent, options.grace).run(given[end + 1 :], options.status)


class _Keeper:
    def __init__(self, parent: int, grace_s: float) -> None:
        self.parent = parent
        self.grace_s = grace_s
        self.asked = 0
        self.prctl = _prctl()

    def run(self, command: Sequence[str], status: int) -> int:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask)
        if self.prctl is not None:
            # Grandchildren whose own parent died come to us, so that they can be found.
            self.prctl(_PR_SET_CHILD_SUBREAPER, 1)
        try:
            server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=self._tie,  # noqa: PLW1509 - there is one thread here
            )
        except OSError as error:
            print(f"{command[0]} cannot be run: {error.strerror or error}", file=sys.stderr)  # noqa: T201
            return 127
        os.write(status, f"{server.pid}\n".encode())
        os.close(status)
        while server.poll() is None and not self._has_to_stop():
            _reap(server.pid)
        if server.poll() is None:
            self._end(server)
        _end_descendants(server.pid)
        return server.returncode if server.returncode >= 0 else 128 - server.returncode

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked += 1

    def _tie(self) -> None:
        # Should the keeper itself be killed, the server is told to end.
        if self.prctl is not None:
            self.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    def _has_to_stop(self) -> bool:
        """Wait a moment; tell whether limner asks for an end, or is no more."""
        readable, _, _ = select.select([0], [], [], _POLL_S)
        # A child that limner forked may hold the pipe open: then the change of our parent tells.
        return bool(readable and not os.read(0, 1)) or self.asked > 0 or os.getppid() != self.parent

    def _end(self, server: "subprocess.Popen[bytes]") -> None:
        asked = self.asked
        server.terminate()
        deadline = time.monotonic() + self.grace_s
        while server.poll() is None and time.monotonic() < deadline:
            if self.asked > max(asked, 1):  # whoever asks once more is in a hurry
                break
            _reap(server.pid)
            time.sleep(0.05)
        server.kill()
        server.wait()


def _end_descendants(group: int) -> None:
    """End what is left of the server: its process group, and descendants that have left the group."""
    _wait_while(lambda: any(_descendants(os.getpid())), _TIDYING_S)
    deadline = time.monotonic() + _LEFTOVERS_S
    while time.monotonic() < deadline:
        left = [pid for pid in _descendants(os.getpid()) if not _is_tracker(pid)]
        for pid in left:
            _signal(pid, signal.SIGKILL)
        _reap(None)
        if not left:
            break
        time.sleep(0.02)
    # They remove the shared memory of those that were killed, which would else stay until the machine restarts, and then end.
    _wait_while(lambda: any(_descendants(os.getpid())), _TIDYING_S)
    _signal_group(group, signal.SIGKILL)
    for pid in _descendants(os.getpid()):
        _signal(pid, signal.SIGKILL)


def _wait_while(true: Callable[[], bool], longest_s: float) -> None:
    deadline = time.monotonic() + longest_s
    while true() and time.monotonic() < deadline:
        _reap(None)
        time.sleep(0.02)


def _is_tracker(pid: int) -> bool:
    """Tell whether a process is Python's resource tracker."""
    try:
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _descendants(pid: int) -> Iterator[int]:
    """Find the children of a process and theirs; nothing where there is no /proc."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name stands in parentheses and may hold anything; after it come the state and the parent.
            parent = int(entry.read_text("utf-8", errors="replace").rpartition(")")[2].split()[1])
        except OSError:
            continue  # it ended while we looked
        children.setdefault(parent, []).append(int(entry.parent.name))
    waiting = children.get(pid, [])
    while waiting:
        child = waiting.pop()
        yield child
        waiting += children.get(child, [])


def _reap(server: int | None) -> None:
    """Take note of the end of processes that came to us, other than the server."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid == server:
            return  # `Popen` wants to hear itself of the server's end
        os.waitpid(ended.si_pid, 0)


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
    except PermissionError:
        return  # the group's last member is a zombie, which macOS says so


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _prctl() -> "ctypes._FuncPointer | None":
    if not sys.platform.startswith("linux"):
        return None
    return ctypes.CDLL(None, use_errno=True).prctl


if __name__ == "__main__":
    sys.exit(main())

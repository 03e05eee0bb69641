"""Who holds a lease: a process, by a name that tells whether it is still there.

A lease ends by itself; but when its holder is known to be dead, nobody need wait for that.
"""

import os
import secrets
import socket
from collections.abc import Iterable

__all__ = ("is_dead", "take_for_dead", "this_process")

_own: tuple[int, str] | None = None
_told: set[str] = set()
"""Processes that somebody who can tell has reported dead."""


def this_process() -> str:
    """Return the name of this process: its number, a mark that no other process of that number has, and the host."""
    global _own
    pid = os.getpid()
    if _own is None or _own[0] != pid:  # a forked child is another process
        _own = (pid, f"{pid}.{secrets.token_hex(8)}@{socket.gethostname()}")
    return _own[1]


def take_for_dead(holders: Iterable[str]) -> None:
    """Let this process know that others have ended, which it could not see for itself: those of another host, say.

    What they hold is then free for this process at once. One that is wrongly reported, because the network between it and who
    reports it is down, finds its claim gone and applies nothing.
    """
    _told.update(holder for holder in holders if holder != this_process())


def is_dead(holder: str | None) -> bool:
    """Return whether a process is known to have ended; false where that cannot be known.

    A number that another process has taken over only means waiting, unless that process is this one: in a container
    the first process has the same number at every start. Who is wrongly taken for dead, because several containers
    share a host name, finds its claim gone and applies nothing.
    """
    if holder in _told:
        return True
    name, _, host = (holder or "").partition("@")
    number, _, mark = name.partition(".")
    if os.name != "posix" or host != socket.gethostname() or not number.isdecimal():
        return False
    if int(number) == os.getpid():
        return bool(mark) and holder != this_process()
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False

"""Real processes that start fast: forked from a server that has the imports behind it."""

import multiprocessing
import os
import sys
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext

__all__ = ("fork_server", "warm_up")

_preloaded = ["chromadb", "limner.api.limner"]


def fork_server(module: str) -> ForkServerContext:
    """Return a context whose processes have `module` imported when they start.

    Call it as the module is imported, for what is asked for after the first process has started comes too late.
    """
    _preloaded.append(module)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_preloaded)
    return context


def warm_up() -> None:
    """Start the server; until Python 3.13 it looks for modules where the environment says, not on our path."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before

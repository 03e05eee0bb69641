"""Puts this folder on the import path, so that tests share the classes of `contracts/`."""

import os
import signal

import pytest


@pytest.fixture(autouse=True)
def _default_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see the defaults, whatever the developer's own environment says; the cache alone is shared."""
    for name in os.environ:
        if name.startswith("LIMNER_") and name != "LIMNER_CACHE":
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def _heed_interrupts() -> None:
    """A shell starts what it puts into the background with SIGINT ignored; the tests of Ctrl-C need it heard."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)

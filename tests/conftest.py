"""Puts this folder on the import path, so that tests share the classes of `contracts/`."""

import os

import pytest


@pytest.fixture(autouse=True)
def _default_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see the defaults, whatever the developer's own environment says; the cache alone is shared."""
    for name in os.environ:
        if name.startswith("LIMNER_") and name != "LIMNER_CACHE":
            monkeypatch.delenv(name)

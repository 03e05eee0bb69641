"""inspect_ai on a scripted model, with everything stored under a temporary folder."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from limner.evals import engine
from limner.inference import LanguageModel
from limner.testing import ScriptedChatModel


@pytest.fixture
def answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ScriptedChatModel]]:
    """Lets a script answer as limner's own model, through the real response cache; returns the chat model."""

    def use(script: Any, **options: Any) -> ScriptedChatModel:
        engine.close_all()
        chat = ScriptedChatModel(script=script)

        def scripted(settings, ledger=None, *, progress=None, cache=None) -> LanguageModel:
            return LanguageModel.wrap(chat, name="scripted", plan="small", cache=cache, **options)

        monkeypatch.setattr(engine, "language_model", scripted)
        return chat

    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path / "cache"))
    # inspect_ai keeps models by name, and limner's keeps the settings it was opened with.
    if find_spec("inspect_ai"):
        monkeypatch.setattr("inspect_ai.model._model._models", {})
    yield use
    engine.close_all()

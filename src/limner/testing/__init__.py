"""Fakes for tests of code that uses limner, and the contract tests of what plugs into it.

```python
from limner.testing import HashEncoder, scripted_model

model = scripted_model(["The user moved to Lisbon in May."])
encoder = HashEncoder()
```

`RecommenderContract` is a class of pytest tests; subclass it beside a recommender of your own. It wants the extra `testing`.
"""

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from limner.testing.chat import ScriptedChatModel, scripted_model
from limner.testing.encoder import HashEncoder

if TYPE_CHECKING:
    from limner.testing.recommender_contract import RecommenderContract

__all__ = ["HashEncoder", "RecommenderContract", "ScriptedChatModel", "scripted_model"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name != "RecommenderContract":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = f"{__name__}.recommender_contract"
    if importlib.util.find_spec("pytest") is not None:
        # So that a failed assertion shows its values, as in a test module.
        importlib.import_module("pytest").register_assert_rewrite(home)
    return importlib.import_module(home).RecommenderContract

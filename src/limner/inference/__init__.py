"""Language models and encoders: text in, typed objects or vectors out.

Four functions have the name of the module they live in, so they are imported from there: `encoder.encoder`,
`language_model.language_model`, `structured.structured` and `choose.choose`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limner.inference.chat import chat_model
    from limner.inference.choose import Choice
    from limner.inference.encoder import Encoder
    from limner.inference.language_model import LanguageModel
    from limner.inference.ledger import Ledger, LedgerRow
    from limner.inference.packages import Asset, PackagedFile, Part, fetch
    from limner.inference.portal import Portal
    from limner.inference.prompts import Prompt, load_prompt
    from limner.inference.reply import Reply

__all__ = [
    "Asset",
    "Choice",
    "Encoder",
    "LanguageModel",
    "Ledger",
    "LedgerRow",
    "PackagedFile",
    "Part",
    "Portal",
    "Prompt",
    "Reply",
    "chat_model",
    "fetch",
    "load_prompt",
]

_MODULE_OF = {
    "Asset": "packages",
    "Choice": "choose",
    "Encoder": "encoder",
    "LanguageModel": "language_model",
    "Ledger": "ledger",
    "LedgerRow": "ledger",
    "PackagedFile": "packages",
    "Part": "packages",
    "Portal": "portal",
    "Prompt": "prompts",
    "Reply": "reply",
    "chat_model": "chat",
    "fetch": "packages",
    "load_prompt": "prompts",
}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

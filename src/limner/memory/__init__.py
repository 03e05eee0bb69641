"""What is known about a user, and how it is found again.

`Memory` opens the database; `Memory.user` is the only door to a user's data. SQL is the truth; the vector
index is derived from it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limner.memory.claims import Batch, Parked
    from limner.memory.memory import Memory
    from limner.memory.receipts import Receipt
    from limner.memory.records import (
        AttributeValue,
        AuditEntry,
        Author,
        Event,
        EventKind,
        Evidence,
        Media,
        NewObservation,
        Observation,
        Portrait,
        PortraitLine,
        Proposition,
        Standing,
        Suggestion,
        SuggestionState,
        new_id,
        utc_now,
    )
    from limner.memory.search import Recall, Similar
    from limner.memory.status import MemoryStatus, StoreStatus
    from limner.memory.user import UserMemory

__all__ = [
    "AttributeValue",
    "AuditEntry",
    "Author",
    "Batch",
    "Event",
    "EventKind",
    "Evidence",
    "Media",
    "Memory",
    "MemoryStatus",
    "NewObservation",
    "Observation",
    "Parked",
    "Portrait",
    "PortraitLine",
    "Proposition",
    "Recall",
    "Receipt",
    "Similar",
    "Standing",
    "StoreStatus",
    "Suggestion",
    "SuggestionState",
    "UserMemory",
    "new_id",
    "utc_now",
]

_MODULES = {
    "Batch": "claims",
    "Memory": "memory",
    "MemoryStatus": "status",
    "Parked": "claims",
    "Recall": "search",
    "Receipt": "receipts",
    "Similar": "search",
    "StoreStatus": "status",
    "UserMemory": "user",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used; SQLAlchemy and numpy cost more than `import limner` may."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_MODULES.get(name, 'records')}")
    found: object = getattr(module, name)
    return found

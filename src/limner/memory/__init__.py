"""What is known about a user, and how it is found again.

`Memory` opens the database; `Memory.user` is the only door to a user's data. SQL is the truth; the vector
index is derived from it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limner.memory.memory import Memory
    from limner.memory.queue import Batch, Parked
    from limner.memory.records import (
        AttributeValue,
        AuditEntry,
        Author,
        Event,
        Evidence,
        Media,
        NewObservation,
        Observation,
        Portrait,
        PortraitLine,
        Proposition,
        Standing,
        new_id,
        utc_now,
    )
    from limner.memory.search import Recall, Similar
    from limner.memory.status import MemoryStatus
    from limner.memory.user import UserMemory

__all__ = [
    "AttributeValue",
    "AuditEntry",
    "Author",
    "Batch",
    "Event",
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
    "Similar",
    "Standing",
    "UserMemory",
    "new_id",
    "utc_now",
]

_MODULES = {
    "Batch": "queue",
    "Memory": "memory",
    "MemoryStatus": "status",
    "Parked": "queue",
    "Recall": "search",
    "Similar": "search",
    "UserMemory": "user",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used; SQLAlchemy and numpy cost more than `import limner` may."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_MODULES.get(name, 'records')}")
    return getattr(module, name)

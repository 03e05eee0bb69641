"""What other packages bring by entry point: found by name, and imported with an error that says whose fault it is."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from limner.errors import ConfigurationError, LimnerError

__all__ = ["FAULTS", "imported", "load_plugin", "plugins"]

FAULTS: tuple[type[Exception], ...] = (
    LimnerError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What broken code of another package raises when it is imported or called: for whoever has more of its kind to go on with, and
reports it."""


def plugins(group: str) -> Mapping[str, tuple[EntryPoint, ...]]:
    """Return the entry points of a group by name, limner's own first; nothing is imported.

    Args:
        group: Such as `limner.encoders`.
    """
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for point in sorted(entry_points(group=group), key=lambda point: not point.value.startswith("limner.")):
        found[point.name] = (*found.get(point.name, ()), point)
    return found


def load_plugin(group: str, name: str) -> object:
    """Import what a package registers under a name.

    Raises:
        ConfigurationError: Several packages register the name, or what it names cannot be imported.
        KeyError: None registers it.
    """
    points = plugins(group)[name]
    places = sorted({point.value for point in points})
    if len(places) > 1:
        raise ConfigurationError(
            f"Several packages register {name!r} under {group}: {', '.join(places)}. Uninstall all but one."
        )
    return imported(points[0])


def imported(point: EntryPoint) -> object:
    """Import what an entry point names.

    Raises:
        ConfigurationError: It cannot be imported.
    """
    try:
        loaded: object = point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"{point.value}, registered under {point.group}, cannot be imported: {error}"
        ) from error
    return loaded

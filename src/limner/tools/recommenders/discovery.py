"""Recommenders by name, ours and those that other packages bring.

A package registers one under the entry-point group `limner.recommenders`:

```toml
[project.entry-points."limner.recommenders"]
my_model = "my_package.model:MyModel"
```
"""

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import cast

from limner.errors import InputError, NotFound
from limner.plugins import FAULTS, plugins
from limner.tools.names import nearest
from limner.tools.recommenders.protocol import Recommender
from limner.tools.recommenders.storage import described_in

__all__ = ["available", "load_recommender", "recommender", "recommender_class"]

GROUP = "limner.recommenders"
_UNLISTED = {
    "changed": EntryPoint("changed", "limner.tools.recommenders.changed:ChangedCatalogue", GROUP),
}
"""What can be built and loaded by name, and is no model to choose among others: it says what another one says."""
_MEMBERS = ("fit", "score", "score_many", "recommend", "explain", "unknown", "save", "load")


def available() -> tuple[str, ...]:
    """Return the names of the recommenders that are installed, in alphabetical order; nothing is imported."""
    return tuple(sorted(_registered()))


def recommender_class(name: str) -> type[Recommender]:
    """Return the class that is registered under a name.

    Raises:
        NotFound: None is; the message offers the nearest names.
        ImportError: It needs an extra that is not installed; the message names it.
        InputError: What is registered is not a recommender, or cannot be imported.
    """
    registered = _UNLISTED | _registered()
    if name not in registered:
        offered = ", ".join(nearest(name, available()) or available())
        raise NotFound(f"There is no recommender called {name!r}; there are: {offered}.")
    try:
        loaded = registered[name].load()
    except ImportError:
        raise
    except FAULTS as error:
        raise InputError(
            f"{registered[name].value} cannot be imported: {type(error).__name__}: {error}. Mend or uninstall "
            f"the package that registers {name!r}."
        ) from error
    missing = [member for member in _MEMBERS if not hasattr(loaded, member)]
    if missing:
        raise InputError(f"{registered[name].value} is no recommender: it lacks {', '.join(missing)}.")
    return cast(type[Recommender], loaded)


def recommender(name: str, **settings: object) -> Recommender:
    """Build a recommender by name, ready to be fitted.

    Args:
        name: One of `available()`.
        settings: Arguments of its constructor.

    Raises:
        NotFound, ImportError: As for `recommender_class`.
        InputError: The constructor does not take these settings.
    """
    kind = recommender_class(name)
    try:
        return kind(**settings)
    except TypeError as error:
        raise InputError(f"{name}: {error}.") from error


def load_recommender(path: Path) -> Recommender:
    """Read a recommender of any kind that `save` wrote.

    Raises:
        InputError: The folder holds none, or one of another format.
        NotFound: Its kind is not installed.
    """
    path = Path(path)
    return recommender_class(described_in(path).name).load(path)


def _registered() -> dict[str, EntryPoint]:
    # Built-in names win over a package that registers the same one.
    return {name: points[0] for name, points in plugins(GROUP).items()}

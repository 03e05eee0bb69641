"""Ways of drawing a portrait by name, ours and those that other packages bring.

A package registers one under the entry-point group `limner.portraitists`, as something that is called with `Means` and
returns the portraitist; a class method is what limner's own name:

```toml
[project.entry-points."limner.portraitists"]
my_kind = "my_package.mine:MyPortraitist.of"
```
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from limner.errors import ConfigurationError
from limner.inference import Encoder, LanguageModel
from limner.plugins import load_plugin, plugins
from limner.profiles.portraitist import Portraitist
from limner.settings import Settings
from limner.tools.names import nearest

if TYPE_CHECKING:
    from limner.tools import Dataset

__all__ = ["Means", "kinds", "portraitist"]

GROUP = "limner.portraitists"


@dataclass(frozen=True)
class Means:
    """What a portraitist may draw with; each thing is opened when it is first asked for."""

    settings: Settings
    open_model: Callable[[], LanguageModel]
    open_encoder: Callable[[], Encoder]
    open_dataset: Callable[[], "Dataset | None"]

    @property
    def model(self) -> LanguageModel:
        """The language model.

        Raises:
            ModelError: It cannot be opened.
        """
        return self.open_model()

    @property
    def encoder(self) -> Encoder:
        """What makes vectors of texts."""
        return self.open_encoder()

    @property
    def dataset(self) -> "Dataset | None":
        """What is recommended from; none where there is no data set, or it cannot be had now."""
        return self.open_dataset()


def kinds() -> tuple[str, ...]:
    """Return the names of the ways that are installed, in alphabetical order; nothing is imported."""
    return tuple(sorted(plugins(GROUP)))


def portraitist(kind: str, means: Means) -> Portraitist:
    """Return the way of drawing of this name.

    Args:
        kind: One of `kinds()`.
        means: What it may draw with.

    Raises:
        ConfigurationError: There is none of this name, it cannot be imported, or what is registered is none.
    """
    installed = kinds()
    if kind not in installed:
        offered = ", ".join(nearest(kind, installed) or installed)
        raise ConfigurationError(f"There is no portrait of kind {kind!r}; there are: {offered}.")
    made = load_plugin(GROUP, kind)
    drawer = made(means) if callable(made) else None
    if not hasattr(drawer, "draw") or getattr(drawer, "kind", None) != kind:
        raise ConfigurationError(
            f"What is registered as {kind!r} under {GROUP} returns no portraitist of this kind: it needs `draw`, and "
            f"`kind` to be {kind!r}."
        )
    return cast(Portraitist, drawer)

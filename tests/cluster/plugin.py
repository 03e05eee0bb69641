"""The encoder of the workers: the one of the tests, as a plug-in, since settings are all that they are sent."""

from limner.settings import Settings
from limner.testing import HashEncoder

__all__ = ["encoder"]


def encoder(name: str, settings: Settings) -> HashEncoder:
    return HashEncoder(int(name))

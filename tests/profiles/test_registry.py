"""Portraitists by name: ours, other packages', and what is none."""

import pytest

from limner.errors import ConfigurationError
from limner.memory import Portrait
from limner.plugins import plugins
from limner.profiles import registry
from limner.profiles.registry import Means, kinds, portraitist
from limner.settings import Settings


class Plain:
    """Another package's way: it needs the settings alone."""

    kind = "plain"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def draw(self, user, task=None) -> Portrait:
        return Portrait(user_id=user.user_id, kind=self.kind, task=task)


class Point:
    def __init__(self, made: object) -> None:
        self.value, self.group, self._made = "a.package:it", registry.GROUP, made

    def load(self) -> object:
        if isinstance(self._made, ImportError):
            raise self._made
        return self._made


@pytest.fixture
def means() -> Means:
    def refuse() -> None:
        raise AssertionError("this is opened when it is asked for")

    return Means(Settings(), refuse, refuse, refuse)


@pytest.fixture
def registered(monkeypatch):
    """Register something more, as an installed package would."""

    def register(**made: object) -> None:
        found = {**plugins(registry.GROUP), **{name: (Point(one),) for name, one in made.items()}}
        for module in ("limner.plugins", "limner.profiles.registry"):
            monkeypatch.setattr(f"{module}.plugins", lambda group: found)

    return register


def test_our_own_are_registered() -> None:
    assert {"propositions", "summary"} <= set(kinds())


def test_propositions_need_neither_model_nor_encoder(means) -> None:
    assert portraitist("propositions", means).kind == "propositions"


def test_another_package_brings_one(registered, means) -> None:
    registered(plain=lambda given: Plain(given.settings))
    assert isinstance(portraitist("plain", means), Plain)
    assert "plain" in kinds()


def test_an_unknown_name_is_told_the_nearest(means) -> None:
    with pytest.raises(ConfigurationError, match="'sumary'; there are: summary"):
        portraitist("sumary", means)


@pytest.mark.parametrize("made", [Plain, lambda _: None, "no callable", lambda given: Plain(given.settings)])
def test_what_is_no_portraitist_of_the_kind_is_said(registered, means, made) -> None:
    registered(other=made)
    with pytest.raises(ConfigurationError, match="no portraitist of this kind"):
        portraitist("other", means)


def test_what_cannot_be_imported_is_said(registered, means) -> None:
    registered(other=ImportError("no module named x"))
    with pytest.raises(ConfigurationError, match="no module named x"):
        portraitist("other", means)

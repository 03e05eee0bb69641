"""The maps from a posterior to what is borne out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import day, draft
from pydantic import ValidationError

from answering import Answers
from limner.errors import ConfigurationError
from limner.memory import NewObservation, Standing
from limner.profiles.propositions.confidence import as_confidence, posterior
from limner.profiles.propositions.recalibration import (
    KINDS,
    ConfidenceMap,
    ConfidenceMaps,
    calibrated,
    kind_of,
    packaged_maps,
    read_maps,
    using_maps,
)
from limner.profiles.propositions.reflect import reflect

HALVED = ConfidenceMaps(
    kinds={"stated": ConfidenceMap(form="steps", at=(0.0, 0.5, 1.0), gives=(0.0, 0.25, 0.5))}
)


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from(KINDS))
def test_the_shipped_maps_keep_the_order(one, other, kind):
    low, high = sorted((one, other))
    assert 0 <= calibrated(low, kind) <= calibrated(high, kind) <= 1


def test_each_shipped_map_says_what_it_was_fitted_on():
    for kind, map_ in packaged_maps().kinds.items():
        assert map_.fitted is not None, kind
        assert map_.fitted.claims >= 100 or map_.form == "identity"
        assert "half" in map_.fitted.half


def test_a_beta_map_with_both_slopes_1_leaves_everything_as_it_is():
    same = ConfidenceMap(form="beta", a=1, b=1, c=0)
    assert [same(p) for p in (0.1, 0.5, 0.97)] == pytest.approx([0.1, 0.5, 0.97])
    assert ConfidenceMap(form="beta", a=0.5, b=0.5, c=0)(0.8) == pytest.approx(2 / 3)
    assert 0 <= ConfidenceMap(form="beta", a=100, b=100, c=-50)(0.0) < 1e-9


def test_steps_go_straight_from_knot_to_knot():
    steps = ConfidenceMap(form="steps", at=(0.2, 0.6), gives=(0.1, 0.5))
    assert [steps(p) for p in (0.0, 0.2, 0.4, 0.6, 1.0)] == pytest.approx([0.1, 0.1, 0.3, 0.5, 0.5])


@pytest.mark.parametrize(
    "fields",
    [
        {"form": "steps", "at": (0.2, 0.6), "gives": (0.5, 0.1)},
        {"form": "steps", "at": (0.6, 0.2), "gives": (0.1, 0.5)},
        {"form": "steps", "at": (0.2, 0.6, 0.7), "gives": (0.1, 0.5)},
        {"form": "steps", "at": (0.2, 1.6), "gives": (0.1, 0.5)},
        {"form": "steps"},
        {"form": "beta", "a": 0, "b": 0},
        {"form": "beta", "a": -1},
        {"form": "bent"},
    ],
)
def test_what_does_not_rise_is_no_map(fields):
    with pytest.raises(ValidationError):
        ConfidenceMap(**fields)


def test_what_the_user_confirmed_is_never_mapped():
    assert kind_of(Standing.CONFIRMED, "rating/+/genre/Comedy") is None
    assert HALVED(0.9, None) == 0.9
    assert [
        kind_of(Standing.INFERRED, t) for t in ("rating/-/genre/Horror", "share/+/decade/1990s", None)
    ] == [
        "rating",
        "share",
        "inferred",
    ]
    assert kind_of(Standing.STATED) == "stated"


def test_a_counted_proposition_is_stored_with_the_mapped_confidence():
    plain = posterior(1, 0, Standing.STATED)
    with using_maps(HALVED):
        stored = draft("The user rows.").stored("ada")
        again = draft("The user rows.", probability=stored.confidence / 10).stored("ada")
    assert stored.confidence == pytest.approx(10 * plain / 2, abs=0.06)
    assert again.confidence == stored.confidence  # what was mapped once is not mapped again
    with using_maps(ConfidenceMaps()):
        assert draft("The user rows.").stored("ada").confidence == pytest.approx(10 * plain, abs=0.06)


def test_a_file_of_ones_own_is_read(tmp_path):
    path = tmp_path / "maps.json"
    path.write_text(HALVED.model_dump_json())
    assert read_maps(path) == HALVED


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "maps.json cannot be used"),
        ('{"kinds": {"guessed": {}}}', "guessed"),
        ('{"kinds": {"stated": {"form": "beta", "a": 0, "b": 0}}}', "equally sure"),
        (None, "cannot be read"),
    ],
)
def test_a_broken_file_says_what_is_wrong(tmp_path, text, says):
    path = tmp_path / "maps.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationError, match=says):
        read_maps(path)


@pytest.fixture
def said(ada):
    ada.observe_many([NewObservation("We moved to Lisbon.", "chat", occurred_at=day(0))])


def answers():
    return Answers(said={"We moved to Lisbon.": "The user moved to Lisbon."}).model(plan="small")


async def test_a_reflection_takes_the_maps_of_the_settings(ada, said, encoder, settings, tmp_path):
    path = tmp_path / "maps.json"
    path.write_text(HALVED.model_dump_json())
    await reflect(ada, answers(), encoder, settings.model_copy(update={"confidence": path}))
    (held,) = ada.propositions()
    assert held.confidence == as_confidence(posterior(1, 0, Standing.STATED) / 2)
    assert calibrated(0.8, "stated") == packaged_maps()(0.8, "stated")  # only within that reflection


async def test_with_maps_that_cannot_be_read_nothing_is_reflected_on(ada, said, encoder, settings, tmp_path):
    with pytest.raises(ConfigurationError, match="limner eval calibration --fit"):
        await reflect(ada, answers(), encoder, settings.model_copy(update={"confidence": tmp_path / "none"}))
    assert ada.status().pending == 1
    assert ada.propositions() == []

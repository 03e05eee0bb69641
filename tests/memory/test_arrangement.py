"""Sittings, and the windows within them, against lists made by hand."""

from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.memory.arrangement import Arrangement, sums_before
from limner.memory.documents import KINDS
from limner.memory.snapshot_columns import Columns

OBSERVATION, PROPOSITION = KINDS.index("observation"), KINDS.index("proposition")
MINUTE = 60_000_000

DOCUMENTS = st.lists(
    st.tuples(
        st.sampled_from([OBSERVATION, OBSERVATION, OBSERVATION, PROPOSITION]),
        st.integers(0, 1),  # source
        st.integers(-1, 1),  # session
        st.sampled_from([0, 1, 29, 30, 31, 60, 61, 62, 92]),  # minute
        st.integers(0, 9),  # length
        st.sampled_from([True, True, True, False]),  # seen
    ),
    max_size=14,
)


def columns(documents) -> Columns:
    kinds, sources, sessions, minutes, lengths, _ = (
        [np.array(column, dtype=np.int64) for column in zip(*documents, strict=True)]
        if documents
        else [np.zeros(0, dtype=np.int64)] * 6
    )
    n = len(documents)
    nothing = np.zeros(n, dtype=np.int64)
    said = kinds == OBSERVATION
    return Columns(
        numbers=np.arange(1, n + 1),
        kinds=kinds.astype(np.int8),
        owners=np.array([f"o{i}" for i in range(n)], dtype=object),
        lengths=lengths,
        recorded=nothing,
        retired=nothing,
        moments=minutes * MINUTE,
        valid_from=nothing,
        valid_until=nothing,
        durabilities=nothing,
        confidences=nothing.astype(np.float64),
        sources=np.where(said, sources, -1).astype(np.int32),
        sessions=np.where(said, sessions, -1).astype(np.int32),
        authors=nothing.astype(np.int32),
    )


def arranged(documents) -> Arrangement:
    return Arrangement.of(columns(documents), np.array([d[5] for d in documents], dtype=np.bool_))


def plain_sittings(documents) -> list[list[int]]:
    """The sittings as lists of positions."""
    lines: dict[object, list[tuple[int, int]]] = {}
    for position, (kind, source, session, minute, _, seen) in enumerate(documents):
        if seen:
            line = (source, session) if kind == OBSERVATION else position
            lines.setdefault(line, []).append((minute, position))
    sittings: list[list[int]] = []
    for key, line in lines.items():
        line.sort()
        for i, (minute, position) in enumerate(line):
            named = isinstance(key, tuple) and key[1] >= 0
            if i == 0 or not (named or minute - line[i - 1][0] <= 30):
                sittings.append([])
            sittings[-1].append(position)
    return sittings


def plain_windows(documents, radius: int) -> dict[int, list[int]]:
    """The positions in the window around each position."""
    return {
        position: sitting[max(0, i - radius) : i + radius + 1]
        for sitting in plain_sittings(documents)
        for i, position in enumerate(sitting)
    }


@settings(max_examples=120, deadline=None)
@given(DOCUMENTS)
def test_sittings(documents) -> None:
    found = arranged(documents)
    sittings: dict[int, list[int]] = {}
    for place, position in enumerate(found.order.tolist()):
        sittings.setdefault(int(found.sittings[place]), []).append(position)
        assert found.places[position] == place
    expected = plain_sittings(documents)
    assert sorted(sittings.values()) == sorted(expected)
    assert list(sittings) == list(range(len(expected)))
    assert (found.places < 0).tolist() == [not d[5] for d in documents]
    for name, sitting in sittings.items():
        assert found.sitting_lengths[name] == sum(documents[p][4] for p in sitting)
        for position in sitting:
            place = found.places[position]
            assert (found.first[place], found.last[place]) == (
                found.places[sitting[0]],
                found.places[sitting[-1]],
            )
    assert len(found) == sum(d[5] for d in documents)


@settings(max_examples=120, deadline=None)
@given(documents=DOCUMENTS, radius=st.integers(0, 4), data=st.data())
def test_windows(documents, radius, data) -> None:
    found = arranged(documents)
    order, m = found.order.tolist(), len(found)
    windows, plain = found.windows(radius), plain_windows(documents, radius)
    for place, position in enumerate(order):
        assert order[windows.starts[place] : windows.ends[place]] == plain[position]
        assert windows.lengths[place] == sum(documents[p][4] for p in plain[position])

    chosen = np.array(data.draw(st.lists(st.integers(0, m - 1), unique=True) if m else st.just([])), np.intp)
    around = [plain[order[place]] for place in chosen]
    values = np.array(data.draw(st.lists(st.integers(-9, 9), min_size=m, max_size=m)), dtype=np.float64)
    of = dict(zip(order, values.tolist(), strict=True))
    sums = windows.summed(sums_before(values), chosen)
    assert sums.tolist() == [sum(of[p] for p in window) for window in around]
    near = {p for window in around for p in window}
    assert windows.touched(chosen).tolist() == [place for place, p in enumerate(order) if p in near]

    # A term, and how often it stands in each document that has it, seen or not.
    having = data.draw(st.dictionaries(st.integers(0, max(0, len(documents) - 1)), st.integers(1, 5)))
    having = {p: n for p, n in having.items() if p < len(documents)}
    positions = np.array(sorted(having), dtype=np.int64)
    hits, counts = found.sorted(positions, np.array([having[p] for p in sorted(having)], dtype=np.float64))
    assert [order[place] for place in hits] == [p for p in order if p in having]
    assert counts.tolist() == [having[p] for p in order if p in having]
    assert windows.reached(hits) == sum(any(p in having for p in window) for window in plain.values())
    spans = windows.starts[chosen], windows.ends[chosen]
    for dense in (0, 16):  # both ways to count
        with patch("limner.memory.arrangement._DENSE", dense):
            (counted,) = found.counted(hits, counts, [spans])
        assert counted.tolist() == [sum(having.get(p, 0) for p in window) for window in around]


@settings(max_examples=60, deadline=None)
@given(documents=DOCUMENTS, data=st.data())
def test_what_was_said_just_before_and_just_after(documents, data) -> None:
    found = arranged(documents)
    order, m = found.order.tolist(), len(found)
    values = data.draw(st.lists(st.floats(0.1, 1), min_size=m, max_size=m))
    of = dict(zip(order, values, strict=True))
    before, after = dict.fromkeys(order, 0.0), dict.fromkeys(order, 0.0)
    for sitting in plain_sittings(documents):
        for one, next_one in pairwise(sitting):
            before[next_one], after[one] = of[one], of[next_one]
    assert found.before(np.array(values)).tolist() == [before[p] for p in order]
    assert found.after(np.array(values)).tolist() == [after[p] for p in order]


@pytest.mark.parametrize(
    ("minutes", "session", "sittings"),
    [
        ([0, 30, 60], -1, [0, 0, 0]),  # half an hour of silence is none
        ([0, 31, 60], -1, [0, 1, 1]),
        ([0, 31, 600], 7, [0, 0, 0]),  # a session ends when it is said to
        ([60, 0, 31], -1, [0, 1, 1]),  # stored out of order
    ],
)
def test_half_an_hour_of_silence_ends_a_sitting_that_has_no_name(minutes, session, sittings) -> None:
    documents = [(OBSERVATION, 0, session, minute, 1, True) for minute in minutes]
    assert arranged(documents).sittings.tolist() == sittings


def test_nothing_seen_is_no_sitting() -> None:
    found = arranged([(OBSERVATION, 0, -1, 0, 3, False)])
    assert len(found) == 0
    assert len(found.windows(2).lengths) == 0
    assert found.windows(2).reached(np.zeros(0, dtype=np.intp)) == 0
    assert len(found.before(np.zeros(0))) == len(found.after(np.zeros(0))) == 0


def test_windows_are_made_once() -> None:
    found = arranged([(OBSERVATION, 0, -1, 0, 3, True)])
    before = found.nbytes
    assert found.windows(2) is found.windows(2)
    assert found.nbytes > before

"""Observations from lines of text and of JSON."""

import json

import pytest

from limner.apps.cli.rows import json_rows, text_rows
from limner.errors import InvalidObservation
from limner.memory.records import NewObservation

DEFAULTS = NewObservation("", source="chat")


def test_text_lines_keep_their_numbers_across_empty_ones() -> None:
    rows = list(text_rows([b"one\n", b"\n", b"  \n", b"two"], DEFAULTS))
    assert [(row.line, row.observation.text) for row in rows] == [(1, "one"), (4, "two")]
    assert all(row.observation.source == "chat" for row in rows)


def test_a_byte_order_mark_is_no_text() -> None:
    (row,) = text_rows([b"\xef\xbb\xbfone\n"], DEFAULTS)
    assert row.observation.text == "one"


@pytest.mark.parametrize("rows", [text_rows, json_rows])
def test_a_line_that_is_not_utf8_is_named_and_costs_only_itself(rows) -> None:
    good = b'{"text": "fine"}\n'
    read = list(rows([good, b"caf\xe9\n", good], DEFAULTS))
    assert [row.line for row in read] == [1, 2, 3]
    assert isinstance(read[1].observation, InvalidObservation)
    assert "byte 4" in str(read[1].observation)
    assert not isinstance(read[2].observation, InvalidObservation)


def test_a_json_line_says_what_the_defaults_do_not() -> None:
    line = {
        "text": "Rated Alien (1979) 5/5",
        "source": "ratings",
        "occurred_at": "2026-05-01T18:00:00+02:00",
        "key": "r1",
        "event": {"kind": "rating", "item_id": "183", "title": "Alien (1979)", "value": 5},
    }
    (row,) = json_rows([json.dumps(line).encode()], DEFAULTS)
    new = row.observation
    assert (new.text, new.source, new.key) == ("Rated Alien (1979) 5/5", "ratings", "r1")
    assert new.occurred_at.utcoffset().total_seconds() == 7200
    assert new.event.value == 5


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"not json", "Invalid JSON"),
        (b"[]", "object"),
        (b'{"source": "chat"}', "text"),
        (b'{"text": 3}', "text"),
        (b'{"text": "x", "sauce": "y"}', "sauce"),
        (b'{"text": "x", "occurred_at": "2026-05-01T18:00:00"}', "occurred_at"),
        (b'{"text": "x", "author": "nobody"}', "author"),
        (b'{"text": "x", "event": {"kind": "rating"}}', "event.item_id"),
    ],
)
def test_a_broken_json_line_says_what_is_wrong(line: bytes, says: str) -> None:
    (row,) = json_rows([line], DEFAULTS)
    assert isinstance(row.observation, InvalidObservation)
    assert says in str(row.observation)


def test_keys_come_from_content_so_that_a_file_can_be_read_again() -> None:
    lines = [b'{"text": "a"}\n', b'{"text": "a"}\n', b'{"text": "b"}']
    first = [row.observation.key for row in json_rows(lines, DEFAULTS)]
    assert len(set(first)) == 3
    # a mended line in between changes nobody else's key
    again = [row.observation.key for row in json_rows([lines[0], b'{"text": "new"}', *lines[1:]], DEFAULTS)]
    assert again[:1] + again[2:] == first

"""Index terms and BM25, against the formula worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from limner.memory.lexical import K1, B, tokenize
from limner.memory.schema import terms
from limner.settings import RecallWeights

ONLY_WORDS = RecallWeights(lexical=1, dense=0)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Films filmed FILMING", ["film", "film", "film"]),
        ("the user's choice", ["the", "user", "choic"]),
        ("Alien (1979), 5/5!", ["alien", "1979", "5", "5"]),
        ("snake_case", ["snake", "case"]),
        ("ＦＵＬＬ ﬁlm", ["full", "film"]),
        ("Straße STRASSE", ["strass", "strass"]),
        ("二時間の映画", ["二時", "時間", "間の", "の映", "映画"]),
        ("映画film映", ["映画", "film", "映"]),
        ("… — 🎬", []),
        ("", []),
    ],
)
def test_terms(words, expected) -> None:
    assert tokenize(words) == expected


@given(st.text())
def test_any_text_has_terms_that_fit_the_column(words) -> None:
    assert all(0 < len(term) <= 64 for term in tokenize(words))


def test_a_word_without_end_is_cut() -> None:
    assert [len(term) for term in tokenize("x" * 1000)] == [64]


def test_scores_follow_the_formula(ada) -> None:
    ada.observe("horror horror film")
    ada.observe("a horror film that is rather long and says little")
    ada.observe("comedy")
    found = ada.search("horror", weights=ONLY_WORDS)
    lengths, frequencies = (3, 10, 1), (2, 1)
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    mean = sum(lengths) / 3
    raw = [
        idf * f * (K1 + 1) / (f + K1 * (1 - B + B * n / mean))
        for f, n in zip(frequencies, lengths, strict=False)
    ]
    assert [r.record.text[:10] for r in found] == ["horror hor", "a horror f"]
    assert found[0].score == pytest.approx(1)
    assert found[1].score == 0  # min-max scaled over the two that match
    memory = ada._memory
    with memory.snapshots.opened("ada") as (connection, snapshot):
        scores = snapshot.bm25(connection, "horror", np.ones(3, dtype=np.bool_))
    assert scores == pytest.approx([raw[0], raw[1], 0.0])


def test_a_query_of_unknown_words_finds_nothing_by_words(ada) -> None:
    ada.observe("horror")
    assert ada.search("zebra", weights=ONLY_WORDS) == []
    assert ada.search("?!", weights=ONLY_WORDS) == []


def test_looking_a_word_up_reads_rows_of_this_user_only(ada, memory) -> None:
    ada.observe("horror")
    statement = select(terms).where(terms.c.user_id == "ada", terms.c.term.in_(["horror"]))
    with memory.database.read() as connection:
        compiled = statement.compile(connection, compile_kwargs={"literal_binds": True})
        plan = connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}")).all()
    assert "USING PRIMARY KEY (user_id=? AND term=?)" in plan[0].detail

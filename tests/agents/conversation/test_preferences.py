"""What the acts of a session add up to."""

import pytest

from contracts.recommender_data import catalogue
from limner.agents.conversation.acts import (
    Critique,
    Indifferent,
    Liking,
    More,
    Rejected,
    Restart,
    Seen,
    Wanted,
    Words,
)
from limner.agents.conversation.dialogue import Dialogue, Told, Turn, Why
from limner.agents.conversation.preferences import preferences
from limner.agents.conversation.question import Question

FILMS = catalogue()


def said(*turns):
    """A session of these turns, each a list of acts."""
    return Dialogue(
        session="s",
        turns=tuple(
            Turn(
                number=n, text="; ".join(a.quote for a in acts) or "hm", observation=f"o{n}", acts=tuple(acts)
            )
            for n, acts in enumerate(turns, start=1)
        ),
    )


def wanted(where, quote="so"):
    return Wanted(quote=quote, where=where)


@pytest.mark.parametrize(
    ("turns", "where"),
    [
        ([[wanted("genre in {Comedy}")]], "genre in {Comedy}"),
        # of several values an item can have both
        (
            [[wanted("genre in {Comedy}")], [wanted("genre in {Romance}")]],
            "genre in {Comedy} and genre in {Romance}",
        ),
        # nothing is a comedy and a drama, so the newer word counts
        ([[wanted("genre in {Comedy}")], [wanted("genre in {Drama}")]], "genre in {Drama}"),
        (
            [[wanted("genre in {Comedy}")], [wanted("genre in {Romance}", "rather romance")]],
            "genre in {Romance}",
        ),
        ([[wanted("genre in {Comedy}")], [wanted("genre not in {Comedy}")]], "genre not in {Comedy}"),
        ([[wanted("genre not in {Comedy}")], [wanted("genre in {Comedy}")]], "genre in {Comedy}"),
        (
            [[wanted("genre not in {Comedy}")], [wanted("genre not in {Drama}")]],
            "genre not in {Comedy} and genre not in {Drama}",
        ),
        ([[wanted("year < 1990")], [wanted("year < 1980")]], "year < 1980"),
        ([[wanted("year < 1990")], [wanted("year >= 1980")]], "year < 1990 and year >= 1980"),
        ([[wanted("year between 1980 1989")], [wanted("year < 1985")]], "year < 1985"),
        ([[wanted("genre in {Comedy}")], [Restart(quote="start over")]], ""),
    ],
)
def test_the_newer_word_counts(turns, where):
    assert str(preferences(said(*turns), FILMS).where) == where


def test_a_critique_of_a_number_is_measured_by_the_items_it_is_about():
    older = Critique(quote="older", direction="less", attribute="year", than=("a2", "a3", "a4"))
    assert str(preferences(said([older]), FILMS).where) == "year < 1990"
    still = Critique(quote="older still", direction="less", attribute="year", than=("a1",))
    assert str(preferences(said([older], [still]), FILMS).where) == "year < 1979"


def test_a_critique_of_nothing_that_has_the_number_asks_for_nothing():
    older = Critique(quote="older", direction="less", attribute="year", than=("c4",))
    assert not preferences(said([older]), FILMS).where


def test_what_is_plainly_wanted_is_no_matter_of_less():
    less = Critique(quote="less scary", direction="less", values=(("genre", "Horror"),), word="scary")
    found = preferences(said([less], [wanted("genre in {Horror}")]), FILMS)
    assert not found.leanings
    assert str(found.where) == "genre in {Horror}"


def test_a_word_that_no_value_stands_for_is_looked_for():
    more = Critique(quote="more submarines", direction="more", word="submarines")
    assert [quote for _, quote in preferences(said([more]), FILMS).words] == ["more submarines"]


def test_starting_over_keeps_what_is_known_already():
    found = preferences(
        said(
            [Liking(quote="loved it", item_ids=("a1",)), Words(quote="with robots")],
            [
                Seen(quote="seen it", item_ids=("a2",)),
                Rejected(quote="no", item_ids=("a3",), reason="too red"),
            ],
            [Restart(quote="start over")],
        ),
        FILMS,
    )
    assert not found.anything
    assert found.barred == {"a2", "a3"}
    assert found.rejected["a3"][1] == "too red"


def test_the_last_word_on_an_item_counts():
    found = preferences(
        said(
            [Liking(quote="loved it", item_ids=("a1",))], [Liking(quote="no", item_ids=("a1",), liked=False)]
        ),
        FILMS,
    )
    assert not found.liked
    assert set(found.disliked) == {"a1"}


def asking(attribute):
    return Told(
        act="ask", text="?", question=Question(attribute=attribute, options=(), conditions=(), text="?")
    )


def test_questions_are_counted_until_something_is_recommended():
    dialogue = said([], [Indifferent(quote="no idea", attribute="genre")], [More(quote="just go")])
    first, second, third = dialogue.turns
    dialogue = dialogue.model_copy(
        update={
            "turns": (
                first.model_copy(update={"told": asking("genre")}),
                second.model_copy(update={"told": asking("year")}),
                third,
            )
        }
    )
    found = preferences(dialogue, FILMS)
    assert (found.asked, found.in_a_row, found.indifferent, found.impatient) == (
        ["genre", "year"],
        2,
        {"genre"},
        True,
    )
    shown = third.model_copy(update={"told": Told(act="recommend", text="a1", shown=("a1",))})
    assert preferences(dialogue.with_last(shown), FILMS).in_a_row == 0


def test_a_forgotten_turn_takes_what_quotes_it_along():
    dialogue = said([wanted("genre in {Comedy}", "a comedy")], [wanted("year < 1990", "before 1990")])
    why = (
        Why(item_id="b1", reason="you said “a comedy”", sentences=("x",), evidence=("o1",)),
        Why(item_id="b2", reason="you said “before 1990”", sentences=("y",), evidence=("o2",)),
    )
    told = Told(
        act="recommend", text="you said “a comedy”", shown=("b1", "b2"), why=why, evidence=("o1", "o2")
    )
    dialogue = dialogue.with_last(dialogue.turns[-1].model_copy(update={"told": told}))
    left = dialogue.without({"o1"})
    assert "comedy" not in left.model_dump_json()
    assert left.shown == ("b1", "b2")
    assert str(preferences(left, FILMS).where) == "year < 1990"

"""Whether to ask, and what."""

import math

import pytest

from contracts.recommender_data import catalogue
from limner.agents.conversation.acts import Indifferent, Wanted
from limner.agents.conversation.asking import best_question, chances, wants_question
from limner.agents.conversation.dialogue import Dialogue, Turn
from limner.agents.conversation.options import ConversationOptions
from limner.agents.conversation.preferences import Preferences, preferences
from limner.tools import Catalogue, Item

FILMS = catalogue()
OPTIONS = ConversationOptions()


def of(items):
    return Catalogue(
        Item(id=str(n), title=f"T{n}", attributes=attributes) for n, attributes in enumerate(items)
    )


def test_the_attribute_that_splits_best_is_asked_about():
    even = of([
        {"tone": "calm" if n % 2 else "wild", "colour": "red" if n < 15 else "blue"} for n in range(16)
    ])
    best = best_question(even.ids, even, Preferences(), OPTIONS)
    assert best.question.attribute == "tone"
    assert sorted(best.question.options) == ["calm", "wild"]
    assert best.gain == pytest.approx(1.0, abs=0.05)
    assert "calm" in best.question.text


def test_the_gain_is_the_entropy_of_the_answers_with_the_best_candidates_counting_most():
    items = of([{"tone": "calm" if n < 4 else "wild"} for n in range(40)])
    share = chances(40)[:4].sum()
    expected = -share * math.log2(share) - (1 - share) * math.log2(1 - share)
    assert best_question(items.ids, items, Preferences(), OPTIONS).gain == pytest.approx(expected)


def test_years_are_asked_about_by_the_decade_and_answers_are_conditions():
    items = of([{"year": 1970.0 + n} for n in range(30)])
    question = best_question(items.ids, items, Preferences(), OPTIONS, "film").question
    assert question.options == ("1970s", "1980s", "1990s")
    assert question.conditions[1] == "year between 1980 1989"
    assert "film" in question.text


def test_other_numbers_are_asked_about_in_ranges_that_cover_them():
    items = of([{"minutes": float(60 + 5 * n)} for n in range(20)])
    question = best_question(items.ids, items, Preferences(), OPTIONS).question
    held = [item.id for item in items if any(item.id in items.select(one) for one in question.conditions)]
    assert held == list(items.ids)


def test_what_was_asked_or_does_not_matter_is_not_asked_again():
    turn = Turn(number=1, text="x", observation="o", acts=(Indifferent(quote="x", attribute="year"),))
    found = preferences(Dialogue(session="s", turns=(turn,)), FILMS)
    found.asked.append("genre")
    assert best_question(FILMS.ids, FILMS, found, OPTIONS) is None


def test_values_that_were_spoken_of_are_no_options():
    turn = Turn(number=1, text="x", observation="o", acts=(Wanted(quote="x", where="genre in {Sci-Fi}"),))
    found = preferences(Dialogue(session="s", turns=(turn,)), FILMS)
    question = best_question(FILMS.select("genre in {Sci-Fi}"), FILMS, found, OPTIONS)
    assert question is None or "Sci-Fi" not in question.question.options


@pytest.mark.parametrize("ids", [(), ("a1",), ("b1", "b3")])
def test_nothing_is_asked_where_no_answer_would_tell_candidates_apart(ids):
    assert best_question(ids, FILMS.without({"x"}), Preferences(asked=["year"]), OPTIONS) is None


def test_a_random_question_is_the_same_under_the_same_seed():
    options = OPTIONS.model_copy(update={"ask": "random", "seed": 3})
    drawn = {best_question(FILMS.ids, FILMS, Preferences(), options).question.attribute for _ in range(5)}
    assert len(drawn) == 1


def test_when_a_question_is_asked():
    best = best_question(FILMS.ids, FILMS, Preferences(), OPTIONS)
    assert wants_question(Preferences(), 0.1, best, OPTIONS)
    assert not wants_question(Preferences(), 0.9, best, OPTIONS)
    assert not wants_question(Preferences(impatient=True), 0.1, best, OPTIONS)
    assert not wants_question(Preferences(in_a_row=OPTIONS.in_a_row), 0.1, best, OPTIONS)
    assert not wants_question(Preferences(asked=["x"] * OPTIONS.questions), 0.1, best, OPTIONS)
    assert not wants_question(Preferences(), 0.1, None, OPTIONS)
    assert not wants_question(Preferences(), 0.1, best, OPTIONS.model_copy(update={"ask": "never"}))


def test_chances_add_up():
    assert chances(0).sum() == 0
    assert chances(1)[0] == 1
    assert chances(1000).sum() == pytest.approx(1)
    assert (chances(100)[:-1] > chances(100)[1:]).all()

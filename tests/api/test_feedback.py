"""Feedback through the door of a user: stored, taken into the next list, and taken back."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from answering import Answers
from limner.agents.history import FeedbackWeights, history_of, passed_over
from limner.apps.cli.printing import as_plain
from limner.errors import ConfigurationError, InputError, NotFound, RecordingRefused
from limner.tools import Catalogue, Dataset, Interactions, Item

WISH = {"genre_in": [], "genre_not_in": [], "year_from": None, "year_to": None, "other": []}
NOW = datetime.now(UTC)


def answers() -> Answers:
    finish = {"action": "finish", "reason": "good"}
    return Answers(replies={"decide": lambda _: finish, "step": "A", "reason": "", "wish": WISH})


@pytest.fixture
def ada(open_limner):
    limner = open_limner(answers(), recommenders=["ease", "popularity"])
    return limner.user("ada")


def ranking(ada) -> tuple[str, ...]:
    return ada.recommend(k=3).ranking


def said(observation) -> tuple[str, str, str]:
    return observation.event.kind, observation.event.item_id, observation.author


def test_every_kind_is_an_observation_with_an_event(ada):
    for kind in ("opened", "accepted", "rejected", "seen"):
        (stored,) = ada.feedback("a1", kind)
        assert said(stored) == (kind, "a1", "application" if kind == "opened" else "user")
        assert (stored.source, stored.event.item_type) == ("feedback", "film")
        assert "The Long Orbit (1979)" in stored.text
        assert stored.event.attributes["genre"] == ("Sci-Fi", "Horror")
    (rated,) = ada.feedback("the long orbit", "rated", rating=4)
    assert (rated.event.kind, rated.event.value, rated.event.scale) == ("rating", 4.0, (1.0, 5.0))
    assert rated.text == "Rated The Long Orbit (1979) 4/5"
    shown = ada.feedback_shown(ada.recommend(k=2))
    assert [one.event.kind for one in shown] == ["shown", "shown"]
    assert {one.author for one in shown} == {"application"}


def test_a_rating_changes_the_next_list_and_forgetting_it_restores_that(ada):
    ada.feedback("b1", "rated", rating=5)
    before = ranking(ada)
    (stored,) = ada.feedback("a1", "rated", rating=5)
    after = ranking(ada)
    assert "a1" not in after
    assert before[0].startswith("b")
    assert after.index("a2") < before.index("a2")
    ada.forget(stored.id)
    assert ranking(ada) == before


def test_what_was_turned_down_never_comes_again_and_what_is_near_it_comes_later(ada):
    ada.feedback("b1", "accepted")
    ada.feedback("c1", "accepted")
    before = ranking(ada)
    (stored,) = ada.feedback("a1", "rejected")
    after = ranking(ada)
    assert "a1" in before
    assert "a1" not in after
    left = [item_id for item_id in before if item_id != "a1"]
    near = {"a2", "a3", "a4"}
    assert sum(after.index(i) for i in near) > sum(left.index(i) for i in near)
    ada.forget(stored.id)
    assert ranking(ada) == before
    ada.feedback("a1", "rejected")
    assert ranking(ada) == after


def test_whoever_changes_their_mind_is_believed(ada):
    ada.feedback("a1", "rejected")
    ada.feedback("a1", "accepted")
    ada.feedback("a1", "rejected")
    assert [one.event.kind for one in ada.observations()] == ["rejected", "accepted", "rejected"]
    history = history_of(ada.memory, ada._limner.world.catalogue)
    assert (list(history.taken), list(history.rejected)) == ([], ["a1"])


def test_the_last_word_counts_wherever_the_word_before_was_said(ada):
    ada.feedback("a1", "rated", rating=5)
    ada.observe("Rated The Long Orbit (1979) 1/5")
    ada.feedback("a1", "rated", rating=5)
    ada.feedback("a1", "rated", rating=5)
    assert [one.event.value for one in ada.observations()] == [5, 1, 5]
    history = history_of(ada.memory, ada._limner.world.catalogue)
    assert history.taken["a1"].event.value == 5


@pytest.mark.parametrize("kind", ["accepted", "seen"])
def test_what_was_taken_is_masked_and_history(ada, kind):
    first = ranking(ada)
    ada.feedback("a1", kind)
    after = ranking(ada)
    assert "a1" not in after
    near = {"a2", "a3", "a4"}
    left = [item_id for item_id in first if item_id != "a1"]
    assert sum(map(after.index, near)) < sum(map(left.index, near))


def test_what_was_only_looked_at_stays_and_brings_its_like_along(ada):
    ada.feedback("b1", "accepted")
    before = ranking(ada)
    (stored,) = ada.feedback("a1", "opened")
    found = ada.recommend(k=11)
    assert set(found.ranking) == set(before)
    near = {"a2", "a3", "a4"}
    assert sum(map(found.ranking.index, near)) < sum(map(before.index, near))
    moved = [r for pick in found for r in pick.reasons if r.kind == "moved" and stored.id in r.evidence]
    assert any("which you looked at" in move.because for reason in moved for move in reason.moves)


def test_what_was_shown_again_and_again_makes_room_for_a_while_and_is_never_barred(ada):
    found = ada.recommend(k=1)
    first = found.items[0].item.id
    for hours in range(4, 0, -1):
        ada.feedback(first, "shown", occurred_at=NOW - timedelta(hours=hours))
    after = ada.recommend(k=12)
    assert after.ranking[0] != first
    assert first in after.ranking
    pick = next(pick for pick in after if pick.item.id == first)
    assert "having been shown to you 4 times before" in pick.reason
    assert len(pick.reasons[-1].evidence) == 4
    ada.feedback(first, "opened")  # they did look
    assert ranking(ada).index(first) < after.ranking.index(first)


def test_a_showing_counts_less_every_day_and_the_first_not_at_all():
    weights = FeedbackWeights(shown=0.1, half_life=timedelta(days=7))
    assert passed_over([NOW], NOW, weights) == 0
    assert passed_over([NOW] * 2, NOW, weights) == pytest.approx(0.1)
    assert passed_over([NOW] * 3, NOW + timedelta(days=7), weights) == pytest.approx(0.05)
    assert passed_over([NOW] * 99, NOW, weights) == pytest.approx(0.1 * weights.most_shown)
    assert passed_over([NOW + timedelta(hours=1)] * 2, NOW, weights) == pytest.approx(0.1)


def test_the_same_again_is_once(ada):
    first = ada.feedback("a1", "rejected", reason="too violent")
    assert ada.feedback("a1", "rejected", reason="too violent") == first
    found = ada.recommend(k=3)
    assert ada.feedback_shown(found) == ada.feedback_shown(found)
    assert len(ada.observations()) == 2 + 3
    ada.feedback("a1", "rejected", key="mine")
    assert len(ada.observations()) == 6


def test_a_reason_is_read_by_reflection_and_an_event_is_not(open_limner):
    words = "I turned down The Long Orbit (1979): too violent for me."
    script = Answers(said={words: "The user finds The Long Orbit too violent."})
    ada = open_limner(script).user("ada")
    event, reason = ada.feedback("a1", "rejected", reason="too violent for me.")
    assert (reason.text, reason.event, reason.author) == (words, None, "user")
    ada.reflect()
    (proposition,) = ada.propositions()
    assert {e.observation_id for e in proposition.evidence} == {reason.id}
    ada.forget(event.id)  # the words stay, as what they are
    assert [one.id for one in ada.observations()] == [reason.id]


@pytest.mark.parametrize(
    ("item", "kind", "options", "error", "says"),
    [
        ("Long Orbits", "seen", {}, NotFound, "The Long Orbit"),
        ("a1", "loved", {}, InputError, "loved"),
        ("a1", "rated", {}, InputError, "rating"),
        ("a1", "rated", {"rating": 9}, InputError, "between 1 and 5"),
        ("a1", "rated", {"rating": float("nan")}, InputError, "between 1 and 5"),
        ("a1", "seen", {"rating": 3}, InputError, "rated"),
        ("a1", "rejected", {"reason": "  "}, InputError, "empty"),
        ("a1", "opened", {"reason": "so"}, InputError, "opened"),
    ],
)
def test_what_cannot_be_feedback_is_refused_and_nothing_is_stored(ada, item, kind, options, error, says):
    with pytest.raises(error, match=says):
        ada.feedback(item, kind, **options)
    assert ada.observations() == []


def test_nothing_is_stored_where_nothing_may_be(ada):
    ada.pause()
    with pytest.raises(RecordingRefused):
        ada.feedback("a1", "rejected", reason="no")
    assert ada.observations() == []


def test_without_a_data_set_there_is_nothing_to_give_feedback_on(open_limner):
    with pytest.raises(ConfigurationError, match="LIMNER_DATASET"):
        open_limner(dataset=None).user("ada").feedback("a1", "seen")


def test_export_and_import_keep_it(ada, tmp_path):
    ada.feedback("a1", "rejected")
    ada.feedback("b1", "rated", rating=5)
    ada.feedback("b2", "opened")
    before = ranking(ada)
    file = tmp_path / "ada.jsonl"
    file.write_text("\n".join(json.dumps(as_plain(line)) for line in ada.export()), "utf-8")
    ada.forget_everything()
    assert ranking(ada) != before
    ada._limner.import_file(file)
    assert ranking(ada) == before


def test_ids_that_differ_in_case_alone_are_told_apart(open_limner):
    ids = ["aB", "Ab", "c", "d", "e"]
    taken = Interactions.from_rows([
        (f"u{u}", ids[(u + n) % 5], 1.0, float(n)) for u in range(10) for n in range(3)
    ])
    bare = Dataset("bare", Catalogue(Item(id=item_id) for item_id in ids), taken)
    ada = open_limner(answers(), dataset=bare).user("ada")
    ada.feedback("aB", "rejected")
    assert set(ranking(ada)) == {"Ab", "c", "d", "e"}

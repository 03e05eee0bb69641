import pytest

from answering import OPENINGS, Answers, scored, scoring_model
from limner.agents.deciding import Scene, decide
from limner.agents.decisions import Finish, Rank, Search
from limner.agents.profile import Lead, profile
from limner.memory import Event, Proposition
from limner.tools import Filter

LEADS = {
    where: Lead(Filter.parse(where), f"the portrait says: {where}")
    for where in ("genre in {Comedy}", "genre in {Drama}", "year < 1990")
}


def scene(**changed):
    given = {
        "portrait": "- The user loves comedies.",
        "wish": "",
        "best": ["Red Dust (1990)"],
        "made": ["ease: everything"],
        "leads": LEADS,
        "recommenders": ["ease", "popularity"],
        "may_rank": False,
        "searches": 2,
    }
    return Scene(**{**given, **changed})


async def test_what_is_likelier_than_looking_no_further_is_searched_the_likeliest_first():
    model = scoring_model(lambda messages: scored(A=-1.0, B=-4.0, C=-0.9, D=-2.0))
    *searches, last = await decide(scene(), model)
    assert [s.where for s in searches] == ["year < 1990", "genre in {Comedy}"]
    assert {s.recommender for s in searches} == {"ease"}
    assert searches[0].reason == "the portrait says: year < 1990"
    assert isinstance(last, Finish)


async def test_no_more_is_searched_than_may_be():
    model = scoring_model(lambda messages: scored(A=-1.0, B=-1.1, C=-0.9, D=-2.0))
    steps = await decide(scene(searches=1, may_rank=True), model)
    assert [type(step) for step in steps] == [Search, Rank, Finish]


async def test_looking_no_further_may_be_the_likeliest():
    model = scoring_model(lambda messages: scored(A=-3.0, B=-4.0, C=-3.9, D=-0.1))
    assert [type(step) for step in await decide(scene(), model)] == [Finish]


async def test_without_likelihoods_the_letter_chosen_counts():
    steps = await decide(scene(), Answers(replies={"lead": "B"}).model())
    assert [getattr(step, "where", None) for step in steps] == ["genre in {Drama}", None]
    steps = await decide(scene(), Answers(replies={"lead": "D"}).model())
    assert [type(step) for step in steps] == [Finish]


@pytest.mark.parametrize("changed", [{"leads": {}}, {"searches": 0}])
async def test_with_nothing_to_look_for_no_model_is_asked(changed):
    answers = Answers()
    assert [type(step) for step in await decide(scene(**changed), answers.model())] == [Finish]
    assert answers.asked == []


async def test_a_strong_model_names_one_step_and_its_reason():
    reply = {"action": "search", "recommender": "popularity", "where": "year < 1990", "reason": "old ones"}
    answers = Answers(replies={"decide": [reply]})
    (step,) = await decide(scene(), answers.model(plan="batch"))
    assert (step.recommender, step.where, step.reason) == ("popularity", "year < 1990", "old ones")
    assert OPENINGS["decide"] in answers.asked[0][1][0].text


def rated(item_id, value):
    return Event(kind="rating", item_id=item_id, title=item_id, item_type="film", value=value, scale=(1, 5))


def test_a_profile_is_the_portrait_the_history_or_nothing(films):
    held = Proposition(
        user_id="ada",
        text="The user loves comedies.",
        confidence=9.0,
        durability=5,
        topic="rating/+/genre/Comedy",
        group="g",
    )
    events = {"a1": rated("a1", 5.0), "b1": Event(kind="view", item_id="b1", title="b1")}
    best = ["b2", "b3", "b4", "c1"]
    shown = profile("portrait", [held], events, best, films)
    assert shown.text == "- The user loves comedies."
    assert [(str(lead.where), lead.weight) for lead in shown.leads] == [("genre in {Comedy}", 0.8)]
    shown = profile("history", [held], events, best, films)
    assert shown.text == "- a1: 5 of 5\n- view: b1"
    assert [str(lead.where) for lead in shown.leads] == ["genre in {Comedy}", "genre in {Romance}"]
    assert profile("nothing", [held], events, best, films).text == "- nothing is known yet"

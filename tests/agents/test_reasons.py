"""Every reason holds: of the item's own values, of observations that are there, and in words that claim no more."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from answering import Answers
from limner.agents import Recommendation
from limner.agents.explaining import Chosen, Explainer
from limner.agents.fusion import Vote, fuse
from limner.agents.history import Done, History, feedback_votes
from limner.agents.reasons import (
    Fitting,
    Found,
    Granted,
    Known,
    Move,
    Moved,
    Neighbour,
    Neighbours,
    Popular,
    held_by,
    values_of,
    verified,
)
from limner.agents.statements import addressed, claimed, without_names
from limner.agents.wording import clause, clauses, justify, sentence, sentences_of
from limner.errors import InputError, NotFound
from limner.memory import Event, Evidence, Proposition
from limner.profiles.propositions.findings import Topic, attribute_keys
from limner.tools import CandidateBus, Filter
from limner.tools.datasets import load_dataset
from limner.tools.recommenders import EASE, ItemKNN

NOW = datetime(2026, 5, 1, tzinfo=UTC)
KINDS = ("rating", "accepted", "seen", "rejected", "opened", "shown", "dislike", "view")


def done(catalogue, item_id, kind="view", value=None, number=0):
    item = catalogue.get(item_id)
    scale = None if value is None else (1.0, 5.0)
    event = Event(kind=kind, item_id=item_id, title=item.title, value=value, scale=scale)
    return Done(event, f"o-{item_id}-{kind}-{number}", NOW + timedelta(minutes=number))


def line(attribute, value, *, sign="+", measure="rating", text=None):
    return Proposition(
        id=f"p-{attribute}-{value}-{sign}",
        group="g",
        user_id="ada",
        text=text or f"The user loves {value} films such as War Games.",
        topic=str(Topic(measure, sign, attribute, value)),
        confidence=8,
        durability=7,
        evidence=(
            Evidence(observation_id=f"o-{value}", start=0, end=1, quote="x"),
            Evidence(observation_id=f"o-{value}-2", start=0, end=1, quote="x"),
        ),
    )


def chosen_of(catalogue, base, other, history, portrait, where=""):
    """What the loop has when it comes to explaining, without a model."""
    where = Filter.parse(where) if where else Filter()
    bus = CandidateBus(catalogue, list(history.taken), history.rejected)
    listed = [
        s.item_id for s in base.recommend(bus.history, len(catalogue), where or None, exclude=bus.barred)
    ]
    bus.retrieve(base, where or None, 30)
    votes = feedback_votes(history, base, set(listed), now=NOW + timedelta(days=1), where=where or None)
    found = [s.item_id for s in other.recommend(bus.history, 100, where or None, exclude=bus.barred)]
    call = bus.retrieve(other, where or None, 100)
    votes.append(Vote(found, 0.4, f"the list of {other.name}", call.number))
    return Chosen(fuse(listed, votes), listed, bus, history, portrait, where, votes)


def check(grounds, chosen, catalogue):
    """Look at every reason and every word from outside, without what made them."""
    item, vocabulary = (
        grounds.item,
        {v for a in catalogue.attributes() if a.kind != "text" for v in a.values},
    )
    happened = chosen.history
    observations = {d.observation_id for d in (*happened.taken.values(), *happened.rejected.values())}
    observations |= {d.observation_id for d in happened.opened.values()}
    observations |= {d.observation_id for shown in happened.shown.values() for d in shown}
    lines = {p.id: p for p in chosen.portrait}
    observations |= {e.observation_id for p in lines.values() for e in p.evidence}
    for reason in grounds.reasons:
        assert reason.item_id == item.id
        assert held_by(item, reason.attributes)
        assert set(reason.evidence) <= observations
        assert reason.call is None or reason.call in {c.number for c in chosen.bus.candidate(item.id).calls}
        if isinstance(reason, Fitting):
            topic = Topic.parse(lines[reason.proposition].topic)
            assert (topic.attribute, topic.value) in set(attribute_keys(item.attributes))
        if isinstance(reason, Granted):
            assert item.id in catalogue.select(reason.condition)
        if isinstance(reason, Neighbours):
            assert {n.item_id for n in reason.neighbours} <= set(happened.taken)
            assert all(n.amount > 0 and n.done != "dislike" for n in reason.neighbours)
    # A film may be called what another film is: titles claim nothing of this one.
    titles = [each.title for each in catalogue]
    for told in (*clauses(grounds), *sentences_of(grounds.reasons), sentence(grounds)):
        # What another list was searched under, and what is not wished, is not said of the item.
        own = re.sub(r"what \w+ finds[^;]*|not [^;,.]*", " ", without_names(told, titles))
        assert claimed(own, vocabulary) <= values_of(item), (told, item)


item_ids = st.sampled_from(["a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4", "c1", "c2", "c3", "c4"])
deeds = st.lists(
    st.tuples(item_ids, st.sampled_from(KINDS), st.sampled_from([1.0, 2.0, 4.0, 5.0])), max_size=14
)
lines = st.lists(
    st.tuples(
        st.sampled_from([
            ("genre", "Comedy"),
            ("genre", "Sci-Fi"),
            ("genre", "Drama"),
            ("decade", "1990s"),
            ("genre", "None"),
        ]),
        st.sampled_from(["+", "-"]),
        st.sampled_from([
            None,
            "The user loves comedies and thrillers.",
            "The user picks dramas, such as Nobody's Daughter.",
        ]),
    ),
    max_size=4,
)
wishes = st.sampled_from(["", "genre in {Comedy}", "year between 1985 1995", "genre not in {Sci-Fi, Horror}"])


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=deeds, said=lines, wish=wishes, k=st.integers(1, 12))
def test_every_reason_holds_and_no_text_claims_more(films, base, deeds, said, wish, k):
    from limner.tools.recommenders import Popularity

    history = History()
    for number, (item_id, kind, value) in enumerate(deeds):
        history.add(item_id, done(films, item_id, kind, value if kind == "rating" else None, number))
    portrait = [
        line(attribute, value, sign=sign, text=text)
        for (attribute, value), sign, text in {s[0]: s for s in said}.values()
    ]
    other = _popularity(Popularity)
    chosen = chosen_of(films, base, other, history, portrait, wish)
    for grounds in Explainer(films, base, Answers().model()).grounds(chosen, k):
        check(grounds, chosen, films)


_FITTED = {}


def _popularity(cls):
    from contracts.recommender_data import catalogue, interactions

    if cls not in _FITTED:
        _FITTED[cls] = cls().fit(interactions(), catalogue())
    return _FITTED[cls]


@pytest.fixture
def known(films, base):
    history = History()
    history.add("a1", done(films, "a1", "rating", 5.0))
    portrait = [line("genre", "Sci-Fi"), line("genre", "Comedy", text="The user loves comedies.")]
    bus = CandidateBus(films, ["a1"])
    call = bus.retrieve(base, None, 5)
    order = list(bus.ids)
    return Known(
        catalogue=films,
        history=history,
        portrait={p.id: p for p in portrait},
        calls=bus.calls,
        order=[order[1], order[0], *order[2:]],
        base=order,
        popular=films.ids,
        vocabulary={"Sci-Fi", "Comedy", "Horror"},
        found={call.number: order},
    )


def test_a_reason_that_holds_is_let_through(known):
    best = known.base[0]
    for reason in (
        Granted(item_id="a2", condition="genre in {Sci-Fi}", attributes={"genre": ("Sci-Fi",)}),
        Found(item_id=best, recommender="ease", rank=1, call=1),
        Popular(item_id="a1", rank=1),
        Moved(item_id=best, base_rank=1, rank=2, moves=(Move(because="so", gain=-0.1),)),
        neighbours("a2"),
        fitting("a2"),
    ):
        assert verified(reason, known) is reason


def neighbours(for_item, **changed):
    fields = {
        "item_id": "a1",
        "title": "The Long Orbit (1979)",
        "amount": 0.5,
        "done": "rating",
        "value": 5.0,
        "scale": (1.0, 5.0),
        "observation": "o-a1-rating-0",
    }
    evidence = changed.pop("evidence", ("o-a1-rating-0",))
    named = (Neighbour(**{**fields, **changed}),)
    return Neighbours(item_id=for_item, recommender="ease", neighbours=named, evidence=evidence)


def fitting(item_id, **changed):
    fields = {
        "proposition": "p-genre-Sci-Fi-+",
        "statement": "The user loves Sci-Fi films such as War Games.",
        "topic": "rating/+/genre/Sci-Fi",
        "told": "you love Sci-Fi films",
        "attributes": {"genre": ("Sci-Fi",)},
        "evidence": ("o-Sci-Fi",),
    }
    return Fitting(item_id=item_id, **{**fields, **changed})


@pytest.mark.parametrize(
    "reason",
    [
        Granted(item_id="b1", condition="genre in {Sci-Fi}"),
        Granted(item_id="a2", condition="genre in {Sci-Fi}", attributes={"genre": ("Comedy",)}),
        Granted(item_id="c4", condition="year > 1980", attributes={"year": 1990.0}),
        Found(item_id="a2", recommender="ease", rank=9, call=1),
        Found(item_id="a2", recommender="ease", rank=1, call=7),
        Found(item_id="a2", recommender="popularity", rank=1, call=1),
        Popular(item_id="c4", rank=1),
        Moved(item_id="c4", base_rank=1, rank=2, moves=(Move(because="so", gain=-0.1),)),
        neighbours("a2", item_id="b1"),
        neighbours("a2", value=4.0),
        neighbours("a2", title="Second Orbit (1986)"),
        neighbours("a2", observation="o-none", evidence=("o-none",)),
        neighbours("a2", evidence=()),
        fitting("b1", attributes={}),
        fitting("a2", proposition="p-none"),
        fitting("a2", statement="The user loves everything."),
        fitting("a2", evidence=()),
        fitting("a2", evidence=("o-Comedy",)),
        fitting("a2", told="you love Sci-Fi comedies"),
        fitting("a2", attributes={}),
        fitting("a2", topic="rating/-/genre/Sci-Fi"),
    ],
    ids=repr,
)
def test_a_reason_that_does_not_hold_is_refused(known, reason):
    with pytest.raises(InputError):
        verified(reason, known)


def test_a_reason_for_what_is_not_there_is_refused(known):
    with pytest.raises(NotFound):
        verified(Popular(item_id="zz", rank=1), known)


def test_a_move_against_its_cause_is_refused(known):
    first = known.base[0]
    with pytest.raises(InputError, match="nothing moved it"):
        verified(Moved(item_id=first, base_rank=1, rank=2, moves=(Move(because="so", gain=0.1),)), known)


@pytest.mark.parametrize(
    "reason",
    [
        Popular(item_id="b1", rank=1),
        Granted(item_id="a2", condition="year < 1970", attributes={"year": 1960.0}),
        Found(item_id="a2", recommender="ease", rank=1, call=3),
        fitting("a2"),
    ],
    ids=repr,
)
def test_a_recommendation_takes_no_reason_of_something_else(films, reason):
    with pytest.raises(InputError):
        Recommendation(films.get("a2"), "x", (), (), None, reasons=(reason,))


@pytest.mark.parametrize(
    "text",
    [
        "The user loves sci-fi and comedies.",
        "The user loves films, above all sci-fi.",
    ],
)
def test_a_line_that_says_something_else_is_told_as_what_it_was_computed_to_be(films, base, text):
    portrait = [line("genre", "Sci-Fi", text=text)]
    history = History()
    history.add("a1", done(films, "a1"))
    chosen = chosen_of(films, base, base, history, portrait)
    (told,) = [
        r.told
        for g in Explainer(films, base, Answers().model()).grounds(chosen, 12)[:1]
        for r in g.reasons
        if r.kind == "portrait"
    ]
    assert told == "you rate the genre Sci-Fi above the rest"


def test_a_year_that_was_not_wanted_is_told_without_a_point():
    reason = Granted(item_id="a2", condition="year not in {1990}", attributes={"year": 1986.0})
    assert clause(reason) == "as you wished, it is not 1990"


def test_only_what_was_not_disliked_is_named(films, base):
    history = History()
    history.add("a1", done(films, "a1", "rating", 5.0))
    history.add("a2", done(films, "a2", "rating", 1.0))
    history.add("b1", done(films, "b1", "dislike"))
    chosen = chosen_of(films, base, base, history, [])
    why = {g.item.id: sentence(g) for g in Explainer(films, base, Answers().model()).grounds(chosen, 12)}
    assert why["a3"] == "It goes with The Long Orbit (1979), which you rated 5 of 5."
    assert not any("Second Orbit" in told or "Tea at Four" in told for told in why.values())


def test_without_anything_known_the_reason_is_that_people_choose_it(films, base):
    chosen = chosen_of(films, base, base, History(), [])
    first, *_, last = Explainer(films, base, Answers().model()).grounds(chosen, 12)
    assert sentence(first) == "It is what people in general choose."
    assert "people" not in sentence(last)  # nobody has taken it


@pytest.mark.parametrize(
    ("worded", "kept"),
    [
        ("You love Sci-Fi films, and it goes with The Long Orbit (1979), which you rated 5 of 5.", True),
        ("You love Sci-Fi films and comedies, and it goes with The Long Orbit (1979).", False),
        ("You love Sci-Fi films, and it goes with The Long Orbit (1979), which you rated 4 of 5.", False),
    ],
)
async def test_a_model_may_word_reasons_and_add_nothing(films, base, worded, kept):
    history = History()
    history.add("a1", done(films, "a1", "rating", 5.0))
    portrait = [line("genre", "Sci-Fi", text="The user loves Sci-Fi films.")]
    chosen = chosen_of(films, base, base, history, portrait)
    model = Answers(replies={"reason": worded}).model()
    grounds = next(
        g for g in Explainer(films, base, model).grounds(chosen, 12) if "Sci-Fi" in values_of(g.item)
    )
    told = await justify(grounds, model, vocabulary={"Sci-Fi", "Comedy"})
    assert told == (worded if kept else sentence(grounds))


def test_what_a_text_names():
    vocabulary = {"Comedy", "Sci-Fi", "Film-Noir", "War", "Children's", ""}
    assert claimed("two comedies, no non-sci-fi, WAR and children's films", vocabulary) == {
        "Comedy",
        "War",
        "Children's",
    }
    assert claimed("warm, forward", vocabulary) == claimed("", vocabulary) == claimed("war", set()) == set()
    assert addressed("The user rates horror, such as It, low.") == "you rate horror"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("bir SİNEMA filmi", {"Sinema"}),
        ("old \u017fci-fi", {"Sci-Fi"}),
        ("comics", {"Comics"}),
        ("a comic", {"Comic"}),
    ],
)
def test_letters_and_plurals_that_are_not_what_they_seem(text, named):
    assert claimed(text, {"Sinema", "Sci-Fi", "Comic", "Comics"}) == named


async def test_the_agent_gives_them_to_whoever_asks(ada, films, rate, base, agent_of):
    from limner.apps.cli.printing import as_plain

    rate(ada, "a1", "a2")
    finish = {"action": "finish", "reason": "good"}
    script = Answers(replies={"decide": lambda _: finish, "step": "A", "reason": ""})
    found = await agent_of(script.model()).recommend(ada, k=3)
    stored = {observation.id for observation in ada.observations()}
    for pick in found:
        assert pick.reasons
        assert all(set(reason.evidence) <= stored for reason in pick.reasons)
    plain = as_plain(found)["items"][0]["reasons"]
    assert {"kind", "item_id", "attributes", "evidence", "call"} <= set(plain[0])
    assert any(reason["kind"] == "history" and reason["neighbours"] for reason in plain)


@pytest.mark.data
def test_two_hundred_recommendations_on_movielens_100k():
    from limner.memory import Observation
    from limner.profiles.propositions.findings import find

    data = load_dataset("ml-100k")
    catalogue, table = data.catalogue, data.interactions
    base, other = EASE().fit(table, catalogue), ItemKNN().fit(table, catalogue)
    explainer = Explainer(catalogue, base, Answers().model())
    wishes = ("", "genre in {Comedy}", "year < 1980", "genre not in {Drama}")
    checked, kinds = 0, set()
    for number, user in enumerate(table.users[:20]):
        history, observations = History(), []
        rated = table.by_user(user)
        rows = zip(rated.item, rated.value.tolist(), strict=True)
        for place, (item_id, value) in enumerate(list(rows)[-60:]):
            item = catalogue.get(item_id)
            event = Event(
                kind="rating",
                item_id=item_id,
                title=item.title,
                value=value,
                scale=(1, 5),
                attributes=item.attributes,
            )
            kind = ("rejected", "opened", "shown")[place % 3] if place % 10 == 0 else None
            told = Done(
                event.model_copy(update={"kind": kind, "value": None}) if kind else event, f"o{place}", NOW
            )
            history.add(item_id, told)
            observations.append(
                Observation(
                    id=f"o{place}",
                    user_id="u",
                    text="Rated",
                    event=told.event,
                    occurred_at=NOW,
                    recorded_at=NOW,
                )
            )
        portrait = [
            line(f.topic.attribute, f.topic.value, sign=f.topic.sign, measure=f.topic.measure).model_copy(
                update={
                    "evidence": tuple(
                        Evidence(observation_id=o.id, start=0, end=1, quote="R") for o in f.supports
                    )
                }
            )
            for f in find(observations, threshold=0.6)
        ]
        chosen = chosen_of(catalogue, base, other, history, portrait, wishes[number % 4])
        for grounds in explainer.grounds(chosen, 10):
            check(grounds, chosen, catalogue)
            checked += 1
            kinds |= {reason.kind for reason in grounds.reasons}
    assert checked == 200
    assert kinds == {"wish", "portrait", "history", "tool", "popularity", "moved"}

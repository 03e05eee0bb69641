import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.agents.conversation.question import Question
from limner.agents.simulators.leaks import leaks
from limner.agents.simulators.rules import RuleSeeker
from limner.agents.simulators.seeker import Heard
from limner.errors import InputError, NotFound
from limner.tools import Catalogue, Item

FILMS = Catalogue([
    Item(
        id=item_id,
        title=title,
        attributes={"genre": genre, "year": float(year), "director": (director,), "star": stars},
    )
    for item_id, title, genre, year, director, stars in [
        ("harbour", "Quiet Harbour (1994)", ("Drama", "War"), 1994, "Ana Sol", ("Bo Lind", "Cy Marsh")),
        ("hills", "Loud Hills (1999)", ("Comedy",), 1999, "Ana Sol", ("Bo Lind",)),
        ("night", "Night Ferry (2012)", ("Horror", "Drama"), 2012, "Di Voss", ("Cy Marsh",)),
        ("dusk", "Dusk Ferry (2015)", ("Horror",), 2015, "Di Voss", ("Ed Moor",)),
        ("sands", "Drama (1971)", ("War", "Drama"), 1971, "Fay Lunt", ("Ed Moor",)),
    ]
])
EVERYTHING = dict.fromkeys(("few", "year", "number", "star", "director", "writer", "many"), 1.0)
NOTHING = dict.fromkeys(EVERYTHING, 0.0)
GENRES = ("Comedy", "Drama", "Horror", "War")


def asked(attribute, options, conditions):
    return Heard(
        "?", question=Question(attribute=attribute, options=options, conditions=conditions, text="?")
    )


def genres(*options):
    return asked("genre", options, tuple(f"genre in {{{option}}}" for option in options))


def shown(*ids):
    return Heard("Look.", items=tuple(FILMS.get(item_id) for item_id in ids))


def seeker(*targets, **options):
    return RuleSeeker(FILMS, targets or ("harbour",), item_type="film", **options)


async def conversation(one, replies):
    said = [await one.open()]
    for reply in replies:
        said.append(await one.answer(reply))
        if said[-1].gave_up or said[-1].accepted:
            break
    return said


REPLIES = [
    Heard("Tell me more."),
    genres("Comedy", "Horror"),
    shown("hills", "dusk"),
    asked("year", ("1990s",), ("year between 1990 1999",)),
    shown("night"),
    genres("Drama", "War"),
    asked("director", ("Di Voss",), ("director in {Di Voss}",)),
]


async def test_the_same_seed_says_the_same_and_another_seed_something_else():
    talks = [await conversation(seeker(seed=seed, patience=9), REPLIES) for seed in (1, 1, 2)]
    assert talks[0] == talks[1]
    assert talks[0] != talks[2]


async def test_openings_are_varied():
    openings = {(await seeker(seed=seed).open()).text for seed in range(40)}
    assert len(openings) > 20


async def test_given_words_open_unless_they_give_the_target_away():
    assert (await seeker(opening=" I love war films ").open()).text == "I love war films"
    made = (await seeker(opening="I want Quiet Harbour").open()).text
    assert "harbour" not in made.lower()


async def test_a_target_that_is_shown_is_taken_without_being_named():
    said = await seeker("harbour", "night").answer(shown("hills", "night"))
    assert said.accepted == "night"
    assert not said.gave_up
    assert leaks(said.text, ["night"], FILMS) is None


@pytest.mark.parametrize("patience", [1, 3])
async def test_patience_ends(patience):
    said = await conversation(seeker(patience=patience), [Heard("Hm.")] * 10)
    assert [one.gave_up for one in said] == [False] * patience + [True]


async def test_a_question_is_answered_with_what_holds():
    for seed in range(20):
        text = (await seeker(seed=seed, known=EVERYTHING).answer(genres("Comedy", "War"))).text.lower()
        assert "war" in text
        assert "comedy" not in text


async def test_where_no_option_holds_that_is_said_and_sometimes_what_does():
    said = [
        (await seeker(seed=seed, known=EVERYTHING).answer(genres("Comedy", "Horror"))).text.lower()
        for seed in range(30)
    ]
    assert all("no" in text or "neither" in text for text in said)
    more = [text for text in said if "war" in text or "drama" in text]
    assert 5 < len(more) < 25


async def test_who_does_not_know_says_so():
    for seed in range(10):
        one = seeker(seed=seed, known=NOTHING)
        await one.answer(genres("Comedy", "War"))
        assert one.told == []


async def test_how_likely_an_attribute_is_known_can_be_set():
    async def knows(likely):
        told = 0
        for seed in range(200):
            one = seeker(seed=seed, known={"director": likely})
            await one.answer(asked("director", ("Ana Sol",), ("director in {Ana Sol}",)))
            told += bool(one.told)
        return told / 200

    assert 0.2 < await knows(0.3) < 0.4
    assert await knows(1.0) == 1.0


async def test_a_value_that_only_the_target_has_is_not_told():
    one = seeker("sands", known=EVERYTHING, patience=30)
    said = await conversation(
        one, [asked("director", ("Fay Lunt",), ("director in {Fay Lunt}",)), *[Heard("More.")] * 20]
    )
    text = " ".join(turn.text for turn in said)
    assert "Fay" not in text
    assert "70s" not in text
    assert "Ed Moor" in text


async def test_what_is_shown_is_turned_down_for_what_the_target_is_not():
    turned = {(await seeker(seed=seed, known=EVERYTHING).answer(shown("dusk"))).text for seed in range(60)}
    assert any("older" in text for text in turned)
    assert any("horror" in text.lower() for text in turned)
    assert any("drama" in text.lower() or "war" in text.lower() for text in turned)
    assert not any("newer" in text or "recent" in text.split("too recent")[0] for text in turned)


async def test_known_items_are_said_to_be_known():
    said = {(await seeker(seed=s, history=["dusk"]).answer(shown("dusk"))).text for s in range(30)}
    assert any("Dusk Ferry (2015)" in text for text in said)
    unknown = {(await seeker(seed=s).answer(shown("dusk"))).text for s in range(30)}
    assert not any("seen" in text.lower() or "know" in text for text in unknown)


async def test_an_example_is_something_known_that_is_alike():
    said = [(await seeker("night", seed=s, history=["dusk", "hills"]).open()).text for s in range(60)]
    assert any("Dusk Ferry" in text for text in said)
    assert not any("Loud Hills" in text for text in said)


@pytest.mark.parametrize(
    ("targets", "options", "error"),
    [
        ((), {}, InputError),
        (("harbour",), {"patience": 0}, InputError),
        (("harbour",), {"known": {"few": 1.5}}, InputError),
        (("nowhere",), {}, NotFound),
    ],
)
def test_what_makes_no_seeker_is_refused(targets, options, error):
    with pytest.raises(error):
        RuleSeeker(FILMS, targets, **options)


titles = st.sampled_from([
    "Comedy",
    "The Newer One",
    "It",
    "Up",
    "War Story",
    "Drama",
    "Thanks",
    "Night Ferry",
    "1990",
    "Ann Reed",
])
made = st.lists(
    st.builds(
        lambda title, genre, year, star: {
            "title": title,
            "attributes": {
                **({"genre": tuple(genre)} if genre else {}),
                **({"year": float(year)} if year else {}),
                **({"star": (star,)} if star else {}),
            },
        },
        titles,
        st.lists(st.sampled_from(GENRES), max_size=3, unique=True),
        st.one_of(st.none(), st.integers(1930, 2020)),
        st.sampled_from([None, "Ann Reed", "Bo Lind", "Up"]),
    ),
    min_size=2,
    max_size=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(made, st.integers(0, 1000), st.data())
async def test_everything_said_is_true_and_new_and_gives_nothing_away(records, seed, data):
    catalogue = Catalogue.from_records(
        [{"id": f"i{n}", **record} for n, record in enumerate(records)],
        kinds={"genre": "categories", "year": "number", "star": "categories"},
    )
    target = data.draw(st.sampled_from(catalogue.ids))
    history = data.draw(st.lists(st.sampled_from(catalogue.ids), max_size=3))
    one = RuleSeeker(catalogue, [target], history=history, seed=seed, patience=12, known=EVERYTHING)
    others = [item for item in catalogue if item.id != target]
    known = [a for a in ("genre", "star") if a in catalogue.schema()]

    def reply():
        kind = data.draw(st.sampled_from(["words", "items", *known]))
        if kind == "words":
            return Heard("Well?")
        if kind == "items":
            return Heard("See:", items=tuple(data.draw(st.lists(st.sampled_from(others), max_size=3))))
        options = catalogue.schema()[kind].values[:3]
        return asked(kind, options, tuple(f'{kind} in {{"{option}"}}' for option in options))

    said = await conversation(one, (reply() for _ in range(12)))
    assert said[-1].gave_up
    for turn in said:
        assert leaks(turn.text, [target], catalogue) is None
    for told in one.told:
        assert catalogue.mask(told.where)[catalogue.position(target)]
        assert (
            set(catalogue.select(told.where)) - {target}
            or " not in " in told.where
            or ">" in told.where
            or "<" in told.where
        )
    volunteered = [told.key for told in one.told if told.phrase != "chosen"]
    assert len(volunteered) == len(set(volunteered))

"""What code reads in a turn: dialogue acts, in the words of people who look for a film."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.agents.conversation.question import Question
from limner.agents.conversation.reading import Reader, Scene
from limner.tools import Catalogue, Item

FILMS = [
    ("alien", "Alien (1979)", 1979, ("Horror", "Sci-Fi"), "Ridley Scott", ("Sigourney Weaver",)),
    ("runner", "Blade Runner (1982)", 1982, ("Sci-Fi", "Thriller"), "Ridley Scott", ("Harrison Ford",)),
    ("emma", "Emma (1996)", 1996, ("Comedy", "Romance"), "Douglas McGrath", ("Gwyneth Paltrow",)),
    ("big", "Big (1988)", 1988, ("Comedy",), "Penny Marshall", ("Tom Hanks",)),
    ("seven", "Seven (1995)", 1995, ("Crime", "Thriller"), "David Fincher", ("Brad Pitt", "Emma Bell")),
    ("dust", "Red Dust (1990)", 1990, ("Action", "Drama"), "Kevin Lincoln", ("Tom Hanks",)),
    ("lincoln", "Lincoln (2012)", 2012, ("Drama", "War"), "Steven Spielberg", ("Daniel Day-Lewis",)),
    ("songs", "Songs of Tin (2001)", 2001, ("Musical", "Romance"), "Ann Roth", ("Gwyneth Paltrow",)),
]
CATALOGUE = Catalogue(
    Item(
        id=id,
        title=title,
        attributes={"year": float(year), "genre": genres, "director": director, "star": stars},
    )
    for id, title, year, genres, director, stars in FILMS
)
CATALOGUE = Catalogue(CATALOGUE.items(), kinds={"director": "category"})
READER = Reader(CATALOGUE, "film")
SHOWN = ("alien", "runner", "emma")
SCENE = Scene(shown=SHOWN)
GENRES = Question(
    attribute="genre",
    options=("Comedy", "Thriller", "Drama"),
    conditions=("genre in {Comedy}", "genre in {Thriller}", "genre in {Drama}"),
    text="Which?",
)


def read(text, scene=SCENE):
    return READER.read(text, scene).acts


def wanted(text, scene=SCENE):
    return {act.where for act in read(text, scene) if act.kind == "wanted"}


def kinds(text, scene=SCENE):
    return {act.kind for act in read(text, scene)}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a comedy please", {"genre in {Comedy}"}),
        ("I'm in the mood for comedies", {"genre in {Comedy}"}),
        ("no horror", {"genre not in {Horror}"}),
        ("anything but musicals", {"genre not in {Musical}"}),
        ("I am not a fan of live action movies though", {"genre not in {Action}"}),
        ("not into horror", {"genre not in {Horror}"}),
        ("a comedy or a drama", {"genre in {Comedy, Drama}"}),
        ("a comedy, but no romance", {"genre in {Comedy}", "genre not in {Romance}"}),
        ("something from before 1990", {"year <= 1989"}),
        ("from the 80s", {"year between 1980 1989"}),
        ("between 1985 and 1995", {"year between 1985 1995"}),
        ("I'd like something from the last few years", {"year >= 2005"}),
        ("anything with Tom Hanks in it", {"star in {Tom Hanks}"}),
        ("something directed by Ridley Scott", {"director in {Ridley Scott}"}),
        ("something directed by Kevin Lincoln", {"director in {Kevin Lincoln}"}),
        ("with Emma Bell in it", {"star in {Emma Bell}"}),
        ("Any good recommendations for action movies?", {"genre in {Action}"}),
    ],
)
def test_conditions(text, where):
    assert wanted(text) == where
    assert "liking" not in kinds(text)
    assert "asked" not in kinds(text)


@pytest.mark.parametrize(
    ("text", "ids", "liked", "wished"),
    [
        ("I loved Alien and Blade Runner", ("alien", "runner"), True, False),
        ("i loved red dust", ("dust",), True, False),
        ("something like Alien", ("alien",), True, True),
        ("like Blade Runner but funnier", ("runner",), True, True),
        ("I hated Red Dust", ("dust",), False, False),
        ("Alien was boring", ("alien",), False, False),
    ],
)
def test_likings(text, ids, liked, wished):
    act = next(act for act in read(text) if act.kind == "liking")
    assert (act.item_ids, act.liked, act.wished) == (ids, liked, wished)


@pytest.mark.parametrize(
    "text", ["a big film about seven friends", "something for emma and me", "that would be big fun"]
)
def test_titles_that_are_words_of_every_day_are_no_titles(text):
    assert "liking" not in kinds(text)


@pytest.mark.parametrize(
    ("text", "direction", "attribute", "values", "than"),
    [
        ("older", "less", "year", set(), SHOWN),
        ("something more recent", "more", "year", set(), SHOWN),
        ("too old", "more", "year", set(), SHOWN),
        ("Blade Runner is too old", "more", "year", set(), ("runner",)),
        ("something newer than Alien (1979)", "more", "year", set(), ("alien",)),
        ("less scary", "less", None, {"Horror", "Thriller"}, SHOWN),
        ("funnier", "more", None, {"Comedy"}, SHOWN),
        ("Alien has too much horror", "less", None, {"Horror"}, ("alien",)),
        ("not so violent", "less", None, {"Action", "War", "Horror", "Crime", "Thriller"}, SHOWN),
    ],
)
def test_critiques(text, direction, attribute, values, than):
    act = next(act for act in read(text) if act.kind == "critique")
    assert (act.direction, act.attribute, act.than) == (direction, attribute, than)
    assert {value for _, value in act.values} <= values
    assert bool(act.values) == bool(values)


@pytest.mark.parametrize(
    ("text", "kind", "ids"),
    [
        ("not the second one", "rejected", ("runner",)),
        ("no, too violent", "rejected", SHOWN),
        ("not interested", "rejected", SHOWN),
        ("I've seen the first two", "seen", ("alien", "runner")),
        ("I have already seen Alien", "seen", ("alien",)),
        ("I'll take the third", "accepted", ("emma",)),
        ("ok I'll watch Alien", "accepted", ("alien",)),
        ("why the second one?", "why", ("runner",)),
        ("who directed Alien?", "about", ("alien",)),
        ("what's Blade Runner about?", "about", ("runner",)),
    ],
)
def test_items_that_are_spoken_of(text, kind, ids):
    act = next(act for act in read(text) if act.kind == kind)
    assert act.item_ids == ids


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("what do you know about me?", "profile"),
        ("start over", "restart"),
        ("what else?", "more"),
        ("Do you know of any good ones?", "more"),
        ("surprise me", "indifferent"),
        ("thanks, bye!", "farewell"),
        ("Hi there!", "small"),
        ("what did I say about my sister?", "asked"),
    ],
)
def test_the_rest(text, kind):
    assert kind in kinds(text)


@pytest.mark.parametrize(
    ("text", "what", "numbers", "words"),
    [
        ("forget that", "last", (), ""),
        ("scratch that", "last", (), ""),
        ("forget number 2", "listed", (2,), ""),
        ("please forget everything I said here", "session", (), ""),
        ("forget that I like horror", "words", (), "I like horror"),
    ],
)
def test_what_is_to_be_forgotten(text, what, numbers, words):
    (act,) = (act for act in read(text, Scene(shown=SHOWN, listed=3)) if act.kind == "forget")
    assert (act.what, act.numbers) == (what, numbers)
    assert words in act.words


@pytest.mark.parametrize(
    ("text", "where", "indifferent"),
    [
        ("thriller", {"genre in {Thriller}"}, False),
        ("the second one", {"genre in {Thriller}"}, False),
        ("comedy or drama", {"genre in {Comedy, Drama}"}, False),
        ("not drama", {"genre not in {Drama}"}, False),
        ("none of these", {"genre not in {Comedy, Thriller, Drama}"}, False),
        ("I don't mind", set(), True),
        ("no idea", set(), True),
    ],
)
def test_answers_to_a_question(text, where, indifferent):
    scene = Scene(question=GENRES)
    assert wanted(text, scene) == where
    acts = [act for act in read(text, scene) if act.kind == "indifferent"]
    assert [act.attribute for act in acts] == (["genre"] if indifferent else [])


def test_words_that_no_attribute_covers_are_kept_and_chat_is_not():
    assert [act.quote for act in read("a comedy with zeppelins") if act.kind == "words"] == ["with zeppelins"]
    reading = READER.read("Hi, how are you? I'm good, thanks.", SCENE)
    assert {act.kind for act in reading.acts} <= {"small"}
    assert not reading.unread


@given(st.text(max_size=200), st.booleans())
def test_any_text_can_be_read_and_every_quote_is_in_it(text, asked):
    scene = Scene(shown=SHOWN, question=GENRES if asked else None, listed=2)
    for act in READER.read(text, scene).acts:
        assert act.quote
        assert act.quote in text


def test_a_very_long_turn_is_read_in_time():
    assert READER.read("no horror please, " * 3000, SCENE).acts

"""A store of entities for each user, and queries from it: what is linked, counted, erased, and suggested."""

import json
from datetime import UTC, datetime

import pytest
from made import day

from answering import Answers
from limner.errors import InputError
from limner.memory import Event
from limner.profiles.entities import Entity, EntityPortraitist, Vocabulary, suggest_queries
from limner.profiles.entities.portraitist import seen_in
from limner.testing import HashEncoder
from limner.tools import Catalogue, Dataset, Item

HORROR, COMEDY = Entity("Horror", "genre"), Entity("Comedy", "genre")
ALIEN = Entity("Alien (1979)", "film")
ITEMS = [
    ("Alien (1979)", {"genre": ("Horror",), "director": "Ridley Scott", "year": 1979, "plot": "x" * 80}),
    ("Third Man, The (1949)", {"genre": ("Thriller",), "director": "Carol Reed"}),
    ("It (1990)", {"genre": ("Horror",)}),
    ("Fargo (1996)", {"genre": ("Comedy", "Crime")}),
]


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    items = [Item(id=str(n), title=title, attributes=fields) for n, (title, fields) in enumerate(ITEMS)]
    return Vocabulary.of(Dataset("films", Catalogue(items), None, item_type="film"), None)


@pytest.fixture
def ask(ada, vocabulary):
    async def ask(query: str, page: str = "", words: Vocabulary = vocabulary, **more: object):
        portrait = await EntityPortraitist(words).draw(ada)
        return await suggest_queries(portrait, query, page, words, HashEncoder(), **more)

    return ask


def linked(vocabulary: Vocabulary, text: str) -> list[tuple[str, str]]:
    return [(one.entity.name, text[one.start : one.end]) for one in vocabulary.link(text)]


def test_entities_are_found_by_their_words(vocabulary) -> None:
    text = "I loved Alien more than the third man; no more horrors by ridley scott!"
    assert linked(vocabulary, text) == [
        ("Alien (1979)", "Alien"),
        ("Third Man, The (1949)", "the third man"),
        ("Horror", "horrors"),
        ("Ridley Scott", "ridley scott"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It was late. It rained on it.", []),
        ("we saw fargo", []),
        ("We saw Fargo", [("Fargo (1996)", "Fargo")]),
        ("Fargo", []),
        ("", []),
        ("Scott", []),
        ("comic books and criminal law", []),
        ("Crimes and comedies", [("Crime", "Crimes"), ("Comedy", "comedies")]),
    ],
)
def test_a_title_of_one_word_counts_only_where_it_is_written_as_one(vocabulary, text, found) -> None:
    assert linked(vocabulary, text) == found


def test_a_file_brings_names_in_any_language(tmp_path) -> None:
    file = tmp_path / "names.json"
    file.write_text(json.dumps({"食べ物": ["寿司", "抹茶"], "Stadt": {"München": ["Munich"]}}), "utf-8")
    words = Vocabulary.of(None, file)
    assert linked(words, "昨日は寿司を食べました。") == [("寿司", "寿司")]
    assert linked(words, "Ab nach münchen, off to Munich") == [("München", "münchen"), ("München", "Munich")]


@pytest.mark.parametrize(
    "content", ["", "[]", '{"a": 3}', '{"a": [1]}', '{"a": {"b": 2}}', '{"a": [" "]}', None]
)
def test_a_file_of_another_form_is_refused(tmp_path, content) -> None:
    file = tmp_path / "names.json"
    if content is not None:
        file.write_text(content, "utf-8")
    with pytest.raises(InputError, match=r"names\.json"):
        Vocabulary.of(None, file)


async def test_the_portrait_counts_with_evidence_and_is_kept(ada, vocabulary) -> None:
    drawer = EntityPortraitist(vocabulary)
    ada.observe("horror films like Alien", source="search", occurred_at=day(0))
    ada.observe("new horror this year", source="search", occurred_at=day(5))
    ada.observe("Alien is a horror film.", author="assistant", occurred_at=day(6))
    portrait = await drawer.draw(ada)
    assert [line.text for line in portrait.lines] == [
        "Horror (genre): 2 times, last on 2025-03-06",
        "Alien (1979) (film): 1 time, last on 2025-03-01",
    ]
    assert [[span.quote for span in line.evidence] for line in portrait.lines] == [
        ["horror", "horror"],
        ["Alien"],
    ]
    assert [one.entity for one in seen_in(portrait)] == [HORROR, ALIEN]
    assert await drawer.draw(ada) == portrait == ada.portrait("entities")
    ada.observe("comedy tonight", source="search", occurred_at=day(6))
    assert COMEDY in {one.entity for one in seen_in(await drawer.draw(ada))}


async def test_what_is_forgotten_is_counted_no_longer(ada, vocabulary) -> None:
    drawer = EntityPortraitist(vocabulary)
    said = [ada.observe(f"horror film number {n}", occurred_at=day(n)) for n in range(12)]
    (line,) = (await drawer.draw(ada)).lines
    assert line.text.startswith("Horror (genre): 12 times")
    assert said[0].id not in {span.observation_id for span in line.evidence}
    assert ada.forget(said[0].id).portraits == 1
    assert ada.portrait("entities") is None
    assert (await drawer.draw(ada)).lines[0].text.startswith("Horror (genre): 11 times")


async def test_what_was_liked_counts_and_what_was_not_does_not(ada) -> None:
    def rate(title: str, value: float | None, kind: str = "rating") -> None:
        event = Event(
            kind=kind,
            item_id=title,
            title=title,
            item_type="film",
            value=value,
            scale=(1, 5) if value else None,
        )
        ada.observe(
            f"{kind} {title}", event=event.model_copy(update={"attributes": {"genre": (f"{title}ish",)}})
        )

    rate("A", 5)
    rate("B", 1)
    rate("C", None, "dislike")
    rate("D", None, "view")
    rate("E", None, "shown")
    rate("F", None, "rejected")
    rate("G", None, "opened")
    drawn = await EntityPortraitist(Vocabulary({})).draw(ada)
    assert {one.entity.name for one in seen_in(drawn)} == {"A", "Aish", "D", "Dish", "G", "Gish"}


async def test_a_query_goes_on_with_what_the_user_had_to_do_with(ada, ask) -> None:
    ada.observe("We watched horror by Ridley Scott", source="search")
    ada.observe("what to cook", source="search")
    found = await ask("films by rid")
    (one,) = found.suggestions
    assert (one.text, one.entity.kind, found.reason) == ("films by Ridley Scott", "director", None)
    assert [span.quote for span in one.evidence] == ["Ridley Scott"]
    together = await ask("best horror")
    assert [one.text for one in together.suggestions] == ["best horror Ridley Scott"]
    on_page = await ask("who was", page="A page on Ridley Scott's films.")
    assert on_page.suggestions[0].text == "who was Ridley Scott"


async def test_a_user_of_whom_nothing_is_known_gets_general_suggestions_or_a_reason(ada, memory, ask) -> None:
    found = await ask("films by car")
    assert [(one.text, one.evidence) for one in found.suggestions] == [("films by Carol Reed", ())]
    assert found.reason == "nothing is known of the user yet"
    nothing = await ask("zzz")
    assert nothing.suggestions == ()
    assert "no name in the vocabulary begins so" in nothing.reason
    assert memory.users() == []  # nobody was made up by asking


@pytest.mark.parametrize(
    "said", ["horror", "Ayer vi una película de terror con mi hermana.", "昨日は映画を見ました。"]
)
async def test_one_item_and_another_language_have_an_outcome(ada, ask, said) -> None:
    ada.observe(said, occurred_at=datetime(2026, 5, 1, tzinfo=UTC))
    found = await ask("films ho")
    assert [one.text for one in found.suggestions] == ["films Horror"]
    assert bool(found.suggestions[0].evidence) == (said == "horror")


async def test_bad_input_and_a_paused_user_have_an_outcome(ada, ask) -> None:
    for query, k in (("", 4), ("  ", 4), ("x" * 501, 4), ("films", 0)):
        with pytest.raises(InputError):
            await ask(query, k=k)
    ada.observe("horror")
    ada.pause()
    assert [one.text for one in (await ask("films ho")).suggestions] == ["films Horror"]


async def test_the_model_words_queries_and_is_not_believed(ada, ask) -> None:
    ada.observe("horror by Ridley Scott", source="search")
    replies = {
        "query": lambda last: "films by Ridley Scott about space" if "Ridley" in last else "Shoes by Prada"
    }
    answers = Answers(replies=replies)
    found = await ask("horror films", model=answers.model(plan="small"))
    assert [(one.text, one.worded) for one in found.suggestions] == [
        ("films by Ridley Scott about space", True)
    ]
    other = Answers(replies={"query": "Shoes by Prada"})
    found = await ask("horror films", model=other.model(plan="small"))
    assert [(one.text, one.worded) for one in found.suggestions] == [("horror films Ridley Scott", False)]


async def test_a_strong_model_is_asked_once(ada, ask) -> None:
    ada.observe("horror by Ridley Scott", source="search")
    answers = Answers(
        replies={
            "queries": {
                "queries": [
                    {"interest": 1, "query": "horror films of Ridley Scott"},
                    {"interest": 9, "query": "no"},
                ]
            }
        }
    )
    found = await ask("horror films", model=answers.model(plan="batch"))
    assert [one.text for one in found.suggestions] == ["horror films of Ridley Scott"]
    assert answers.calls == {"queries": 1}

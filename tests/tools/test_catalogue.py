import pytest

from contracts.recommender_data import FILMS, catalogue
from limner.errors import InputError, InvalidFilter, NotFound
from limner.tools.catalogue import Catalogue, Item
from limner.tools.filters import Condition, Filter


@pytest.fixture
def films():
    return catalogue()


def test_attributes_are_typed_by_what_they_hold(films):
    schema = films.schema()
    assert schema["genre"].kind == "categories"
    assert schema["genre"].values[:2] == ("Comedy", "Sci-Fi")
    assert (schema["year"].kind, schema["year"].minimum, schema["year"].maximum) == ("number", 1975.0, 1998.0)
    assert schema["year"].missing == 1
    assert schema["year"].integral
    assert schema["title"].kind == "text"
    assert "description" not in schema


def test_repeated_texts_are_a_category_and_others_are_text():
    items = [
        Item(id=str(n), attributes={"country": "PT" if n % 2 else "SE", "motto": f"motto {n}"})
        for n in range(6)
    ]
    schema = Catalogue(items).schema()
    assert schema["country"].kind == "category"
    assert schema["motto"].kind == "text"
    assert Catalogue(items, kinds={"motto": "category"}).schema()["motto"].kind == "category"


def test_a_value_that_does_not_fit_its_kind_is_refused():
    with pytest.raises(InputError, match="year"):
        Catalogue([Item(id="1", attributes={"year": "MCMXC"})], kinds={"year": "number"}).schema()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (None, [film[0] for film in FILMS]),
        ("", [film[0] for film in FILMS]),
        ("genre in {Horror}", ["a1"]),
        ("genre in {horror, ROMANCE}", ["a1", "b2", "b4"]),
        ("genre in {Sci-Fi} and genre in {Action}", ["a2"]),
        ("genre not in {Sci-Fi, Comedy}", ["c1", "c2", "c3", "c4"]),
        ("year between 1985 1990", ["a2", "a3", "b1"]),
        ("year > 1997", ["a4"]),
        ("year >= 1997", ["a4", "b4"]),
        ("year < 1979", ["c1"]),
        ("year <= 1979", ["a1", "c1"]),
        ("year in {1975, 1998}", ["a4", "c1"]),
        ("year not in {1975} and genre in {Drama}", ["c2", "c3", "c4"]),
        ("title contains ORBIT", ["a1", "a2"]),
        ("title contains (19", [film[0] for film in FILMS[:-1]]),
        ("title contains .*", []),
        ("YEAR > 1997", ["a4"]),
    ],
)
def test_select(films, where, expected):
    assert films.select(where) == expected


@pytest.mark.parametrize(
    ("where", "nearest"),
    [
        ("genre in {Comdy}", "Comedy"),
        ("genre in {scifi}", "Sci-Fi"),
        ("gender in {Comedy}", "genre"),
        ("genre > 3", "in"),
        ("genre contains Com", "in"),
        ("year contains 19", "between"),
        ("title in {Unseen}", "contains"),
    ],
)
def test_a_wrong_name_offers_the_nearest(films, where, nearest):
    with pytest.raises(InvalidFilter) as raised:
        films.select(where)
    assert nearest in raised.value.nearest
    assert nearest in str(raised.value)


def test_a_name_like_nothing_lists_what_there_is(films):
    with pytest.raises(InvalidFilter, match="Comedy"):
        films.select("genre in {Zzzzzz}")


def test_a_validated_filter_is_spelt_as_the_catalogue_spells(films):
    where = films.validated(Filter.parse("GENRE in {comedy, Comedy} and year in {1990}"))
    assert str(where) == "genre in {Comedy} and year in {1990}"
    with pytest.raises(InvalidFilter, match="numbers"):
        films.validated(Filter(conditions=(Condition(attribute="year", op="in", values=("new",)),)))


def test_numbers_that_are_categories_can_be_written_bare():
    rooms = Catalogue(Item(id=str(n), attributes={"floor": (str(n // 2),)}) for n in range(4))
    assert rooms.select("floor in {1}") == ["2", "3"]


def test_ids_are_unique():
    with pytest.raises(InputError, match="'x' occurs twice"):
        Catalogue([Item(id="x"), Item(id="y"), Item(id="x")])


def test_lookup(films):
    assert films.get("a1").title == "The Long Orbit (1979)"
    assert "a1" in films
    assert "nowhere" not in films
    assert films.positions(["c4", "nowhere", "a1"]).tolist() == [11, 0]
    for ask in (films.get, films.position, films.twins):
        with pytest.raises(NotFound):
            ask("nowhere")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("the long orbit (1979)", ["a1"]),
        ("Long Orbit", ["a1"]),
        ("nobodys daughter", ["c3"]),
        ("Orbit", ["a1", "a2"]),
        ("Long Orbt", ["a1"]),
        ("Qwrtzp", []),
    ],
)
def test_find(films, title, expected):
    assert [item.id for item in films.find(title)][: len(expected)] == expected
    assert bool(films.find(title)) == bool(expected)


def test_a_year_that_is_given_must_be_right(films):
    remakes = films.with_items([Item(id="r", title="The Long Orbit (2019)")])
    assert [item.id for item in remakes.find("The Long Orbit (2019)")] == ["r"]
    assert [item.id for item in remakes.find("Long Orbit")] == ["a1", "r"]
    assert [item.id for item in films.find("The Long Orbit (1999)", n=1)] == ["a1"]


def test_an_item_listed_twice_knows_its_twin():
    twice = Catalogue([
        Item(id="1", title="Deceiver (1997)"),
        Item(id="2", title="Deceiver (1997)"),
        Item(id="3", title="X"),
    ])
    assert twice.twins("1") == ["2"]
    assert twice.twins("3") == []
    assert len(twice.find("deceiver")) == 2


def test_without_titles_the_id_stands_in():
    bare = Catalogue.from_records([{"id": "7"}, {"id": "8", "title": "  "}])
    assert [item.title for item in bare] == ["7", "8"]
    assert [item.id for item in bare.find("8")] == ["8"]


def test_changes_give_a_new_catalogue_and_a_new_version(films):
    more = films.with_items([Item(id="d1", title="New"), Item(id="a1", title="Renamed")])
    assert len(more) == len(films) + 1
    assert more.get("a1").title == "Renamed"
    assert films.get("a1").title == "The Long Orbit (1979)"
    fewer = films.without(["a1", "nowhere"])
    assert len(fewer) == len(films) - 1
    assert len({films.version, more.version, fewer.version}) == 3
    assert catalogue().version == films.version


def test_an_empty_catalogue_has_nothing_to_select():
    empty = Catalogue([])
    assert len(empty) == 0
    assert empty.select(None) == []
    with pytest.raises(InvalidFilter):
        empty.select("genre in {Comedy}")


def test_storage(films, tmp_path):
    films.save(tmp_path / "films.json")
    loaded = Catalogue.load(tmp_path / "films.json")
    assert loaded.version == films.version
    assert loaded.schema() == films.schema()
    assert loaded.items() == films.items()


@pytest.mark.parametrize("content", ["", "{}", '{"kinds": {}, "items": [{"no": "id"}]}', "[1]"])
def test_what_is_no_catalogue_is_refused(tmp_path, content):
    (tmp_path / "films.json").write_text(content)
    with pytest.raises(InputError, match="not a catalogue"):
        Catalogue.load(tmp_path / "films.json")
    with pytest.raises(InputError, match="cannot be read"):
        Catalogue.load(tmp_path / "nowhere.json")


def test_a_record_that_does_not_fit_is_named_by_number():
    with pytest.raises(InputError, match="Item 2"):
        Catalogue.from_records([{"id": "1"}, {"id": ["2"]}])

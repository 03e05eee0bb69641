import json

import pytest

from limner.errors import InputError
from limner.evals.conversation.redial import load_redial
from limner.evals.sources import DataError
from limner.tools.recommenders import Popularity

FILMS = {
    "1": {
        "name": "Quiet Harbour (1999)",
        "genre": ["drama", "war", "drama", " "],
        "director": ["Ana Sol"],
        "writer": [],
        "star": ["Bo Lind", "Cy Marsh"],
        "plot": " A harbour waits. ",
        "imdb_id": "tt1",
    },
    "2": {"name": "The Quiet Harbour", "genre": ["drama"], "director": [], "plot": "", "imdb_id": "tt1"},
    "3": {"name": "Quiet Harbour (2011)", "genre": ["comedy"], "plot": None, "imdb_id": "tt1"},
    "4": {"name": "War (2007)", "genre": ["action"], "imdb_id": "tt4"},
    "5": {"name": "Émile", "genre": ["comedy"], "imdb_id": "tt5"},
    "6": {"name": "Loud Hills (2001)", "genre": ["comedy"], "imdb_id": "tt1"},
}
TURNS = [
    {
        "dialog_id": "10",
        "turn_id": 2,
        "context": ["", "Hello!", "Something with war, like Loud Hills (2001)?"],
        "entity": ["war", "Loud Hills (2001)", "Bo Lind"],
        "rec": ["Quiet Harbour (1999)"],
    },
    {
        "dialog_id": "10",
        "turn_id": 4,
        "context": ["", "Hello!", "Something with war?", "", "Or a comedy"],
        "entity": ["war", "Quiet Harbour (1999)"],
        "rec": ["Emile (1990)", "Quiet Harbour (1999)"],
    },
    {"dialog_id": 11, "turn_id": 0, "context": ["hi"], "entity": [], "rec": ["Nobody Made This"]},
    {"dialog_id": "12", "turn_id": 0, "context": ["hi"], "entity": [], "rec": ["Loud Hills (2001)"]},
    {"dialog_id": "13", "turn_id": 1, "context": ["hi", "hello", "hm"], "entity": [], "rec": ["War (2007)"]},
    {"dialog_id": "14", "turn_id": 0, "context": ["hi"], "entity": [], "rec": ["loud hills"]},
]


def write(folder, films=FILMS, turns=TURNS):
    (folder / "id2info.json").write_text(json.dumps(films), encoding="utf-8")
    (folder / "test_turns.jsonl").write_text("\n".join(json.dumps(t) for t in turns), encoding="utf-8")
    return folder


def test_the_films_become_a_catalogue_with_the_year_as_a_number(tmp_path):
    data = load_redial(write(tmp_path))
    film = data.catalogue.get("1")
    assert (film.title, film.description) == ("Quiet Harbour (1999)", "A harbour waits.")
    assert film.attributes == {
        "genre": ("drama", "war"),
        "director": ("Ana Sol",),
        "star": ("Bo Lind", "Cy Marsh"),
        "year": 1999.0,
    }
    assert "year" not in data.catalogue.get("5").attributes
    assert data.catalogue.select("year < 2001 and genre in {war}") == ["1"]


def test_a_turn_says_who_spoke_and_which_films_were_meant(tmp_path):
    first, second, *_ = load_redial(write(tmp_path)).turns
    assert first.context == (
        ("recommender", "Hello!"),
        ("seeker", "Something with war, like Loud Hills (2001)?"),
    )
    assert first.mentioned == ("6",)  # "war" is a word, and not the film War (2007)
    assert second.context[-1] == ("seeker", "Or a comedy")
    assert [speaker for speaker, _ in second.context] == ["recommender", "seeker", "seeker"]
    assert second.targets == ("5", "1", "2")
    assert second.new_targets == ("5",)


def test_a_film_under_two_ids_is_one_film_only_where_title_and_imdb_id_agree(tmp_path):
    turn = load_redial(write(tmp_path)).turns[0]
    assert turn.targets == ("1", "2")  # not 3, of another year, nor 6, of another title


def test_titles_that_no_film_has_are_counted_and_their_turns_left_out(tmp_path):
    data = load_redial(write(tmp_path))
    assert data.counted["recommended title that no film has"] == 1
    assert data.counted["turn without a known target"] == 1
    assert "11" not in {turn.dialogue for turn in data.turns}


@pytest.mark.parametrize("seed", [0, 7])
def test_no_dialogue_is_in_both_halves_and_what_is_fitted_on_one_knows_nothing_of_the_other(tmp_path, seed):
    data = load_redial(write(tmp_path), seed=seed)
    dev, report = data.half("dev"), data.half("report")
    assert len(dev) + len(report) == len(data.turns)
    assert {t.dialogue for t in dev}.isdisjoint(t.dialogue for t in report)
    assert set(data.interactions("dev").users) == {t.dialogue for t in dev}
    again = load_redial(tmp_path, seed=seed)
    assert again.half("dev") == dev


def test_the_films_of_a_dialogue_are_in_the_order_they_came_up_each_once(tmp_path):
    data = load_redial(write(tmp_path, turns=TURNS[:2][::-1]))
    half = "dev" if data.half("dev") else "report"
    assert data.interactions(half).histories() == {"10": ["6", "1", "2", "5"]}
    dataset = data.dataset(half)
    assert (dataset.name, dataset.item_type) == ("redial", "film")
    best = Popularity().fit(dataset.interactions, dataset.catalogue).recommend([], 6)
    assert {scored.item_id for scored in best[:4]} == {"6", "1", "2", "5"}


def test_there_are_two_halves(tmp_path):
    with pytest.raises(InputError, match="dev and report"):
        load_redial(write(tmp_path)).half("test")


@pytest.mark.parametrize(
    ("films", "turns", "message"),
    [
        ([], TURNS, "holds no films by id"),
        ({"1": {"name": " "}}, TURNS, "row 1, field 'name': is empty"),
        ({"1": {"name": "X", "genre": "drama"}}, TURNS, "field 'genre'"),
        ({"1": {"name": "X", "star": [3]}}, TURNS, "field 'star': holds something that is no text"),
        (FILMS, [{**TURNS[0], "context": []}], "row 0, field 'context'"),
        (FILMS, [{**TURNS[0], "context": ["hello", " "]}], "field 'context'"),
        (FILMS, [{**TURNS[0], "turn_id": "x"}], "field 'turn_id'"),
        (FILMS, [TURNS[0], TURNS[0]], "turn 2 of dialogue 10 occurs before"),
        (FILMS, [TURNS[2]], "has no turn that recommends a film"),
        (FILMS, [["a"]], "row 0: is a list"),
    ],
)
def test_a_malformed_file_is_named_with_row_and_field(tmp_path, films, turns, message):
    with pytest.raises(DataError, match=message):
        load_redial(write(tmp_path, films, turns))


def test_a_missing_folder_or_file_says_where_the_data_comes_from(tmp_path):
    with pytest.raises(DataError, match="redialdata"):
        load_redial(tmp_path / "nowhere")
    (tmp_path / "id2info.json").write_text(json.dumps(FILMS))
    with pytest.raises(DataError, match=r"test_turns\.jsonl: does not exist"):
        load_redial(tmp_path)

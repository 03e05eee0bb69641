"""The rows of the table: beyond accuracy, asked at once or one by one, compared, kept, and failed."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from contracts.recommender_data import catalogue, interactions
from limner.errors import InputError, NotFound
from limner.evals.ranking import (
    PROTOCOLS,
    Record,
    catalogue_coverage,
    evaluate,
    leave_one_out,
    lists_of,
    measuring,
    self_information,
    self_information_of_items,
)
from limner.evals.ranking.costs import measured, saved_mb
from limner.evals.ranking.keeping import code_version, data_version
from limner.evals.ranking.lists import together
from limner.evals.ranking.measuring import Measured
from limner.settings import Settings
from limner.tools.catalogue import Catalogue, Item
from limner.tools.datasets import Dataset, load_dataset
from limner.tools.interactions import Interactions
from limner.tools.recommenders import EASE, ItemKNN, Popularity, Scored, discovery, recommender

FILMS = catalogue()
DATA = Dataset("made", FILMS, interactions())
SPLIT = leave_one_out(DATA.interactions)


class Shuffled(Popularity):
    """Gives the least popular first, by a `recommend` of its own alone."""

    name = "made_shuffled"

    def recommend(self, history, k, where=None, exclude=()):
        return super().recommend(history, len(self.catalogue), where, exclude)[::-1][:k]


class Fails(Popularity):
    """Breaks where it is told to."""

    name = "made_fails"

    def __init__(self, *, at="fit", seed=0):
        super().__init__(seed=seed)
        if at == "build":
            raise RuntimeError("cannot be built")
        self.at = at

    def _fit(self, interactions, catalogue):
        if self.at == "fit":
            raise ZeroDivisionError("of nothing")

    def _score(self, history):
        if self.at == "ask" or (self.at == "ask some" and history[0] % 2):
            raise KeyError("of nobody")
        return super()._score(history)

    def _arrays(self):
        if self.at == "save":
            raise ValueError("cannot be written")
        return {}


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    """Registers the made ones as a package would, without one."""
    made = {kind.name: kind for kind in (Shuffled, Fails)}
    names, found = discovery.available(), discovery.recommender_class
    monkeypatch.setattr(discovery, "recommender_class", lambda name: made.get(name) or found(name))
    for module in ("evaluation", "selection"):
        monkeypatch.setattr(
            f"limner.evals.ranking.{module}.recommender_class", lambda name: made.get(name) or found(name)
        )
    monkeypatch.setattr("limner.evals.ranking.evaluation.available", lambda: (*names, *made))


# Metrics of lists


def test_coverage_and_novelty_by_hand():
    lists = np.array([[0, 1], [1, -1], [-1, -1]])
    assert catalogue_coverage(lists, 4) == 0.5
    assert catalogue_coverage(np.full((2, 3), -1), 4) == 0.0
    bits = np.array([1.0, 3.0, 9.0, 9.0])
    found = self_information(lists, bits)
    assert found[:2].tolist() == [2.0, 3.0]
    assert math.isnan(found[2])


def test_self_information_is_of_the_training_users_who_took_an_item():
    items = Catalogue(Item(id=item_id) for item_id in "abcd")
    taken = Interactions.from_rows([
        ("u", "a", 1, 1),
        ("u", "a", 1, 2),
        ("v", "a", 1, 1),
        ("v", "b", 1, 2),
        ("w", "a", 1, 1),
        ("x", "a", 1, 1),
    ])
    # Everybody took a, one of four b; nobody c, which counts as though one had.
    assert self_information_of_items(taken, items).tolist() == [0.0, 2.0, 2.0, 2.0]


def test_the_popular_are_the_least_novel_and_cover_the_least():
    popular, personal = evaluate(DATA, ["popularity", "ease"], k=3)["rows"]
    assert popular["novelty@3"] < personal["novelty@3"]
    assert popular["coverage@3"] < personal["coverage@3"] <= 1
    assert popular["novelty@3_ci"][0] <= popular["novelty@3"] <= popular["novelty@3_ci"][1]
    assert "coverage@3_ci" not in popular


# Lists


@pytest.mark.parametrize("model", [EASE(regularization=5.0), ItemKNN(), Popularity()])
def test_lists_made_at_once_are_those_that_recommend_gives(model):
    model.fit(SPLIT.training, FILMS)
    assert together(model)
    histories = [*SPLIT.histories.values(), (), ("nowhere",), ("a1", "nowhere", "a1"), FILMS.ids]
    for k in (1, 5, 20):
        at_once = lists_of(model, histories, k)
        for row, history in zip(at_once.items, histories, strict=True):
            alone = [FILMS.position(one.item_id) for one in model.recommend(history, k)]
            assert row.tolist() == alone + [-1] * (k - len(alone))
        assert at_once.failures == 0


def test_equal_scores_are_in_catalogue_order_at_once_too():
    class Flat(Popularity):
        def _score(self, history):
            return np.ones(len(self._popularity), dtype=np.float32)

    lists = lists_of(Flat().fit(SPLIT.training, FILMS), [("a2",), ("c4",)], 12)
    assert lists.items[0, :11].tolist() == [0, *range(2, 12)]
    assert lists.items[1, :11].tolist() == list(range(11))


@pytest.mark.parametrize("overridden", ["recommend", "score", "score_many"])
def test_a_model_with_an_answer_of_its_own_is_asked_for_it(overridden):
    def own(self, *arguments, **options):
        return getattr(Popularity, overridden)(self, *arguments, **options)

    kind = type("Own", (Popularity,), {overridden: own})
    assert not together(kind().fit(SPLIT.training, FILMS))
    patched = Popularity().fit(SPLIT.training, FILMS)
    setattr(patched, overridden, own)
    assert not together(patched)


def test_what_recommend_gives_is_what_counts():
    rows = evaluate(DATA, ["popularity", "made_shuffled"], k=3)["rows"]
    assert rows[1]["batch_ms"] is None
    assert rows[1]["novelty@3"] > rows[0]["novelty@3"]


def test_where_many_at_once_get_something_else_each_is_asked_alone(monkeypatch):
    def other(self, histories):
        return -np.stack([self._score(history) for history in histories])

    before = evaluate(DATA, ["ease"], k=3)["rows"][0]
    monkeypatch.setattr(EASE, "_score_many", other)
    after = evaluate(DATA, ["ease"], k=3)["rows"][0]
    assert after["batch_ms"] is None
    assert after["ndcg@3"] == before["ndcg@3"]


@pytest.mark.parametrize(
    ("listed", "why"),
    [
        (["nowhere"], "nowhere"),
        (["a1", "b1", "b2"], "of the history"),
        (["b1", "b1", "b2"], "twice"),
        (["b1", "b2", "b3", "b4"], "too long"),
        ([], "a list of 0 items where 3 were asked for"),
    ],
)
def test_a_list_that_is_not_what_it_should_be_is_a_failure(listed, why):
    class Odd(Popularity):
        def recommend(self, history, k, where=None, exclude=()):
            return [Scored(item_id, 1.0) for item_id in listed]

    lists = lists_of(Odd().fit(SPLIT.training, FILMS), [("a1",)], 3)
    assert lists.failures == 1
    assert why in lists.reasons[0]
    assert lists.items.tolist() == [[-1, -1, -1]]


def test_a_history_that_cannot_be_scored_costs_its_own_list_alone():
    model = Fails(at="ask some").fit(SPLIT.training, FILMS)
    lists = lists_of(model, [("a1",), ("a2",), ("a3",)], 3)
    assert lists.failures == 1
    assert lists.reasons == ("KeyError: 'of nobody'",)
    assert (lists.items[1] == -1).all()
    assert (lists.items[[0, 2]] >= 0).all()


# Failures in the table


@pytest.mark.parametrize(
    ("at", "why"),
    [("build", "cannot be built"), ("fit", "ZeroDivisionError"), ("ask", "every list failed: KeyError")],
)
def test_a_broken_one_has_a_row_that_says_why_and_the_others_go_on(at, why):
    table = evaluate(DATA, ["made_fails", "ease"], settings={"made_fails": {"at": at}})
    broken, sound = json.loads(json.dumps(table))["rows"]
    assert why in broken["failed"]
    assert "ndcg@10" not in broken
    assert sound["failed"] is None
    assert sound["ndcg@10"] > 0


def test_failures_are_counted_score_zero_and_are_told():
    row = evaluate(DATA, ["made_fails"], settings={"made_fails": {"at": "ask some"}})["rows"][0]
    assert row["failed"] is None
    assert 0 < row["failures"] < 60
    assert row["problems"] == ["KeyError: 'of nobody'"]
    assert row["hr@10"] <= 1 - row["failures"] / 60


def test_one_that_cannot_be_saved_has_no_size_and_says_so():
    row = evaluate(DATA, ["made_fails"], settings={"made_fails": {"at": "save"}})["rows"][0]
    assert row["model_mb"] is None
    assert row["problems"] == ["it cannot be saved: ValueError: cannot be written"]


def test_a_name_that_is_not_there_is_said_before_anything_is_fitted():
    told = []
    with pytest.raises(NotFound, match="eaze"):
        evaluate(DATA, ["ease", "eaze"], progress=told.append)
    with pytest.raises(NotFound, match="eaze"):
        evaluate(DATA, ["ease"], against="eaze", progress=told.append)
    assert told == []


def test_what_the_catalogue_does_not_have_is_not_asked_for():
    rows = DATA.interactions.frame.rows()
    foreign = [(user, "nowhere", 5.0, 1e9) for user in DATA.interactions.users]
    more = Interactions.from_rows([*(row[1:] for row in rows), *foreign])
    first, second = (
        evaluate(Dataset("made", FILMS, taken), ["ease"], k=3) for taken in (DATA.interactions, more)
    )
    assert first["rows"][0]["hr@3"] == second["rows"][0]["hr@3"]
    with pytest.raises(InputError, match="hold out"):
        evaluate(Dataset("made", Catalogue([Item(id="zzz")]), DATA.interactions), ["ease"])


# Comparisons and parts


def test_each_is_compared_with_the_base_user_by_user():
    table = evaluate(DATA, ["ease", "popularity"], against="popularity", k=3)
    assert [row["name"] for row in table["rows"]] == ["popularity", "ease"]
    base, row = table["rows"]
    assert "ndcg@3_diff" not in base
    assert row["ndcg@3_diff"] == pytest.approx(row["ndcg@3"] - base["ndcg@3"], abs=2e-4)
    assert row["ndcg@3_diff_ci"][0] <= row["ndcg@3_diff"] <= row["ndcg@3_diff_ci"][1]
    assert 0 < row["ndcg@3_diff_p"] <= 1


def test_a_base_that_failed_is_compared_with_nothing():
    rows = evaluate(DATA, ["ease"], against="made_fails")["rows"]
    assert rows[0]["failed"]
    assert not any(name.endswith("_diff") for name in rows[1])


def test_the_validation_items_are_looked_for_with_the_training_items_alone():
    table = evaluate(DATA, ["ease"], split="validation", k=3)
    assert table["protocol"] == PROTOCOLS["validation"] != PROTOCOLS["test"]
    model = EASE().fit(SPLIT.training, FILMS)
    hits = [
        SPLIT.validation[user] in [one.item_id for one in model.recommend(history, 3)]
        for user, history in SPLIT.histories.items()
    ]
    assert table["rows"][0]["hr@3"] == pytest.approx(np.mean(hits), abs=1e-4)


# Costs


def test_the_size_is_that_of_the_arrays():
    small, large = (
        saved_mb(EASE().fit(SPLIT.training, items))
        for items in (FILMS, FILMS.with_items(Item(id=f"x{n}") for n in range(400)))
    )
    assert small == pytest.approx(12 * 13 * 4 / 1e6, rel=1)
    assert large == pytest.approx(412 * 413 * 4 / 1e6, rel=0.01)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells")
def test_the_peak_is_what_was_held_at_once_beyond_before():
    with measured() as held:
        np.ones(40_000_000, dtype=np.uint8).sum()
    assert 35 < held.peak_mb < 80
    with measured() as nothing:
        pass
    assert nothing.peak_mb < 20
    assert 0 <= nothing.seconds < held.seconds


def test_where_the_system_does_not_tell_the_peak_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setattr("limner.evals.ranking.costs._PROCESS", tmp_path / "nowhere")
    assert evaluate(DATA, ["popularity"])["rows"][0]["fit_peak_mb"] is None


# What was measured is kept


def test_a_table_goes_on_from_what_was_kept(tmp_path, monkeypatch):
    file = tmp_path / "table.json"
    first = evaluate(DATA, ["ease", "popularity"], record=Record(file, {"evaluated": "made"}))

    def never(*_):
        raise AssertionError

    monkeypatch.setattr(EASE, "_fit", never)
    again = evaluate(DATA, ["ease", "popularity"], record=Record(file, {"evaluated": "made"}))
    assert again == first


@pytest.mark.parametrize(
    "other",
    [{"seed": 1}, {"k": 3}, {"split": "validation"}, {"settings": {"ease": {"decay": 0.5}}}],
)
def test_what_was_kept_of_something_else_is_measured_again(tmp_path, other):
    record = Record(tmp_path / "table.json", {})
    evaluate(DATA, ["ease"], record=record)
    evaluate(DATA, ["ease"], record=record, **other)
    assert len(record.entries) == 2


def test_other_data_and_other_code_are_something_else(tmp_path, monkeypatch):
    record = Record(tmp_path / "table.json", {})
    evaluate(DATA, ["ease"], record=record)
    evaluate(Dataset("made", FILMS, interactions(seed=1)), ["ease"], record=record)
    monkeypatch.setattr("limner.evals.ranking.keeping.code_version", lambda kind: "changed")
    evaluate(DATA, ["ease"], record=record)
    assert len(record.entries) == 3


def test_a_failure_is_not_kept(tmp_path):
    record = Record(tmp_path / "table.json", {})
    evaluate(DATA, ["made_fails"], record=record)
    assert record.entries == []


def test_what_is_measured_goes_through_json():
    one = Measured("ease", {"seed": 0}, (1.0, math.inf), (2.0, math.nan), 0.5, 1, ("why",), 1.0, None, 2.0)
    back = Measured.from_entry(json.loads(json.dumps(one.as_entry(), allow_nan=False)))
    assert (back.ranks, back.problems, back.fit_peak_mb) == (one.ranks, one.problems, None)
    assert math.isnan(back.novelty[1])
    assert back.kept
    assert not one.kept


def test_versions_follow_the_content():
    assert data_version(DATA) == data_version(Dataset("other name", catalogue(), interactions()))
    assert data_version(DATA) != data_version(Dataset("made", FILMS.without(["c4"]), interactions()))
    assert code_version(EASE) != code_version(ItemKNN) != ""
    assert code_version(int) == ""


@pytest.mark.parametrize("text", ["", "[]", '{"about": {}}', '{"about": {}, "entries": [3]}', "\x00"])
def test_a_file_that_is_no_record_is_refused_and_left_alone(tmp_path, text):
    file = tmp_path / "record.json"
    file.write_text(text)
    with pytest.raises(InputError, match="no record"):
        Record(file, {})
    assert file.read_text() == text


def test_a_record_of_something_else_is_refused(tmp_path):
    Record(tmp_path / "record.json", {"recommender": "ease"}).add({"x": 1})
    with pytest.raises(InputError, match="something else"):
        Record(tmp_path / "record.json", {"recommender": "item_knn"})


def test_what_another_process_added_meanwhile_is_kept(tmp_path):
    one, other = (Record(tmp_path / "record.json", {}) for _ in range(2))
    one.add({"x": 1})
    other.add({"x": 2})
    one.add({"x": 3})
    assert [entry["x"] for entry in Record(tmp_path / "record.json", {}).entries] == [1, 2, 3]


def test_a_record_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        Record(tmp_path / "file" / "record.json", {}).add({"x": 1})


def test_only_fifty_are_asked_twice(monkeypatch):
    asked = []
    recommend = Popularity.recommend
    monkeypatch.setattr(measuring, "_ALONE", 10)
    monkeypatch.setattr(
        "limner.evals.ranking.lists.together", lambda model: asked.append(model) or False, raising=True
    )
    evaluate(DATA, ["popularity"])
    assert asked
    assert Popularity.recommend is recommend


@pytest.mark.data
@pytest.mark.parametrize("name", ["ease", "item_knn", "markov_knn", "als"])
def test_on_movielens_lists_made_at_once_are_those_that_recommend_gives(name):
    dataset = load_dataset("ml-100k", Settings())
    split = leave_one_out(dataset.interactions)
    model = recommender(name).fit(split.training, dataset.catalogue)
    queries, targets = split.questions("test")
    at_once, alone = (
        lists_of(model, [queries[user] for user in targets], 10, one_by_one=one_by_one)
        for one_by_one in (False, True)
    )
    np.testing.assert_array_equal(at_once.items, alone.items)

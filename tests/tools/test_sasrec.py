import subprocess
import sys
import time

import numpy as np
import pytest

from contracts.recommender_contract import CATALOGUE, HISTORY, RecommenderContract
from contracts.recommender_data import interactions
from limner.errors import InputError
from limner.tools.recommenders import SASRec
from limner.tools.recommenders.sequences import padded, pieces

SMALL = {"width": 16, "length": 5, "blocks": 1, "epochs": 6, "learning_rate": 2e-2, "dropout": 0.1}


@pytest.fixture(scope="module")
def model():
    """Fitted on ten times as many people as the contract has: what comes next takes more examples than what goes together."""
    return SASRec(**SMALL).fit(interactions(users=600), CATALOGUE)


class TestSASRec(RecommenderContract):
    def make(self):
        return SASRec(**SMALL)

    def test_a_stranger_gets_what_fits_the_history(self):
        fitted = SASRec(**SMALL).fit(interactions(users=600), CATALOGUE)
        super().test_a_stranger_gets_what_fits_the_history(fitted)


def test_the_last_items_are_looked_at_and_no_others(model):
    newest = ["b1", "a2", "c1", "a1", "b2"]
    np.testing.assert_array_equal(model.score(["c2", "c3", *newest]), model.score(newest))
    assert (model.score(newest) != model.score(newest[1:])).any()


def test_order_matters(model):
    assert (model.score(["a1", "b1"]) != model.score(["b1", "a1"])).any()


def test_another_seed_gives_other_scores(model):
    other = SASRec(**SMALL, seed=1).fit(interactions(), CATALOGUE)
    assert (other.score(HISTORY) != model.score(HISTORY)).any()


def test_nobody_else_draws_from_the_same_random_numbers(model):
    import torch

    torch.manual_seed(5)
    before = torch.rand(3)
    torch.manual_seed(5)
    again = SASRec(**SMALL).fit(interactions(users=600), CATALOGUE)
    assert torch.equal(torch.rand(3), before)
    np.testing.assert_array_equal(again.score(HISTORY), model.score(HISTORY))


def test_the_number_of_threads_changes_nothing(model):
    import torch

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(before + 1)
        again = SASRec(**SMALL).fit(interactions(users=600), CATALOGUE)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
    for name, weight in again._arrays().items():
        np.testing.assert_array_equal(weight, model._arrays()[name])


def test_a_place_knows_nothing_of_later_ones(model):
    """What is encoded at a place stays as it is when a later item is another."""
    import torch

    def states(*places):
        return model._encoded(torch.tensor([places]), torch.tensor([len(places)]))[0]

    first, second = states(0, 1, 2, 3), states(0, 1, 2, 9)
    torch.testing.assert_close(first[:3], second[:3])
    assert not torch.equal(first[3], second[3])


def test_what_is_filled_up_is_not_looked_at(model):
    import torch

    alone = model._encoded(torch.tensor([[4, 7]]), torch.tensor([2]))[0, -1]
    for filler in (0, 11):
        among = model._encoded(torch.tensor([[filler, filler, 4, 7]]), torch.tensor([2]))[0, -1]
        torch.testing.assert_close(among, alone)


def test_attention_by_hand():
    """One block whose attention passes values on, whose feed-forward layer is off, and whose layer norms change nothing but the scale."""
    import torch

    from limner.tools.recommenders.transformer import encoded, new_weights

    weights = {
        name: torch.zeros_like(weight)
        for name, weight in new_weights(3, 2, 1, torch.Generator().manual_seed(0)).items()
    }
    for name in ("last", "0.attend.norm", "0.feed.norm"):
        weights[f"{name}.scale"] = torch.ones(2)
    weights["0.attend.in"][:, 4:] = torch.eye(2)  # query and key are zero: every place counts alike
    weights["0.attend.out"] = torch.eye(2)
    vectors = torch.tensor([[[1.0, -1.0], [-1.0, 1.0], [1.0, -1.0]]])
    # The normalised vectors are themselves; the means of values are (1, -1), (0, 0) and (1/3, -1/3).
    unscaled = encoded(weights | {"last.scale": torch.ones(2)}, vectors, torch.tensor([3]), heads=1, blocks=1)
    torch.testing.assert_close(unscaled, vectors)
    weights["last.shift"] = torch.tensor([0.5, 0.0])
    shifted = encoded(weights, vectors, torch.tensor([3]), heads=1, blocks=1)
    torch.testing.assert_close(shifted - unscaled, torch.tensor([0.5, 0.0]).expand(1, 3, 2))


def test_an_explanation_is_the_loss_without_the_item(model):
    history = ["b1", "a1", "a2"]

    def likely(items):
        scores = model.score(items).astype(np.float64)
        return scores[CATALOGUE.position("a3")] - np.log(np.exp(scores).sum())

    found = {contribution.item_id: contribution.amount for contribution in model.explain(history, "a3")}
    for item, amount in found.items():
        without = [other for other in history if other != item]
        assert amount == pytest.approx(likely(history) - likely(without), abs=1e-4)
    assert "b1" not in found or found["b1"] < max(found.values())


def test_one_item_is_the_whole_reason(model):
    assert [contribution.item_id for contribution in model.explain(["a1"], "a3")] == ["a1"]


def test_each_item_but_the_first_is_a_target():
    for size in (2, 5, 6, 7, 13, 40):
        sequence = np.arange(size)
        for offset in range(5):
            cut = pieces(sequence, 5, offset)
            assert all(2 <= len(part) <= 6 for part in cut)
            assert {item for part in cut for item in part[1:]} == set(range(1, size))
            assert all((np.diff(part) == 1).all() for part in cut)
        assert sum(len(part) - 1 for part in pieces(sequence, 5, 0)) == size - 1


def test_filling_up_stands_before_a_sequence():
    places, lengths = padded([np.array([7, 8, 9]), np.array([3])])
    assert places.tolist() == [[7, 8, 9], [0, 0, 3]]
    assert lengths.tolist() == [3, 1]


def test_people_with_one_item_teach_nothing_and_break_nothing():
    from limner.tools.interactions import Interactions

    rows = [("u", "a1", 5.0, 0.0), ("v", "a2", 5.0, 0.0)]
    model = SASRec(**SMALL).fit(Interactions.from_rows(rows), CATALOGUE)
    assert len(model.recommend(["a1"], 3)) == 3


def test_training_that_diverges_is_said():
    with pytest.raises(InputError, match="learning_rate"):
        SASRec(**SMALL | {"learning_rate": 1e30}).fit(interactions(), CATALOGUE)


def test_it_is_fast_on_little():
    started = time.process_time()
    SASRec().fit(interactions(), CATALOGUE)
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"length": 0},
        {"epochs": 0},
        {"batch": 0},
        {"heads": 3},
        {"dropout": 1.0},
        {"dropout": float("nan")},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"weight_decay": -1.0},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError):
        SASRec(**wrong)


def test_torch_is_imported_when_it_is_needed():
    code = (
        "import sys; from limner.tools.recommenders import recommender; recommender('sasrec');"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "damage",
    [
        lambda arrays: arrays.pop("positions"),
        lambda arrays: arrays.pop("items"),
        lambda arrays: arrays.update({"0.feed.in": arrays["0.feed.in"][:3]}),
        lambda arrays: arrays.update({"0.feed.in": arrays["0.feed.in"].astype(np.float64)}),
        lambda arrays: arrays.update({"more": arrays["items"]}),
    ],
)
def test_weights_that_do_not_fit_the_settings_are_refused(model, tmp_path, damage):
    model.save(tmp_path / "model")
    with np.load(tmp_path / "model" / "arrays.npz") as file:
        arrays = dict(file)
    damage(arrays)
    np.savez(tmp_path / "model" / "arrays.npz", **arrays)
    with pytest.raises(InputError, match="another version"):
        SASRec.load(tmp_path / "model")

"""The recorded searches that the shipped defaults rest on."""

import inspect
import json
from pathlib import Path

import pytest

from limner.evals.ranking import PROTOCOLS
from limner.evals.ranking.keeping import data_version
from limner.settings import Settings
from limner.tools.datasets import load_dataset
from limner.tools.recommenders import recommender_class

RECORDS = sorted((Path(__file__).resolve().parents[2] / "docs" / "assets" / "tuning").glob("*.json"))


def plain(value: object) -> object:
    return json.loads(json.dumps(value))


ERROR = 0.008
"""Standard error of an NDCG@10 over these 943 users, where a trial has none of its own."""


def test_there_are_records():
    assert {"ease", "item_knn"} <= {path.stem for path in RECORDS}


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_the_default_was_tried_and_nothing_tried_is_better_by_more_than_its_error(path):
    record = json.loads(path.read_text())
    assert record["about"]["recommender"] == path.stem
    assert record["about"]["protocol"] == PROTOCOLS["validation"]
    try:
        parameters = inspect.signature(recommender_class(path.stem)).parameters
    except ImportError as error:
        pytest.skip(str(error))
    tried = [entry for entry in record["entries"] if not entry["failed"]]
    for entry in tried:
        assert set(entry["settings"]) <= set(parameters)
        assert {"seed", "data", "version", "seconds", "hr@10", "ndcg@10"} <= set(entry)
    shipped = [
        entry
        for entry in tried
        if all(plain(parameters[name].default) == value for name, value in entry["settings"].items())
    ]
    assert shipped
    best = max(tried, key=lambda entry: entry["ndcg@10"])
    assert shipped[-1]["ndcg@10"] >= best["ndcg@10"] - (best["ndcg@10_se"] or ERROR)


@pytest.mark.data
@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_the_record_is_of_the_data_that_everybody_has(path):
    version = data_version(load_dataset("ml-100k", Settings()))
    assert {entry["data"] for entry in json.loads(path.read_text())["entries"]} == {version}

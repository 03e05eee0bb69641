"""One file and one entry point: the package in `tests/plugins/toy_recommender`, built and installed as pip would."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from limner.apps.cli import app
from limner.testing import RecommenderContract
from limner.testing.recommender_data import catalogue, interactions
from limner.tools.recommenders import available, load_recommender, recommender

SOURCE = Path(__file__).resolve().parents[1] / "plugins" / "toy_recommender"
BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"


@pytest.fixture(scope="module", autouse=True)
def _installed(tmp_path_factory):
    """Build the wheel by the package's own build, in a copy, and unpack it on the import path: of pure Python that is installing it."""
    folder = tmp_path_factory.mktemp("toy")
    shutil.copytree(SOURCE, folder / "source")
    subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)], cwd=folder / "source", check=True, capture_output=True
    )
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder / "site")
        yield
    sys.modules.pop("toy_recommender", None)


class TestToyRecommender(RecommenderContract):
    def make(self):
        return recommender("toy_cooccurrence")


@pytest.fixture
def films(tmp_path) -> str:
    """The made films and interactions as RecBole files."""
    folder = tmp_path / "films"
    folder.mkdir()
    items = [f"{item.id}\t{item.title}\t{' '.join(item.attributes['genre'])}" for item in catalogue()]
    (folder / "films.item").write_text("\n".join(["item_id:token\ttitle:token_seq\tgenre:token_seq", *items]))
    taken = [f"{user}\t{item}\t{value}\t{time}" for _, user, item, value, time in interactions().frame.rows()]
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    (folder / "films.inter").write_text("\n".join([header, *taken]))
    return str(folder)


def printed(*arguments: str):
    done = CliRunner().invoke(app, ["recommenders", *arguments, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_it_is_listed_among_ours():
    rows = {row["name"]: row for row in printed("list")}
    assert rows["toy_cooccurrence"]["usable"]
    assert "how many users took it together" in rows["toy_cooccurrence"]["about"]
    assert {"toy_cooccurrence", "ease"} <= set(available())


def test_it_has_its_row_in_the_table(films):
    table = printed("evaluate", films, "-n", "toy_cooccurrence", "--against", "popularity", "-k", "3")
    row = {row["name"]: row for row in table["rows"]}["toy_cooccurrence"]
    assert row["failed"] is None
    assert row["failures"] == 0
    assert row["settings"] == {"least": 1, "seed": 0}
    assert row["hr@3"] > 0.3
    assert row["ndcg@3_diff"] > 0
    assert row["model_mb"] == pytest.approx(12 * 12 * 4 / 1e6, rel=2)
    assert row["batch_ms"] is not None


def test_its_settings_are_chosen_from_its_own_grid(films, tmp_path):
    record = tmp_path / "trials.json"
    found = printed("tune", "toy_cooccurrence", films, "--record", str(record))
    assert sorted(trial["settings"]["least"] for trial in found["trials"]) == [1, 3]
    assert len(json.loads(record.read_text())["entries"]) == 2


def test_what_it_saved_is_loaded_by_the_folder_alone(tmp_path):
    model = recommender("toy_cooccurrence", least=2).fit(interactions(), catalogue())
    model.save(tmp_path / "model")
    sys.modules.pop("toy_recommender")
    loaded = load_recommender(tmp_path / "model")
    assert loaded.recommend(["a1", "a2"], 5) == model.recommend(["a1", "a2"], 5)
    assert loaded.settings == model.settings

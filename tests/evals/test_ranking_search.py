"""The recorded search for settings, and the table, by the command line."""

import json
import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.recommender_data import catalogue, interactions
from limner.apps.cli import app
from limner.errors import InputError, NotFound
from limner.evals.ranking import Record, grid_of, select_settings
from limner.evals.ranking.selection import combinations
from limner.tools.catalogue import Catalogue
from limner.tools.datasets import Dataset
from limner.tools.interactions import Interactions
from limner.tools.recommenders import EASE

DATA = Dataset("made", catalogue(), interactions())
GRID = {"decay": [0.5, 1.0], "regularization": [1.0, 10.0]}
BROKEN = """
[limner.recommenders]
toy_unfit = toy_broken:Unfit
toy_unimportable = toy_unimportable:Model
toy_lacking = toy_broken:Lacking
"""
UNFIT = """
from limner.tools.recommenders import Popularity

class Unfit(Popularity):
    "Cannot be fitted."
    name = "toy_unfit"

    def _fit(self, interactions, catalogue):
        raise RuntimeError("no luck")

class Lacking:
    "Is no recommender."
"""


# The search


def test_a_grid_means_every_combination_or_those_it_lists():
    assert list(combinations(GRID)) == [
        {"decay": 0.5, "regularization": 1.0},
        {"decay": 0.5, "regularization": 10.0},
        {"decay": 1.0, "regularization": 1.0},
        {"decay": 1.0, "regularization": 10.0},
    ]
    listed = [{"decay": 0.5}, {"decay": 1.0, "regularization": 3.0}]
    assert list(combinations(listed)) == listed
    assert list(combinations({})) == list(combinations([])) == []


@pytest.mark.parametrize("grid", [{"decay": 0.5}, {"decay": "0.5"}, ["decay"], "decay", 3, None])
def test_what_is_no_grid_is_refused(grid):
    with pytest.raises(InputError, match="grid"):
        list(combinations(grid))


def test_nothing_to_try_and_nothing_to_hold_out_are_said():
    with pytest.raises(InputError, match="nothing to try for popularity"):
        select_settings(DATA, "popularity", grid_of("popularity"))
    short = Dataset("short", catalogue(), Interactions.from_rows([("u", "a1", 1, 1)]))
    with pytest.raises(InputError, match="hold out"):
        select_settings(short, "ease", GRID)
    with pytest.raises(NotFound, match="ease"):
        select_settings(DATA, "eaze", GRID)


def test_every_trial_is_kept_with_what_it_depends_on(tmp_path):
    file = tmp_path / "trials.json"
    told = []
    trials = select_settings(
        DATA,
        "ease",
        GRID,
        seed=4,
        record=Record(file, {"recommender": "ease"}),
        progress=lambda *a: told.append(a),
    )
    assert [(number, of) for _, number, of in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    kept = json.loads(file.read_text())
    assert kept["about"] == {"recommender": "ease"}
    assert [entry["settings"] for entry in kept["entries"]] == list(combinations(GRID))
    for entry in kept["entries"]:
        assert entry["seed"] == 4
        assert entry["k"] == 10
        assert len(entry["data"]) == len(entry["code"]) == 16
        assert entry["version"]
        assert entry["seconds"] > 0
        assert 0 < entry["ndcg@10"] <= entry["hr@10"] <= 1
        assert entry["ndcg@10_se"] > 0
    best = max(kept["entries"], key=lambda entry: entry["ndcg@10"])
    assert dict(trials[0].settings) == best["settings"]


def test_an_interrupted_search_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    file, fitted, fit = tmp_path / "trials.json", [], EASE._fit

    def counted(self, *arguments):
        fitted.append(self.settings)
        if len(fitted) == 3:
            raise KeyboardInterrupt
        fit(self, *arguments)

    monkeypatch.setattr(EASE, "_fit", counted)
    with pytest.raises(KeyboardInterrupt):
        select_settings(DATA, "ease", GRID, record=Record(file, {}))
    assert len(json.loads(file.read_text())["entries"]) == 2
    trials = select_settings(DATA, "ease", GRID, record=Record(file, {}))
    assert len(fitted) == 5
    assert [dict(trial.settings) for trial in trials] == [
        dict(trial.settings) for trial in select_settings(DATA, "ease", GRID)
    ]


def test_a_combination_that_is_impossible_costs_itself_alone(tmp_path):
    record = Record(tmp_path / "trials.json", {})
    for _ in range(2):  # measured, then kept
        trials = select_settings(DATA, "ease", {"regularization": [0.0, 10.0]}, record=record)
        assert [trial.settings["regularization"] for trial in trials] == [10.0, 0.0]
        assert "must be above 0" in trials[1].failed
        assert math.isnan(trials[1].ndcg)
    assert len(record.entries) == 2


def test_what_needs_a_catalogue_of_its_own_is_tried_on_the_one_given():
    smaller = Dataset("made", Catalogue(list(catalogue())[:9]), interactions())
    assert select_settings(smaller, "ease", [{"regularization": 5.0}])[0].failures == 0


# By the command line


@pytest.fixture
def films(tmp_path) -> str:
    folder = tmp_path / "films"
    folder.mkdir()
    items = [f"{item.id}\t{item.title}" for item in catalogue()]
    (folder / "films.item").write_text("\n".join(["item_id:token\ttitle:token_seq", *items]))
    taken = [f"{user}\t{item}\t{value}\t{time}" for _, user, item, value, time in interactions().frame.rows()]
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    (folder / "films.inter").write_text("\n".join([header, *taken]))
    return str(folder)


def run(*arguments: str):
    return CliRunner().invoke(app, ["recommenders", *arguments])


def test_tune_prints_the_trials_and_says_where_they_are(films, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.json").write_text(json.dumps(GRID))
    done = run("tune", "ease", films, "--grid", "grid.json")
    assert done.exit_code == 0, done.output
    assert "Kept in tuning-ease.json" in done.stdout
    assert "4 of 4: ." in done.stderr
    assert len(json.loads(Path("tuning-ease.json").read_text())["entries"]) == 4
    again = run("tune", "ease", films, "--grid", "grid.json", "--json")
    report = json.loads(again.stdout)
    assert [trial["ndcg"] for trial in report["trials"]] == sorted(
        (trial["ndcg"] for trial in report["trials"]), reverse=True
    )
    assert report["record"] == "tuning-ease.json"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["eaze"], 3, "eaze"),
        (["popularity"], 2, "nothing to try"),
        (["ease", "--grid", "nowhere.json"], 2, "no grid"),
        (["ease", "--grid", "broken.json"], 2, "no grid"),
        (["ease", "--grid", "wrong.json"], 2, "decay"),
        (["ease", "--grid", "grid.json", "--record", "broken.json"], 2, "no record"),
    ],
)
def test_tuning_what_cannot_be_tuned_says_so(films, tmp_path, monkeypatch, arguments, code, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "wrong.json").write_text('{"decay": 0.5}')
    (tmp_path / "grid.json").write_text(json.dumps(GRID))
    name, *options = arguments
    done = run("tune", name, films, *options)
    assert done.exit_code == code
    assert says in done.stderr


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Install a package whose recommenders are broken, each in another way."""
    site = tmp_path / "site"
    (site / "toy_broken-1.dist-info").mkdir(parents=True)
    (site / "toy_broken-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: toy-broken\nVersion: 1\n"
    )
    (site / "toy_broken-1.dist-info" / "entry_points.txt").write_text(BROKEN)
    (site / "toy_broken.py").write_text(UNFIT)
    (site / "toy_unimportable.py").write_text("raise ValueError('half installed')")
    monkeypatch.syspath_prepend(site)


NAMES = ("toy_unfit", "toy_unimportable", "toy_lacking", "popularity")


@pytest.mark.usefixtures("broken")
def test_broken_plug_ins_have_rows_the_others_go_on_and_the_exit_code_tells(films):
    arguments = [part for name in NAMES for part in ("-n", name)]
    done = run("evaluate", films, *arguments, "--json")
    assert done.exit_code == 1
    rows = {row["name"]: row for row in json.loads(done.stdout)["rows"]}
    assert rows["toy_unfit"]["failed"] == "RuntimeError: no luck"
    assert "half installed" in rows["toy_unimportable"]["failed"]
    assert "lacks fit" in rows["toy_lacking"]["failed"]
    assert rows["popularity"]["failed"] is None
    table = run("evaluate", films, *arguments, "--against", "popularity")
    assert table.exit_code == 1
    assert "popularity" in table.stdout
    assert "toy_unfit failed: RuntimeError: no luck" in table.stderr
    assert "toy_unfit" not in table.stdout


@pytest.mark.usefixtures("broken")
def test_broken_plug_ins_are_listed_as_not_usable():
    done = run("list", "--json")
    assert done.exit_code == 0, done.output
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["popularity"]["usable"]
    assert not rows["toy_unimportable"]["usable"]
    assert "half installed" in rows["toy_unimportable"]["about"]
    assert "Mend or uninstall" in rows["toy_unimportable"]["about"]
    assert not rows["toy_lacking"]["usable"]


def test_all_and_a_name_contradict_each_other(films):
    done = run("evaluate", films, "--all", "-n", "ease")
    assert done.exit_code == 2
    assert "--all" in done.stderr


def test_all_is_every_usable_one_and_what_is_left_out_is_said(films, monkeypatch):
    from limner.tools import recommenders

    def recommender_class(name: str) -> type:
        if name != "popularity":
            raise ImportError(f"{name} needs an extra")
        return EASE

    monkeypatch.setattr(recommenders, "recommender_class", recommender_class, raising=False)
    for options in (["--all"], []):
        done = run("evaluate", films, *options, "--json")
        assert done.exit_code == 0, done.output
        assert [row["name"] for row in json.loads(done.stdout)["rows"]] == ["popularity"]
        assert "limner: ease is left out: ease needs an extra" in done.stderr


def test_a_table_by_the_command_line_goes_on_from_its_record(films, tmp_path, monkeypatch):
    record = str(tmp_path / "table.json")
    first = run("evaluate", films, "-n", "ease", "--record", record, "--split", "validation", "--json")
    assert first.exit_code == 0, first.output
    monkeypatch.setattr(EASE, "_fit", lambda *_: 1 / 0)
    again = run("evaluate", films, "-n", "ease", "--record", record, "--split", "validation", "--json")
    assert json.loads(again.stdout) == json.loads(first.stdout)


def test_the_table_is_not_folded(films):
    done = run("evaluate", films, "-n", "ease", "--against", "popularity")
    assert done.exit_code == 0, done.output
    row = next(line for line in done.stdout.splitlines() if line.split()[:1] == ["ease"])
    assert row.count("[") == 4
    assert "Less popularity, user by user" in done.stdout

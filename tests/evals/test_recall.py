"""`limner eval recall`: shares by hand on invented files, one file or a folder of them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from limner.apps.cli.app import app
from limner.errors import InputError
from limner.evals import engine
from limner.evals.recall import recalled
from limner.evals.sources import DataError

WORDS = ("leeks", "oboe", "kite", "boat")


def conversation(name: str) -> dict[str, object]:
    turns = [
        {"speaker": "Ilse", "dia_id": f"D1:{number}", "text": f"Here is my {word}."}
        for number, word in enumerate(WORDS, 1)
    ]
    asked = [("leeks", ["D1:1"], 4), ("oboe kite", ["D1:2", "D1:3"], 1), ("kite", ["D1:3", "D1:4"], 1)]
    return {
        "sample_id": name,
        "conversation": {
            "speaker_a": "Ilse",
            "speaker_b": "Odo",
            "session_1_date_time": "1:30 pm on 3 March, 2024",
            "session_1": turns,
        },
        "qa": [
            {"question": question, "answer": "x", "evidence": evidence, "category": category}
            for question, evidence, category in asked
        ],
    }


@pytest.fixture(autouse=True)
def _memories_of_their_own():
    engine.close_all()
    yield
    engine.close_all()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "locomo.json"
    path.write_text(json.dumps([conversation("conv-1")]))
    return path


def test_shares_of_the_evidence_by_length_and_category(file: Path) -> None:
    found = recalled(file, "locomo", "bm25", (1, 2)).as_json()
    # leeks: 1 of 1 at once; oboe kite: one of two, then both; kite: one of two, and the boat is not asked for.
    assert found["n"] == 3
    assert found["method"] == "bm25"
    assert found["recall"]["1"] == pytest.approx((1 + 0.5 + 0.5) / 3)
    single, multi = found["by_category"]["4 single-hop"], found["by_category"]["1 multi-hop"]
    assert single == {"n": 1, "1": 1.0, "2": 1.0}
    assert multi["n"] == 2
    assert multi["1"] == 0.5
    assert multi["2"] >= 0.75


def test_every_file_of_a_folder_counts(file: Path) -> None:
    (file.parent / "more.json").write_text(json.dumps([conversation("conv-2")]))
    told: list[str] = []
    assert len(recalled(file.parent, "locomo", "bm25", (5,), tell=told.append).questions) == 6
    assert [line.split(":")[0].rsplit("/")[-1] for line in told] == ["locomo.json", "more.json"]


def test_the_command_prints_json_and_nothing_else_on_standard_output(file: Path) -> None:
    run = CliRunner().invoke(
        app,
        [
            "eval",
            "recall",
            "--data",
            str(file),
            "--format",
            "locomo",
            "--method",
            "bm25",
            "--k",
            "1,25",
            "--json",
        ],
    )
    assert run.exit_code == 0
    found = json.loads(run.stdout)
    assert list(found)[:4] == ["n", "method", "recall", "by_category"]
    assert found["recall"]["25"] == pytest.approx(5 / 6)  # by words alone the boat is never found


def test_the_command_prints_a_table(file: Path) -> None:
    run = CliRunner().invoke(
        app, ["eval", "recall", "-d", str(file), "--format", "locomo", "--method", "bm25"]
    )
    assert run.exit_code == 0
    assert "recall@25" in run.stdout
    assert "1 multi-hop" in run.stdout


@pytest.mark.parametrize(
    ("form", "method", "cutoffs"),
    [("lamp", "bm25", (5,)), ("locomo", "mem0", (5,)), ("locomo", "bm25", (0,)), ("locomo", "bm25", ())],
)
def test_what_is_not_offered_is_refused(file: Path, form: str, method: str, cutoffs: tuple[int, ...]) -> None:
    with pytest.raises(InputError):
        recalled(file, form, method, cutoffs)


def test_a_folder_without_files_and_a_file_of_another_kind_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \.json file"):
        recalled(tmp_path, "locomo", "bm25", (5,))
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(DataError):
        recalled(tmp_path, "locomo", "bm25", (5,))

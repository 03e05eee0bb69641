"""`limner eval`: benchmarks listed and run, their report, and tests between two runs."""

import json
from pathlib import Path

import pytest

from limner.evals import engine
from limner.evals.logs import read_results
from limner.evals.registry import BENCHMARKS

TURNS = ("I planted leeks.", "I play the oboe.", "I moved to Ghent.")
CONVERSATION = {
    "sample_id": "conv-1",
    "conversation": {
        "speaker_a": "Ilse",
        "speaker_b": "Odo",
        "session_1_date_time": "1:30 pm on 3 March, 2024",
        "session_1": [
            {"speaker": "Ilse", "dia_id": f"D1:{number}", "text": text}
            for number, text in enumerate(TURNS, 1)
        ],
    },
    "qa": [
        {
            "question": f"Who {text[2:-1]}?",
            "answer": "Ilse",
            "evidence": [f"D1:{number}"],
            "category": category,
        }
        for number, text, category in zip((1, 2, 3), TURNS, (4, 4, 1), strict=True)
    ],
}


@pytest.fixture(autouse=True)
def _memories_of_their_own():
    engine.close_all()
    yield
    engine.close_all()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "locomo10.json"
    file.write_text(json.dumps([CONVERSATION]))
    return file


@pytest.fixture
def recalled(cli, data, tmp_path):
    """Runs LoCoMo's recall with a memory and returns the result file."""

    def run(memory: str = "bm25", *options: str) -> Path:
        logs = tmp_path / f"logs {memory}"
        done = cli("eval", "locomo_recall", "-d", str(data), "-m", memory, "--log-dir", str(logs), *options)
        assert done.exit_code == 0, done.output
        (file,) = logs.glob("*.result.json")
        return file

    return run


def test_every_benchmark_and_memory_is_listed(cli, reading) -> None:
    listed = reading("eval", "list")
    assert [one["name"] for one in listed["benchmarks"]] == list(BENCHMARKS)
    assert {"none", "bm25", "limner"} <= set(listed["memories"])
    shown = cli("eval", "list").stdout
    assert all(name in shown for name in (*BENCHMARKS, "Memories: ", "limner"))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_without_its_data_says_where_to_get_it(cli, tmp_path, name) -> None:
    done = cli("eval", name, "--data", str(tmp_path / "nowhere"))
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output
    assert "https://" in done.stderr
    assert "must look like this" in done.stderr


def test_data_that_is_not_named_is_asked_for(cli) -> None:
    done = cli("eval", "prefeval")
    assert done.exit_code == 2
    assert "--data" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("-T", "turnz=3"), 2, "it takes form, turns, turns_file, method, half"),
        (("-T", "turns"), 2, "NAME=VALUE"),
        (("-T", "turns=many"), 2, "turns=many"),
        (("-T", "half=third"), 2, "half=third"),
        (("-k", "0"), 2, "-k"),
        (("--limit", "0"), 2, "--limit"),
    ],
)
def test_a_wrong_parameter_is_named(cli, data, arguments, code, says) -> None:
    done = cli("eval", "prefeval", "-d", str(data), *arguments)
    assert done.exit_code == code
    assert says in done.stderr


def test_there_is_no_such_benchmark(cli) -> None:
    done = cli("eval", "lampp")
    assert done.exit_code == 2
    assert "lamp" in done.stderr


def test_a_malformed_file_is_named_with_row_and_field(cli, data) -> None:
    anonymous = {name: one for name, one in CONVERSATION.items() if name != "sample_id"}
    data.write_text(json.dumps([anonymous]))
    done = cli("eval", "locomo_recall", "-d", str(data))
    assert done.exit_code == 2
    assert "locomo10.json, row 0, field 'sample_id'" in done.stderr


@pytest.mark.parametrize(("memory", "says"), [("bm52", "bm25"), ("bm25:loud", "have variants")])
def test_an_unknown_memory_names_those_there_are(cli, data, memory, says) -> None:
    done = cli("eval", "locomo_recall", "-d", str(data), "-m", memory)
    assert done.exit_code == 4
    assert says in done.stderr


def test_recall_is_measured_without_a_model(cli, data, tmp_path, recalled) -> None:
    file = recalled("bm25", "--seed", "3", "-k", "5")
    (result,) = read_results(file.parent)
    assert (result.task, result.status, result.model, result.memory) == (
        "locomo_recall",
        "success",
        "none",
        "bm25",
    )
    assert (result.n, result.seed, result.k, result.cost.calls) == (3, 3, 5, 0)
    assert result.statements[0].value == 1.0
    assert list(result.data) == [f"{tmp_path.name}/locomo10.json"]
    assert {"1 multi-hop", "4 single-hop"} <= set(result.groups)


def test_what_a_run_prints_is_its_result(cli, data, tmp_path) -> None:
    arguments = ("eval", "locomo_recall", "-d", str(data), "-m", "bm25", "--log-dir", str(tmp_path / "logs"))
    done = cli(*arguments)
    assert done.exit_code == 0
    assert "3 of 3 questions, no model is asked" in done.stderr
    for says in ("locomo_recall, memory bm25", "1.000", "0 calls", "locomo10.json", "kept in "):
        assert says in done.stdout
    done = cli(*arguments, "--limit", "2", "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert (told["task"], told["n"], told["parameters"]["limit"]) == ("locomo_recall", 2, 2)
    assert "items" not in told
    assert Path(told["origin"]).is_file()


def test_predictions_are_for_lamp_alone(cli, data, tmp_path) -> None:
    done = cli(
        "eval", "locomo_recall", "-d", str(data), "-m", "bm25", "--predictions", str(tmp_path / "p.json")
    )
    assert done.exit_code == 2
    assert "`lamp`" in done.stderr


def test_a_page_is_made_of_several_runs(cli, recalled, tmp_path) -> None:
    recalled("bm25")
    recalled("recent", "-k", "1")
    page = tmp_path / "page.html"
    done = cli("eval", "report", str(tmp_path), "-o", str(page))
    assert done.exit_code == 0, done.output
    assert str(page) in done.stdout
    html = page.read_text(encoding="utf-8")
    assert all(name in html for name in ("locomo_recall", "bm25", "recent"))


def test_a_report_of_nothing_is_refused(cli, tmp_path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = cli("eval", "report", str(empty))
    assert done.exit_code == 2
    assert "holds no log" in done.stderr
    assert cli("eval", "report", str(tmp_path / "nowhere")).exit_code == 2


def test_two_runs_are_compared(cli, recalled, reading) -> None:
    files = str(recalled("bm25")), str(recalled("recent", "-k", "1"))
    shown = cli("eval", "compare", *files)
    assert shown.exit_code == 0
    assert "bm25" in shown.stdout
    told = reading("eval", "compare", *files)
    assert (told["n"], told["a"]["memory"], told["b"]["memory"]) == (3, "bm25", "recent")
    assert told["a"]["value"] == 1.0
    assert told["difference"] == pytest.approx(told["a"]["value"] - told["b"]["value"])


def test_runs_that_cannot_be_compared_say_why(cli, recalled, tmp_path) -> None:
    file = recalled("bm25")
    done = cli("eval", "compare", str(file), str(tmp_path / "none.result.json"))
    assert done.exit_code == 2
    assert "is no file" in done.stderr
    done = cli("eval", "compare", str(file), str(file), "--measure", "charm")
    assert done.exit_code == 2
    other = json.loads(file.read_text()) | {"data": {"x/locomo10.json": "0"}}
    changed = tmp_path / "other.result.json"
    changed.write_text(json.dumps(other))
    assert cli("eval", "compare", str(file), str(changed)).exit_code == 2


@pytest.mark.parametrize("content", [b"", b"{}", b"PK\x03\x04", b"\xff" * 99])
@pytest.mark.parametrize("name", ["x.result.json", "x.eval"])
def test_a_file_that_is_no_run_is_refused_without_a_traceback(cli, tmp_path, name, content) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    done = cli("eval", "report", str(file))
    assert done.exit_code == 2, done.output
    assert name in done.stderr


class TestRetry:
    pytest.importorskip("inspect_ai")

    @pytest.fixture
    def prefeval(self, tmp_path) -> Path:
        entry = {"preference": "No crowds.", "question": "Where should I go?"}
        for place in ("explicit_preference", "mcq_options"):
            (tmp_path / "pe" / place).mkdir(parents=True)
            rows = [{**entry, "question": f"Where to in week {n}?"} for n in range(2)]
            if place == "mcq_options":
                rows = [
                    {**row, "classification_task_options": ["Hut.", "Fair.", "Bar.", "Pub."]} for row in rows
                ]
            (tmp_path / "pe" / place / "travel.json").write_text(json.dumps(rows))
        return tmp_path / "pe"

    def test_a_run_that_failed_ends_so_and_goes_on(self, cli, prefeval, tmp_path, monkeypatch) -> None:
        from limner.inference import LanguageModel
        from limner.testing import ScriptedChatModel

        working: list[bool] = []

        def script(messages):
            return "A" if working or "week 0" in messages[-1].text else ConnectionError("gone")

        def model(settings, ledger=None, *, progress=None, cache=None) -> LanguageModel:
            return LanguageModel.wrap(ScriptedChatModel(script=script), name="scripted", cache=cache)

        monkeypatch.setattr(engine, "language_model", model)
        arguments = ("eval", "prefeval", "-d", str(prefeval), "--log-dir", str(tmp_path / "logs"))
        done = cli(*arguments, "--json")
        assert done.exit_code == 6, done.output
        assert json.loads(done.stdout)["status"] == "error"
        assert "limner eval retry" in done.stderr
        (log,) = (tmp_path / "logs").glob("*.eval")

        working.append(True)
        done = cli("eval", "retry", str(log))
        assert done.exit_code == 0, done.output
        assert "n 2" in done.stdout
        assert "accuracy" in done.stdout

    def test_a_log_that_is_not_there_is_refused(self, cli, tmp_path) -> None:
        assert cli("eval", "retry", str(tmp_path / "no.eval")).exit_code == 2
        file = tmp_path / "bad.eval"
        file.write_bytes(b"nothing")
        done = cli("eval", "retry", str(file))
        assert done.exit_code == 2
        assert "Traceback" not in done.output

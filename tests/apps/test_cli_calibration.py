"""`limner eval calibration`, from files to diagram, page and maps."""

import json

import pytest

from limner.profiles.propositions.recalibration import read_maps


@pytest.fixture
def folder(tmp_path):
    """The RecBole files of 24 people who rate 30 films, some of them with a taste that turns round."""
    items = ["item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq"]
    items += [f"{i}\tFilm {i}\t1980\t{'Horror' if i % 2 else 'Comedy'}" for i in range(30)]
    rows = ["user_id:token\titem_id:token\trating:float\ttimestamp:float"]
    for person in range(24):
        for i in range(30):
            loved = (i % 2 == 1) != (person % 3 == 0 and i >= 15)
            rows.append(f"p{person}\t{i}\t{(5 if loved else 2) if (i + person) % 5 else 3}\t{100 + i}")
    made = tmp_path / "films"
    made.mkdir()
    (made / "ml-100k.item").write_text("\n".join(items) + "\n")
    (made / "ml-100k.inter").write_text("\n".join(rows) + "\n")
    return made


def test_from_files_to_diagram_page_and_maps(cli, folder, tmp_path):
    output, fit, keep = tmp_path / "out", tmp_path / "maps.json", tmp_path / "claims.jsonl"
    done = cli(
        "eval", "calibration", "--source", "movielens", "--data", str(folder), "-o", str(output),
        "--fit", str(fit), "--keep", str(keep),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "Brier score" in done.stdout
    assert "safe formula" not in done.stdout  # of 12 people nothing is known widely
    assert (output / "reliability.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (output / "calibration.html").read_text()
    assert "rating" in read_maps(fit).kinds
    again = cli("eval", "calibration", "--claims", str(keep), "-o", str(output), "--json")
    value = json.loads(again.stdout)
    assert value["groups"][0]["name"] == "rating"
    assert value["groups"][0]["figures"][0]["before"] > 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "--source is one of"),
        (("--source", "lamp"), "--source is one of"),
        (("--source", "personamem"), "needs --data"),
        (("--source", "movielens", "--data", "nowhere"), "does not exist"),
        (("--claims", "nowhere.jsonl"), "does not exist"),
        (("--claims", "nowhere.jsonl", "--source", "movielens"), "either --source or --claims"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(cli, arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cli("eval", "calibration", *arguments)
    assert done.exit_code == 2
    assert says in done.stderr
    assert not (tmp_path / "calibration").exists()

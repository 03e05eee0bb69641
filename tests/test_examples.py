import csv
import subprocess
import sys
from pathlib import Path

from limner.testing.recommender_data import catalogue, interactions

__all__: list[str] = []

EXAMPLE = Path(__file__).parents[1] / "examples" / "own_data.py"


def run(*arguments):
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), *map(str, arguments)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_own_data_are_read_measured_and_recommended_from(tmp_path):
    with (tmp_path / "items.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "genre", "year"])
        for item in catalogue():
            genres, year = item.attributes["genre"], item.attributes.get("year", "")
            writer.writerow([item.id, item.title, "|".join(genres), year])
    frame = interactions().frame.select("user", "item", "value", "time")
    with (tmp_path / "taken.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "item_id", "rating", "timestamp"])
        writer.writerows([*frame.rows(), ("u0", "a1", "many", 5.0)])
    told = run(tmp_path / "taken.csv", tmp_path / "items.csv")
    assert "row 242 is left out: the value is missing" in told
    assert told.partition("\n")[2] == run()  # the same as the made data themselves
    lines = told.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["popularity", "item_knn", "markov_knn"]
    assert sum(line.startswith("- ") for line in lines) == 3

"""How long does a search take, beyond encoding the query?

    OMP_NUM_THREADS=1 python benchmarks/search_speed.py --others 1000000 --mem0-python mem0/bin/python

(one thread, because on busy cores the threads of a small product wait for each other longer than they work.)

For users with 100, 10,000 and 100,000 records among a million of 10,000 others it prints p50 and p95 of `UserMemory.search`
with the default weights and k = 10, beside a plain numpy dot product with the ten best over the same vectors, and mem0's search over
the same vectors. Texts and vectors are made up (`synthetic`), so that encoding costs nothing and is left out
everywhere; the others' rows are written straight into SQLite (`crowd`). mem0 holds the user's own records alone, which is in
its favour: in local mode its store filters everybody's in Python. What took longer the first time, reading a user into
memory, is in a column of its own. Times on shared cores vary; ratios within one run are what counts.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from crowd import add_crowd
from synthetic import SyntheticEncoder, texts

from limner.memory import Memory, NewObservation
from limner.settings import RecallWeights, Settings

BATCH = 2000


CLOCKS = {"wall": time.perf_counter, "processor": time.thread_time}


def timed(asked: Sequence[Callable[[], object]], clock: str) -> list[float]:
    """Return the seconds that each call takes."""
    seconds, now = [], CLOCKS[clock]
    for ask in asked:
        began = now()
        ask()
        seconds.append(now() - began)
    return seconds


def quantiles(seconds: Sequence[float]) -> tuple[float, float]:
    """Return p50 and p95 in milliseconds."""
    return float(np.percentile(seconds, 50) * 1e3), float(np.percentile(seconds, 95) * 1e3)


def measured(memory: Memory, own: int, queries: int, mem0: Path | None, clock: str) -> dict[str, object]:
    """Return the figures of one user."""
    user = memory.user(f"own-{own}")
    said = texts(own, seed=own)
    for start in range(0, own, BATCH):
        user.observe_many(NewObservation(words) for words in said[start : start + BATCH])
    memory.drain_index()
    memory.snapshots.clear()
    questions = texts(queries, seed=1, words=6)
    asked = memory.encoder.encode_query(questions)
    (cold,) = timed([lambda: user.search("w1 w2")], clock)
    encoding = timed([lambda q=q: memory.encoder.encode_query([q]) for q in questions], clock)
    row: dict[str, object] = {"own": own, "cold_ms": cold * 1e3}
    for name, weights in (
        ("limner", None),
        ("limner_half", RecallWeights()),
        ("limner_words", RecallWeights(lexical=1, dense=0)),
    ):
        for q in questions:  # each word's first look-up is a matter of the first search
            user.search(q, weights=weights)
        taken = timed([lambda q=q, w=weights: user.search(q, weights=w) for q in questions], clock)
        beyond = taken if name == "limner_words" else [t - e for t, e in zip(taken, encoding, strict=True)]
        row[name] = quantiles(beyond)
    vectors = memory.encoder.encode_documents(said)

    def plain(vector: np.ndarray) -> object:
        cosines = vectors @ vector
        best = np.argpartition(-cosines, min(10, own - 1))[:10]
        return best[np.argsort(-cosines[best])]

    row["numpy"] = quantiles(timed([lambda v=v: plain(v) for v in asked], clock))
    if mem0 is not None:
        row["mem0"] = quantiles(mem0_search(mem0, said, vectors, questions, asked, clock))
    return row


def mem0_search(
    python: Path, said: list[str], vectors: np.ndarray, questions: list[str], asked: np.ndarray, clock: str
) -> list[float]:
    """Return the seconds of mem0's searches."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "texts.json").write_text(json.dumps(said))
        (place / "questions.json").write_text(json.dumps(questions))
        np.save(place / "vectors.npy", vectors)
        np.save(place / "asked.npy", asked)
        side = Path(__file__).with_name("mem0_side.py")
        ran = subprocess.run(
            [str(python), str(side), "search", folder, clock], capture_output=True, text=True, check=True
        )
    seconds: list[float] = json.loads(ran.stdout.splitlines()[-1])["seconds"]
    return seconds


def printed(rows: Sequence[dict[str, object]]) -> None:
    """Print the table."""
    print(
        "| own records | limner p50 / p95, ms | half words, half meaning | words only | numpy dot | mem0 | × numpy | mem0 / limner | first search |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for row in rows:
        (p50, p95), half, words, plain = (
            row[name] for name in ("limner", "limner_half", "limner_words", "numpy")
        )
        mem0 = row.get("mem0")
        cells = [
            f"{row['own']:,}",
            f"{p50:.2f} / {p95:.2f}",
            f"{half[0]:.2f} / {half[1]:.2f}",
            f"{words[0]:.2f} / {words[1]:.2f}",
            f"{plain[0]:.2f} / {plain[1]:.2f}",
            f"{mem0[0]:.1f} / {mem0[1]:.1f}" if mem0 else "–",
            f"{p50 / plain[0]:.1f}",
            f"{mem0[0] / p50:.1f}" if mem0 else "–",
            f"{row['cold_ms']:.0f} ms",
        ]
        print("| " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--own", default="100,10000,100000", help="records of the users who search")
    parser.add_argument("--others", type=int, default=1_000_000, help="records of other users")
    parser.add_argument("--users", type=int, default=10_000, help="other users")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument(
        "--mem0-python", type=Path, help="of an environment that has mem0ai and qdrant-client"
    )
    parser.add_argument(
        "--folder", type=Path, help="where the store is made, which is removed again; about 4 GB a million"
    )
    parser.add_argument(
        "--crowd", type=Path, help="a database that has the others' rows; written first if it is not there"
    )
    parser.add_argument("--snapshot-mb", type=int, help="see the setting of this name")
    parser.add_argument(
        "--clock", choices=sorted(CLOCKS), default="wall", help="processor time is the same on busy cores"
    )
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    mem0 = asked.mem0_python
    if mem0 is None or not mem0.exists():
        print("mem0 is left out: --mem0-python names no Python that has it.", file=sys.stderr)
        mem0 = None
    with tempfile.TemporaryDirectory(dir=asked.folder) as home:
        more = {} if asked.snapshot_mb is None else {"snapshot_mb": asked.snapshot_mb}
        settings = Settings(home=home, **more)
        made = Path(home) / "limner.db"
        if asked.crowd is not None and asked.crowd.exists():
            shutil.copyfile(asked.crowd, made)
        else:
            Memory(settings, SyntheticEncoder()).close()
            began = time.perf_counter()
            if asked.others:
                add_crowd(made, asked.others, min(asked.users, asked.others))
            taken = time.perf_counter() - began
            print(f"{asked.others:,} records of others written in {taken:.0f} s", file=sys.stderr)
            if asked.crowd is not None:
                shutil.copyfile(made, asked.crowd)
        rows = []
        with Memory(settings, SyntheticEncoder()) as memory:
            for own in map(int, asked.own.split(",")):
                rows.append(measured(memory, own, asked.queries, mem0, asked.clock))
                print(json.dumps(rows[-1]), file=sys.stderr)
    print(json.dumps(rows)) if asked.json else printed(rows)


if __name__ == "__main__":
    main()

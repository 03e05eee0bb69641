"""How many observations are stored in a second, and what do they take on the disk and in memory?

    python benchmarks/ingest_speed.py --records 10000 --mem0-python mem0/bin/python --encoder all-MiniLM-L6-v2

No language model is asked. limner stores observations in one transaction each (`observe`) or together (`observe_many`), and encodes
them later, when a search first needs it; mem0's `add(infer=False)` encodes and stores each by itself, so what limner's
vectors take is told beside. Both sides look vectors up that are made beforehand, so that storing is compared with storing; with
`--encoder` it is also told how long the encoder takes for the same texts, which both have to wait for. Memory is what the
process has more after a search has read all of it; a million is extrapolated from that. Times on shared cores vary; ratios
within one run are what counts.
"""

import argparse
import gc
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from synthetic import DIMENSION, SyntheticEncoder, directions, texts

from limner.inference.encoder import encoder as encoder_of
from limner.memory import Memory, NewObservation
from limner.settings import Settings

BATCH = 1000


class Looked(SyntheticEncoder):
    """Gives vectors that were made before."""

    def __init__(self, said: Sequence[str], vectors: NDArray[np.float32]) -> None:
        self._rows = dict(zip(said, vectors, strict=True))

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of unit length per text."""
        return np.stack([self._rows[text] for text in texts])

    def encode_query(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of unit length per text."""
        return np.ascontiguousarray(np.broadcast_to(next(iter(self._rows.values())), (len(texts), DIMENSION)))


def resident() -> int:
    """Return the bytes that this process has in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def on_disk(folder: Path) -> int:
    """Return the bytes of all files under a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def held(home: str, query: str) -> int:
    """Return by how many bytes a process grows that searches all of it once."""
    with Memory(Settings(home=home, snapshot_mb=16_384), SyntheticEncoder()) as memory:
        memory.user("few").search(query)
        before = resident()
        memory.user("many").search(query)
        return resident() - before


def limner_side(said: Sequence[str], vectors: NDArray[np.float32], singly: int) -> dict[str, float]:
    """Return what storing costs here."""
    figures = {}
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=home, snapshot_mb=16_384)
        encoder = Looked(said, vectors)
        with Memory(settings, encoder) as memory:
            one, many, few = (memory.user(name) for name in ("one", "many", "few"))
            began = time.perf_counter()
            for words in said[:singly]:
                one.observe(words)
            figures["observe"] = singly / (time.perf_counter() - began)
            one.forget_everything()
            few.observe_many(NewObservation(words) for words in said[:10])
            began = time.perf_counter()
            for start in range(0, len(said), BATCH):
                many.observe_many(NewObservation(words) for words in said[start : start + BATCH])
            stored = time.perf_counter() - began
            figures["observe_many"] = len(said) / stored
        figures["bytes_without_vectors"] = on_disk(Path(home)) / len(said)
        with Memory(settings, encoder) as memory:
            began = time.perf_counter()
            memory.encode()
            figures["with_vectors"] = len(said) / (stored + time.perf_counter() - began)
        figures["bytes"] = on_disk(Path(home)) / len(said)
        # In a process of its own: what this one has freed would be used again.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            figures["memory"] = pool.apply(held, (home, said[0])) / len(said)
    return figures


def mem0_side(python: Path, said: Sequence[str], vectors: NDArray[np.float32]) -> dict[str, float]:
    """Return what storing costs there."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "texts.json").write_text(json.dumps(said))
        np.save(Path(folder) / "vectors.npy", vectors)
        side = Path(__file__).with_name("mem0_side.py")
        ran = subprocess.run(
            [str(python), str(side), "ingest", folder], capture_output=True, text=True, check=True
        )
    found = json.loads(ran.stdout.splitlines()[-1])
    return {"add": len(said) / found["seconds"], "bytes": found["bytes"] / len(said)}


def encoding(name: str, said: Sequence[str]) -> float:
    """Return how many texts an encoder encodes in a second, loaded before."""
    encoder = encoder_of(Settings(encoder=name))
    encoder.encode_documents(said[:8])
    began = time.perf_counter()
    for start in range(0, len(said), 256):
        encoder.encode_documents(said[start : start + 256])
    return len(said) / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--singly", type=int, default=1000, help="records that are stored one by one")
    parser.add_argument(
        "--mem0-records", type=int, default=2000, help="records that mem0 stores, which takes longer"
    )
    parser.add_argument(
        "--mem0-python", type=Path, help="of an environment that has mem0ai and qdrant-client"
    )
    parser.add_argument("--encoder", help="an encoder to measure too, such as all-MiniLM-L6-v2")
    asked = parser.parse_args()
    said = [f"{words} {n}" for n, words in enumerate(texts(asked.records, seed=0))]
    vectors = directions(len(said), seed=1)
    ours = limner_side(said, vectors, min(asked.singly, len(said)))
    print("| | records a second | bytes on disk, each |")
    print("| --- | --- | --- |")
    print(f"| limner, `observe` one by one | {ours['observe']:,.0f} | |")
    plain = ours["bytes_without_vectors"]
    print(
        f"| limner, `observe_many` by {BATCH} | {ours['observe_many']:,.0f} | {plain:,.0f} without vectors |"
    )
    print(f"| limner, and the vectors stored | {ours['with_vectors']:,.0f} | {ours['bytes']:,.0f} |")
    if asked.mem0_python is not None and asked.mem0_python.exists():
        few = min(asked.mem0_records, len(said))
        theirs = mem0_side(asked.mem0_python, said[:few], vectors[:few])
        print(f"| mem0, `add(infer=False)` one by one | {theirs['add']:,.0f} | {theirs['bytes']:,.0f} |")
        print(
            f"\nOf what mem0 stores in a second limner stores {ours['observe'] / theirs['add']:.1f} times as much one by one, "
            f"{ours['with_vectors'] / theirs['add']:.1f} times together with vectors."
        )
    else:
        print("mem0 is left out: --mem0-python names no Python that has it.", file=sys.stderr)
    million = ours["memory"] * 1e6 / 2**30
    print(f"\nMemory of a million records of searched users, from {asked.records:,}: {million:.2f} GiB.")
    if asked.encoder is not None:
        speed = encoding(asked.encoder, said[:2000])
        print(f"{asked.encoder} encodes {speed:,.0f} of these texts a second.")


if __name__ == "__main__":
    main()

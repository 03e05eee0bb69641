"""mem0's part in benchmarks of speed; runs in an environment of its own, which needs mem0ai and qdrant-client and has no limner.

    python -m venv mem0 && mem0/bin/pip install mem0ai qdrant-client
    mem0/bin/python benchmarks/mem0_side.py search|ingest FOLDER

`FOLDER` holds what the other side wrote: `texts.json`, `vectors.npy`, `questions.json` and `asked.npy`, vectors being of the
texts beside them. The vector store is Qdrant in local mode, which is what mem0 has without a server, in memory for
`search` and in a folder for `ingest`; no language model is asked. Prints one JSON object.
"""

import hashlib
import json
import os
import sys
import tempfile
import time
import uuid
from pathlib import Path

import numpy as np

# mem0 reads both when it is imported.
os.environ["MEM0_TELEMETRY"] = "False"
os.environ["MEM0_DIR"] = str(Path(tempfile.gettempdir()) / "mem0-benchmark")


class Looked:
    """An embedder that looks vectors up."""

    def __init__(self, texts, vectors, config):
        self.config = config
        self._rows = dict(zip(texts, vectors.tolist(), strict=True))

    def embed(self, text, memory_action=None):
        """Return one vector."""
        return self._rows[text]

    def embed_batch(self, texts, memory_action=None):
        """Return one vector per text."""
        return [self._rows[text] for text in texts]


def opened(place, dimension):
    """Return mem0's memory."""
    from mem0 import Memory

    return Memory.from_config({
        "vector_store": {
            "provider": "qdrant",
            "config": {
                "collection_name": "m",
                "embedding_model_dims": dimension,
                "path": place,
                "on_disk": True,
            },
        },
        "embedder": {"provider": "langchain", "config": {"model": _Never(), "embedding_dims": dimension}},
        "llm": {"provider": "vllm", "config": {"model": "none", "vllm_base_url": "http://127.0.0.1:9/v1"}},
        "history_db_path": ":memory:" if place == ":memory:" else str(Path(place) / "history.db"),
    })


class _Never:
    """Stands where mem0 wants an embedder before it gets its own."""


def search(folder, clock="wall"):
    """Return the seconds that each search took, and how many it found."""
    texts, vectors = json.loads((folder / "texts.json").read_text()), np.load(folder / "vectors.npy")
    questions, asked = json.loads((folder / "questions.json").read_text()), np.load(folder / "asked.npy")
    memory = _with_lookup(":memory:", questions, asked)
    for start in range(0, len(texts), 1000):
        part = texts[start : start + 1000]
        payloads = [
            {"data": text, "user_id": "own", "hash": hashlib.md5(text.encode()).hexdigest()} for text in part
        ]
        ids = [str(uuid.UUID(int=start + i)) for i in range(len(part))]
        memory.vector_store.insert(vectors[start : start + 1000].tolist(), payloads, ids)
    now = time.thread_time if clock == "processor" else time.perf_counter
    seconds, found = [], 0
    for question in questions:
        began = now()
        results = memory.search(question, filters={"user_id": "own"}, top_k=10, threshold=0.0)
        seconds.append(now() - began)
        found += len(results["results"])
    return {"seconds": seconds, "found": found}


def ingest(folder):
    """Return the seconds that storing all texts one by one took, and the bytes on the disk."""
    texts, vectors = json.loads((folder / "texts.json").read_text()), np.load(folder / "vectors.npy")
    with tempfile.TemporaryDirectory(dir=folder) as place:
        memory = _with_lookup(place, texts, vectors)
        began = time.perf_counter()
        for text in texts:
            memory.add([{"role": "user", "content": text}], user_id="own", infer=False)
        seconds = time.perf_counter() - began
        size = sum(path.stat().st_size for path in Path(place).rglob("*") if path.is_file())
    return {"seconds": seconds, "bytes": size}


def _with_lookup(place, texts, vectors):
    import mem0.utils.factory as factory

    factory.EmbedderFactory.create = staticmethod(
        lambda provider, config, store=None: Looked(texts, vectors, config)
    )
    return opened(place, vectors.shape[1])


if __name__ == "__main__":
    print(json.dumps({"search": search, "ingest": ingest}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])))

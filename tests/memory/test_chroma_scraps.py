"""What Chroma writes beside the vectors: nothing of what this process had in memory."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

DIMENSION, VECTORS = 64, 80
BYTES_OF_ONE = 4 * DIMENSION + 132 + 8
"""Of an element in hnswlib's file: the vector, 33 four-byte links, the label."""

FILL = f"""
import sys
from pathlib import Path

import numpy as np

from limner.memory.chroma import ChromaFolders

rng = np.random.default_rng(0)
vectors = rng.standard_normal(({VECTORS}, {DIMENSION}), dtype=np.float32)
scraps = [b"a secret of somebody else " * n for n in range(1, 400)]
folders = ChromaFolders(Path(sys.argv[1]))
del scraps
folders.upsert("ada", "observation", list(range({VECTORS})), vectors)
folders.query("ada", "observation", vectors[0], 3)
folders.close()
print(folders.remnants)
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="another allocator, whose users are told of remnants"
)
def test_the_room_for_further_vectors_holds_no_scraps(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "None"
    (file,) = tmp_path.rglob("data_level0.bin")
    room = file.read_bytes()[VECTORS * BYTES_OF_ONE :]
    assert room, "no room was set aside: this test would prove nothing"
    assert set(room) == {0xAA}  # the complement of what `perturb_memory` asks for

"""A Ray cluster on the loopback address: a head that does no work, and nodes that tests kill."""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from inference.loopback_server import LoopbackServer, loopback_server, said

_WORDS = 6
_PLUGIN = """[limner.encoders]
hashed = cluster.plugin:encoder
"""
# Run by each Python process at its start.
_NAMED = """import os, socket
if name := os.environ.get("TEST_HOST_NAME"):
    socket.gethostname = lambda: name
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.ray)


@pytest.fixture(scope="session", autouse=True)
def _ray_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Set what Ray's processes and their workers inherit: an encoder without a model, and nothing of the developer's settings."""
    plugin = tmp_path_factory.mktemp("plugin")
    (plugin / "hashed-1.dist-info").mkdir()
    (plugin / "hashed-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: hashed\nVersion: 1\n"
    )
    (plugin / "hashed-1.dist-info" / "entry_points.txt").write_text(_PLUGIN)
    (plugin / "sitecustomize.py").write_text(_NAMED)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("LIMNER_")]:
            patch.delenv(name)
        patch.setenv("PYTHONPATH", os.pathsep.join([str(plugin), str(Path(__file__).parents[1])]))
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # loopback alone
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.syspath_prepend(str(plugin))
        yield


def words(seed: object) -> str:
    """Six words that no other text has, so that two texts are never alike."""
    digits = hashlib.sha256(str(seed).encode()).hexdigest()
    return " ".join("".join(chr(97 + int(d, 16)) for d in digits[i * 8 : i * 8 + 8]) for i in range(_WORDS))


def _answer(body: dict) -> str:
    """Answer `propose` with one statement for each line, which says what the line says."""
    lines = re.findall(r"^\[?(\d+)\]?.*?((?:[a-p]{8} ?){6})", body["messages"][-1]["content"], re.MULTILINE)
    return json.dumps({
        "statements": [
            {"reasoning": "They say so.", "text": f"The user {text.strip()}", "evidence": [int(number)]}
            | {"confidence": 8, "durability": 8}
            for number, text in lines
        ]
    })


@contextmanager
def serving(delay_s: float = 0.1) -> Iterator[LoopbackServer]:
    """Serve a model that takes this long for each answer."""
    with loopback_server(lambda body: said(_answer(body), delay_s=delay_s)) as server:
        yield server


@pytest.fixture
def model_server() -> Iterator[LoopbackServer]:
    """A model behind a real wire, which takes a tenth of a second for each answer."""
    with serving() as server:
        yield server


class Nodes:
    """A cluster whose nodes have names of their own, as on several machines: no process can see whether one of another died."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        # So that a node which dies is missed within two seconds, and not half a minute.
        heed = {"initial_delay_ms": 0, "period_ms": 500, "timeout_ms": 1000, "failure_threshold": 3}
        self._cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "node_ip_address": "127.0.0.1",
                "include_dashboard": False,
                "object_store_memory": 80 << 20,
                "_system_config": {f"health_check_{name}": value for name, value in heed.items()},
            },
        )
        self._nodes: dict[str, Any] = {}
        self._number = 0

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    @property
    def names(self) -> list[str]:
        return list(self._nodes)

    def add(self) -> None:
        """Add a node with room for one worker."""
        self._number += 1
        name = f"machine-{self._number}"
        self._nodes[name] = self._cluster.add_node(
            num_cpus=1,
            node_ip_address="127.0.0.1",
            node_name=name,
            object_store_memory=80 << 20,
            env_vars={"TEST_HOST_NAME": name},
        )

    def lose(self, name: str) -> None:
        """End a node without grace."""
        self._cluster.remove_node(self._nodes.pop(name), allow_graceful=False)

    def close(self) -> None:
        self._cluster.shutdown()


@pytest.fixture(scope="session")
def _nodes(_ray_environment: None) -> Iterator[Nodes]:
    nodes = Nodes()
    yield nodes
    nodes.close()


@pytest.fixture
def nodes(_nodes: Nodes) -> Nodes:
    """A cluster with two nodes that can work."""
    while len(_nodes.names) < 2:
        _nodes.add()
    return _nodes

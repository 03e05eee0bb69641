"""Which nodes of a cluster can work: those where this limner is installed, and which data folders each of them sees."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner import __version__
from limner.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from limner.api.cluster.job import Unit

__all__ = ["Node", "shard_units", "survey", "usable"]

_PATIENCE_S = 60.0
"""How long the nodes may take to answer: Ray starts a process on each."""


@dataclass(frozen=True)
class Node:
    """A node of the cluster, and what is on it."""

    id: str
    name: str
    slots: int
    """Workers that it has processors for."""
    version: str | None
    """Of limner; none where it is not installed."""
    shards: Mapping[Path, str] = field(default_factory=dict)
    """Data folders that it sees, and the ids of the stores in them."""
    problems: Mapping[Path, str] = field(default_factory=dict)
    """Data folders that it sees and cannot read, and why."""


def survey(shards: Collection[Path], without: Collection[str] = ()) -> tuple[list[Node], dict[str, str]]:
    """Ask every node of the cluster that this process is connected to.

    Args:
        shards: Data folders to look for.
        without: Ids of nodes that are not asked.

    Returns:
        The nodes that answered, and why others did not, by name.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    look = ray.remote(num_cpus=0, max_retries=0)(_looking())
    asked: dict[Any, tuple[str, str, int]] = {}
    for node in ray.nodes():
        slots = int(node["Resources"].get("CPU", 0))
        if node["Alive"] and slots and node["NodeID"] not in without:
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            answer = look.options(scheduling_strategy=there).remote([str(shard) for shard in shards])
            asked[answer] = (node["NodeID"], _name(node), slots)
    found, silent = [], {}
    answered, late = ray.wait(list(asked), num_returns=len(asked), timeout=_PATIENCE_S) if asked else ([], [])
    for answer in answered:
        node_id, name, slots = asked[answer]
        try:
            version, stores, problems = ray.get(answer)
        except ray.exceptions.RayError as error:
            silent[name] = f"it cannot be asked ({type(error).__name__})"
        else:
            found.append(Node(node_id, name, slots, version, _by_path(stores), _by_path(problems)))
    silent |= {asked[answer][1]: f"it did not answer within {_PATIENCE_S:.0f} s" for answer in late}
    return sorted(found, key=lambda node: node.id), silent


def usable(nodes: Collection[Node], silent: Mapping[str, str]) -> tuple[list[Node], dict[str, str]]:
    """Return the nodes that have this version of limner, and why each of the others is left out.

    Raises:
        ConfigurationError: None has.
    """
    good = [node for node in nodes if node.version == __version__]
    left_out = dict(silent)
    for node in nodes:
        if node.version is None:
            left_out[node.name] = "limner is not installed there"
        elif node.version != __version__:
            left_out[node.name] = f"it has limner {node.version}, and here is {__version__}"
    if not good:
        why = "; ".join(f"{name}: {reason}" for name, reason in sorted(left_out.items()))
        raise ConfigurationError(
            f"No node of the Ray cluster can reflect: {why or 'none has a processor for workers'}. Install limner {__version__} "
            f"in the Python environment of every node that is to work."
        )
    return good, left_out


def shard_units(shards: Collection[Path], nodes: Collection[Node]) -> "list[Unit]":
    """Return one unit for each store in these folders; on nodes with disks of their own one path may be several stores.

    Raises:
        InputError: Two of the folders are the same store.
        ConfigurationError: A folder is on no node.
    """
    from limner.api.cluster.job import Unit

    units: dict[str, Unit] = {}
    for shard in shards:
        stores: dict[str, set[str]] = {}
        for node in nodes:
            if shard in node.shards:
                stores.setdefault(node.shards[shard], set()).add(node.id)
        if not stores:
            looked = ", ".join(sorted(_looked(node, shard) for node in nodes))
            raise ConfigurationError(
                f"No node sees a store in {shard}; looked on: {looked}. A shard is a data folder that at least one node can reach "
                f"under this very path. For a new one run `limner --home {shard} status` where it lies, or observe something."
            )
        for number, (store, seen_by) in enumerate(sorted(stores.items()), 1):
            if store in units:
                raise InputError(
                    f"The shards {units[store].shard} and {shard} are one store, or a copy of it; name it once."
                )
            name = f"shard {shard}" if len(stores) == 1 else f"shard {shard} ({number} of {len(stores)})"
            units[store] = Unit(name, shard=shard, nodes=frozenset(seen_by))
    return list(units.values())


def _looked(node: Node, shard: Path) -> str:
    return f"{node.name}: {node.problems[shard]}" if shard in node.problems else node.name


def _by_path(found: Mapping[str, str]) -> dict[Path, str]:
    return {Path(path): what for path, what in found.items()}


def _name(node: Mapping[str, Any]) -> str:
    given, address = node.get("NodeName"), node["NodeManagerAddress"]
    return f"{node['NodeManagerHostname'] if given in {None, '', address} else given} ({address})"


def _looking() -> Callable[[list[str]], tuple[str | None, dict[str, str], dict[str, str]]]:
    # A function inside a function travels by its code, so that it runs where limner is not installed, or is another version.
    def look(shards):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        import sqlite3
        from contextlib import closing
        from importlib.metadata import PackageNotFoundError, version
        from pathlib import Path

        stores, problems = {}, {}
        for shard in shards:
            file = Path(shard) / "limner.db"
            try:
                if file.is_file():
                    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=10)) as store:
                        stores[shard] = store.execute("SELECT id FROM store").fetchone()[0]
            except (OSError, sqlite3.Error) as error:
                problems[shard] = str(error)
        try:
            return version("limner"), stores, problems
        except PackageNotFoundError:
            return None, stores, problems

    return look

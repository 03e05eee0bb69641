"""The parts of a cluster job that need no cluster: the pool of endpoints, the board of units, what is checked first."""

import sys
from pathlib import Path

import pytest

from limner.api.cluster.board import MOST_DEATHS, MOST_FAILURES, Board
from limner.api.cluster.connecting import _place, connected
from limner.api.cluster.endpoints import FIRST_PAUSE_S, GIVEN_UP_S, EndpointPool
from limner.api.cluster.job import ClusterJob, Outcome, Unit
from limner.api.cluster.planning import check, worker_count
from limner.api.cluster.survey import Node, shard_units, usable
from limner.api.everyone import EveryoneReflection
from limner.errors import ConfigurationError, InputError
from limner.settings import Settings

LOST = Outcome("store", EveryoneReflection(), "it died", 1)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_endpoints_are_shared_out_evenly_and_kept() -> None:
    pool = EndpointPool(["a", "b"])
    assert {pool.take("1"), pool.take("2")} == {("a",), ("b",)}
    pool.give_back("1", "a")
    pool.give_back("2", "b")
    assert pool.take("1", last="b") == ("b",)


def test_an_endpoint_that_fails_rests_and_is_tried_by_one_worker() -> None:
    clock = Clock()
    pool = EndpointPool(["a", "b"], clock)
    for worker in ("1", "2", "3"):
        pool.take(worker)
    pool.failed("a", "down")
    pool.failed("a", "down")  # another worker found out, too
    pool.give_back("1", "a")
    assert pool.resting == {"a": "down"}
    assert pool.take("4") == ("b",)
    clock.now = FIRST_PAUSE_S
    assert (pool.resting, pool.failing) == ({}, {"a": "down"})
    pool.give_back("3", "a")
    assert pool.take("5", last="b") == ("a",)
    assert pool.take("6") == ("b",)
    pool.answered("a")
    assert pool.take("7") == ("a",)


def test_an_endpoint_that_stays_down_is_given_up() -> None:
    clock = Clock()
    pool = EndpointPool(["a", "b"], clock)
    for clock.now in range(0, int(GIVEN_UP_S) + 1, 60):
        assert pool.usable
        for url in ("a", "b"):
            pool.failed(url, "down")
    assert not pool.usable
    assert pool.take("1") is None


def test_the_only_endpoint_has_been_waited_for_already() -> None:
    pool = EndpointPool([None])
    assert pool.take("1") == (None,)
    pool.failed(None, "down")
    assert not pool.usable


def test_a_unit_goes_to_a_node_that_sees_it_and_the_longest_first() -> None:
    board = Board([
        Unit("short", observations=1),
        Unit("far", nodes=frozenset({"x"}), observations=9),
        Unit("long", observations=5),
    ])
    assert [board.take("y").name for _ in range(2)] == ["long", "short"]
    assert board.take("y") is None
    assert (board.waiting_for("y"), board.waiting_for("x")) == (0, 1)
    assert board.take("x").name == "far"
    assert board.open


def test_a_unit_that_kills_its_workers_is_given_up() -> None:
    board = Board([Unit("deadly"), Unit("good")])
    for _ in range(MOST_DEATHS):
        assert board.take("n").name == "deadly"
        board.lost(Unit("deadly"), LOST)
    board.finished(board.take("n"))
    assert board.given_up == {"deadly": LOST}
    assert not board.open


def test_a_store_that_fails_is_tried_again_later() -> None:
    clock = Clock()
    board = Board([Unit("one")], clock)
    for _ in range(MOST_FAILURES):
        unit = board.take("n")
        board.failed(unit, LOST)
        assert board.take("n") is None
        clock.now += 1000
    assert set(board.given_up) == {"one"}


def test_units_of_nodes_that_are_gone_are_given_up() -> None:
    board = Board([Unit("here"), Unit("there", nodes=frozenset({"x"}))])
    board.give_up_waiting(LOST, ["y"])
    assert set(board.given_up) == {"there"}
    board.give_up_waiting(LOST)
    assert set(board.given_up) == {"there", "here"}


@pytest.mark.parametrize(
    ("job", "complaint"),
    [
        (ClusterJob(Settings(), workers=0), "at least 1"),
        (ClusterJob(Settings(), workers=2), "2 workers for 1 SQLite store: one worker at a time"),
        (ClusterJob(Settings(), shards=(Path("/a"), Path("/a"))), "named twice"),
        (ClusterJob(Settings(database_url="postgresql://h/x"), shards=(Path("/a"),)), "--shard is for"),
        (ClusterJob(Settings(database_url="sqlite:////x.db")), "names a SQLite file"),
    ],
)
def test_a_job_that_contradicts_itself(job, complaint) -> None:
    with pytest.raises((InputError, ConfigurationError), match=complaint):
        check(job)


def test_nodes_without_this_limner_are_left_out() -> None:
    from limner import __version__

    good = Node("1", "one", 2, __version__)
    nodes, left_out = usable(
        [good, Node("2", "two", 2, None), Node("3", "three", 2, "0.0.1")], {"four": "silent"}
    )
    assert nodes == [good]
    assert set(left_out) == {"two", "three", "four"}
    with pytest.raises(ConfigurationError, match=r"two: limner is not installed.*Install limner"):
        usable([Node("2", "two", 2, None)], {})


def test_shards_are_units_where_they_are_seen() -> None:
    one, two, own = Path("/one"), Path("/two"), Path("/own")
    nodes = [
        Node("x", "x", 1, "1", {one: "id-1", own: "id-3"}),
        Node("y", "y", 1, "1", {one: "id-1", two: "id-2", own: "id-4"}, {Path("/bad"): "disk I/O error"}),
    ]
    units = shard_units([one, two, own], nodes)
    assert [(unit.shard, unit.nodes) for unit in units] == [
        (one, {"x", "y"}),
        (two, {"y"}),
        (own, {"x"}),  # one path, and on each node another store
        (own, {"y"}),
    ]
    assert len({unit.name for unit in units}) == 4
    with pytest.raises(ConfigurationError, match=r"/none; looked on: x, y"):
        shard_units([Path("/none")], nodes)
    with pytest.raises(ConfigurationError, match="y: disk I/O error"):
        shard_units([Path("/bad")], nodes)
    with pytest.raises(InputError, match="are one store"):
        shard_units([one, Path("/link")], [Node("x", "x", 1, "1", {one: "id", Path("/link"): "id"})])


def test_workers_fit_the_cluster() -> None:
    nodes = [Node("x", "x", 4, "1"), Node("y", "y", 4, "1")]
    assert worker_count(ClusterJob(Settings()), nodes) == 2
    assert worker_count(ClusterJob(Settings(), endpoints=("a", "b", "c")), nodes) == 6
    assert worker_count(ClusterJob(Settings(), endpoints=("a", "b", "c")), nodes, units=3) == 3
    with pytest.raises(ConfigurationError, match="have 8 processors"):
        worker_count(ClusterJob(Settings(), workers=9), nodes)


def test_no_secret_and_no_user_in_what_is_printed() -> None:
    from limner.api.cluster.job import Order

    settings = Settings(api_key="s3cret", database_url="postgresql://u:s3cret@h/x")
    order = Order(settings, ("ada",), 1, (), others=False)
    assert "s3cret" not in repr(order) + repr(ClusterJob(settings))
    assert "ada" not in repr(order) + repr(Unit("part 1 of 2", ("ada",)))


def test_without_ray_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"limner\[ray\]"), connected("auto"):
        pass


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("auto", None),
        ("local", None),
        ("10.0.0.1:6379", ("10.0.0.1", 6379)),
        ("head", ("head", 6379)),
        ("ray://head", ("head", 10001)),
        ("ray://[::1]:77", ("::1", 77)),
    ],
)
def test_addresses(address, place) -> None:
    assert _place(address) == place


@pytest.mark.parametrize("address", ["", "http://head", "head:port", "ray://", "ray:// x:1:2"])
def test_what_is_no_address(address) -> None:
    with pytest.raises(InputError, match="no address of a Ray cluster"):
        _place(address)

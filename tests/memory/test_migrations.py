"""A store that an earlier version wrote is upgraded, with everything that was in it.

`stores/` has a dump of a small store of every version but the newest, as that version wrote it.
"""

import json
import math
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, DateTime, LargeBinary, MetaData, Table, create_engine, insert, select, text

import limner.memory.migrations
from durability.indexes import indexed
from durability.migrating import open_and_count, open_and_die
from limner.memory import Memory, UserMemory
from limner.memory.lexical import K1, B
from limner.memory.migrations import current_version
from limner.memory.rotation import rotated
from limner.memory.schema import SCHEMA_VERSION
from limner.settings import RecallWeights, Settings
from limner.testing import HashEncoder

STORES = sorted((Path(__file__).parent / "stores").glob("*.sql"))
NOTHING = {name: 0.0 for name, field in RecallWeights.model_fields.items() if field.default in (0.0, 0.5)}
LEXICAL = RecallWeights(**{**NOTHING, "lexical": 1.0})
DENSE = RecallWeights(**{**NOTHING, "dense": 1.0})


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(limner.memory.migrations.__file__).parent))
    return config


def rows(database: sqlite3.Connection) -> dict[str, list[dict[str, object]]]:
    """Return everything in a database, by table, in order of the first columns."""
    database.row_factory = sqlite3.Row
    names = database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    return {
        name: [dict(row) for row in database.execute(f'SELECT * FROM "{name}" ORDER BY 1, 2')]
        if name != "alembic_version"
        else []
        for (name,) in names.fetchall()
    }


@pytest.fixture(params=STORES, ids=lambda path: path.stem)
def dump(request) -> Path:
    return request.param


@pytest.fixture
def home(dump, tmp_path) -> Path:
    """Return a data folder as that version left it."""
    home = tmp_path / "home"
    load(dump, home)
    return home


def load(dump: Path, home: Path) -> None:
    home.mkdir()
    database = sqlite3.connect(home / "limner.db")
    database.executescript(dump.read_text("utf-8"))
    database.close()


@pytest.fixture
def before(dump) -> dict[str, list[dict[str, object]]]:
    """Return what was in the store, read without limner."""
    database = sqlite3.connect(":memory:")
    database.executescript(dump.read_text("utf-8"))
    found = rows(database)
    database.close()
    return found


@pytest.fixture
def memory(home) -> Iterator[Memory]:
    with Memory(Settings(home=home, exact_limit=2), HashEncoder(dimension=16)) as memory:
        yield memory


def test_there_is_a_store_of_every_version_but_the_newest() -> None:
    versions = {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    assert {path.stem for path in STORES} == versions - {SCHEMA_VERSION}


def test_every_row_is_there_as_it_was(memory, home, before) -> None:
    database = sqlite3.connect(home / "limner.db")
    after = rows(database)
    assert database.execute("SELECT version_num FROM alembic_version").fetchone()[0] == SCHEMA_VERSION
    assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    database.close()
    for table, old in before.items():
        assert [
            {column: new[column] for column in was} for was, new in zip(old, after[table], strict=True)
        ] == old


def check_what_a_user_sees(memory: Memory) -> None:
    """Compare answers with what was stored, which is written here once more."""
    assert memory.users() == ["ada", "bob"]
    ada, bob = memory.user("ada"), memory.user("bob")
    assert [o.text for o in ada.observations()] == [
        "I live in Porto.",
        "Rated Alien (1979) 5/5",
        "I moved to Lisbon in May.",
        "Noted.",
        "私は猫が好きです。",
    ]
    porto, rated, _, noted, _ = ada.observations()
    assert (porto.key, porto.occurred_at) == ("k1", datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert (rated.event.title, rated.event.value, rated.event.attributes["genre"][0]) == (
        "Alien (1979)",
        5,
        "Horror",
    )
    assert noted.author == "assistant"
    assert ada.observe("again", key="k1") == porto
    assert [p.text for p in ada.propositions()] == [
        "The user loves horror films.",
        "The user lives in Lisbon.",
    ]
    lisbon = ada.propositions()[1]
    old, new = ada.history(lisbon.group)
    assert (old.text, old.retired_at, new) == ("The user lives in Porto.", lisbon.recorded_at, lisbon)
    assert [e.quote for p in (old, new) for e in p.evidence] == ["live in Porto", "moved to Lisbon"]
    assert ada.portrait("summary").text == "Lives in Lisbon."
    assert [(a.recipient, a.decision, a.reason) for a in ada.audit_log()] == [
        ("a shop", "withhold", "private")
    ]
    assert [o.text for o in bob.observations(pending=True)] == ["I fish.", "Not encoded yet."]


def check_it_goes_on(ada: UserMemory) -> None:
    """Use it as its new version is used."""
    said = ada.observe("I have a cat", key="k2", session="today")
    assert ada.observation(said.id).session == "today"
    assert ada.search("cat", weights=LEXICAL)[0].record == said
    receipt = ada.forget(ada.observations()[0].id)
    assert (receipt.observations, receipt.propositions) == (1, 2)
    assert "Porto" not in json.dumps(list(ada.export()))


def test_everything_is_there_for_its_user(memory) -> None:
    check_what_a_user_sees(memory)
    check_it_goes_on(memory.user("ada"))


def bm25_of(store: dict, query: list[str]) -> list[int]:
    """Rank a store's current documents of ada for stemmed terms, from its rows alone."""
    lengths = {
        d["id"]: d["length"] for d in store["documents"] if d["user_id"] == "ada" and not d["retired_at"]
    }
    mean = sum(lengths.values()) / len(lengths)
    scores: defaultdict[int, float] = defaultdict(float)
    for term in query:
        hits = [
            t
            for t in store["terms"]
            if t["user_id"] == "ada" and t["term"] == term and t["document_id"] in lengths
        ]
        idf = math.log(1 + (len(lengths) - len(hits) + 0.5) / (len(hits) + 0.5))
        for hit in hits:
            norm = K1 * (1 - B + B * lengths[hit["document_id"]] / mean)
            scores[hit["document_id"]] += idf * hit["frequency"] * (K1 + 1) / (hit["frequency"] + norm)
    return sorted(scores, key=lambda n: (-scores[n], -n))


def cosines_of(store: dict, vector: np.ndarray) -> list[int]:
    """Rank a store's current documents of ada by their vectors, from its rows alone."""
    current = {d["id"] for d in store["documents"] if d["user_id"] == "ada" and not d["retired_at"]}
    scores = {
        v["document_id"]: float(np.frombuffer(v["vector"], dtype="<f4") @ vector)
        for v in store["vectors"]
        if v["document_id"] in current
    }
    return sorted(scores, key=lambda n: (-scores[n], -n))


def owners(store: dict, numbers: list[int]) -> list[str]:
    by_number = {d["id"]: d["observation_id"] or d["proposition_id"] for d in store["documents"]}
    return [by_number[number] for number in numbers]


def check_searches(memory: Memory, before: dict) -> None:
    ada = memory.user("ada")
    for query, stems in (("Porto and Lisbon", ["porto", "lisbon"]), ("horror films", ["horror", "film"])):
        expected = owners(before, bm25_of(before, stems))
        found = [r.record.id for r in ada.search(query, k=len(expected), weights=LEXICAL)]
        assert len(expected) > 0
        assert found == expected
        vector = HashEncoder(dimension=16).encode_query([query])[0]
        expected = owners(before, cosines_of(before, vector))
        assert [r.record.id for r in ada.search(query, k=50, weights=DENSE)] == expected


def test_searches_give_what_they_gave(memory, before) -> None:
    check_searches(memory, before)
    assert memory.encoder.encoded == ["Porto and Lisbon", "horror films"]  # its documents have their vectors


def test_the_index_is_made_of_what_was_there(memory, before) -> None:
    assert memory.rebuild_index() == 8
    assert memory.encoder.encoded == []
    kinds = {d["id"]: d["kind"] for d in before["documents"]}
    for kind in ("observation", "proposition"):
        expected = {
            v["document_id"]: np.frombuffer(v["vector"], dtype="<f4")
            for v in before["vectors"]
            if v["user_id"] == "ada" and kinds[v["document_id"]] == kind
        }
        for number, vector in expected.items():
            with memory.database.read() as connection:
                nearest = memory.index.nearest(connection, "ada", kind, vector, len(expected))
            assert set(nearest) == set(expected)
            assert nearest[0] == number
        seed = memory.index._seed("ada")
        found = indexed(memory, "ada", kind)
        assert found.keys() == expected.keys()
        for number, vector in expected.items():
            (turned,) = rotated(vector[np.newaxis], seed)
            assert np.allclose(found[number], turned, atol=1e-5)
    check_searches(memory, before)


@pytest.fixture
def old_postgresql(empty_postgresql_url, dump, before) -> str:
    """Return the URL of a PostgreSQL database of that version with the same rows."""
    engine = create_engine(empty_postgresql_url)
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, dump.stem)
        metadata = MetaData()
        metadata.reflect(connection)
        connection.execute(metadata.tables["store"].delete())
        for table in metadata.sorted_tables:
            if before.get(table.name):
                connection.execute(insert(table), [typed(table, row) for row in before[table.name]])
        for table in ("documents", "outbox"):
            last = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
            connection.execute(text(last))
    engine.dispose()
    return empty_postgresql_url


def typed(table: Table, row: dict) -> dict:
    """Turn what SQLite stores into what PostgreSQL's driver takes."""

    def value(column: str, stored: object) -> object:
        kind = table.c[column].type
        if stored is None or isinstance(kind, LargeBinary):
            return stored
        if isinstance(kind, DateTime):
            return datetime.fromisoformat(str(stored)).replace(tzinfo=UTC)
        return json.loads(str(stored)) if isinstance(kind, JSON) else stored

    return {column: value(column, stored) for column, stored in row.items()}


def exported(memory: Memory) -> list[dict[str, object]]:
    records = [record for name in memory.users() for record in memory.user(name).export()]
    return [{k: v for k, v in record.items() if k != "exported_at"} for record in records]


def test_the_same_on_postgresql(old_postgresql, memory, before, tmp_path) -> None:
    settings = Settings(home=tmp_path / "other", database_url=old_postgresql, exact_limit=2)
    with Memory(settings, HashEncoder(dimension=16)) as there:
        assert exported(there) == exported(memory)
        check_searches(there, before)
        assert there.rebuild_index() == 8
        check_what_a_user_sees(there)
        check_it_goes_on(there.user("ada"))


def check_killed(dump: Path, tmp_path: Path, places: list[float] | None) -> int:
    """Kill migrations at some places, from 0 to 1, or at every statement; return the number of statements."""
    load(dump, tmp_path / "whole")
    count = open_and_count(tmp_path / "whole" / "limner.db")
    expected = sqlite3.connect(tmp_path / "whole" / "limner.db")
    whole = rows(expected)
    expected.close()
    statements = (
        range(1, count + 1) if places is None else [1 + round(place * (count - 1)) for place in places]
    )
    for statement in statements:
        home = tmp_path / str(statement)
        load(dump, home)
        open_and_die(home / "limner.db", statement)
        killed = sqlite3.connect(home / "limner.db")
        version = killed.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        assert version in (dump.stem, SCHEMA_VERSION)
        assert killed.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        killed.close()
        with Memory(Settings(home=home), HashEncoder(dimension=16)) as memory:
            again = sqlite3.connect(home / "limner.db")
            assert rows(again) == whole
            again.close()
            check_what_a_user_sees(memory)
    return count


def test_a_migration_that_is_killed_leaves_the_old_version_or_the_new(dump, tmp_path) -> None:
    assert check_killed(dump, tmp_path, [0.3, 0.6, 0.9]) > 10


@pytest.mark.crash
@pytest.mark.timeout(600)
def test_a_migration_that_is_killed_anywhere(dump, tmp_path) -> None:
    assert check_killed(dump, tmp_path, None) > 10


def statements_of(old_postgresql: str) -> int:
    """Return how many statements it takes to open a copy of a database."""
    place, _, name = old_postgresql.rpartition("/")
    copy = f"{name}_copy"
    engine = create_engine(f"{place}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {copy} TEMPLATE {name}"))
        count = open_and_count(f"{place}/{copy}")
        connection.execute(text(f"DROP DATABASE {copy} WITH (FORCE)"))
    engine.dispose()
    return count


@pytest.mark.crash
@pytest.mark.timeout(600)
@pytest.mark.parametrize("place", [0.2, 0.4, 0.6, 0.8, 1.0])
def test_a_migration_that_is_killed_on_postgresql(old_postgresql, tmp_path, dump, place) -> None:
    statement = max(2, round(place * statements_of(old_postgresql)))
    open_and_die(old_postgresql, statement)
    engine = create_engine(old_postgresql)
    with engine.connect() as connection:
        assert current_version(connection) in (dump.stem, SCHEMA_VERSION)
        assert connection.execute(select(text("count(*)")).select_from(text("observations"))).scalar() == 7
    engine.dispose()
    with Memory(
        Settings(home=tmp_path / "home", database_url=old_postgresql), HashEncoder(dimension=16)
    ) as memory:
        check_what_a_user_sees(memory)

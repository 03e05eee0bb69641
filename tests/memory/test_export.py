"""The export: every table that is not derived, every column that means something elsewhere, and valid lines."""

import json

import pytest

from contracts.memory_reflections import proposed, reflect, revision_of
from limner.memory import Portrait, PortraitLine
from limner.memory.export import export
from limner.memory.lines import DERIVED, KINDS, any_line
from limner.memory.schema import metadata

pytestmark = pytest.mark.every_database


def test_every_table_is_exported_or_derived() -> None:
    exported = {kind.table.name for kind in KINDS}
    exported |= {part.table.name for kind in KINDS for part in kind.parts.values()}
    assert exported | DERIVED == set(metadata.tables)
    assert exported & DERIVED == set()


def test_every_column_is_exported_or_omitted_on_purpose() -> None:
    for kind in KINDS:
        names = {column.name for column in kind.table.columns}
        assert set(kind.columns) | kind.omitted == names
        for part in kind.parts.values():
            shown = {*part.columns, part.owner, "user_id"} | ({part.numbered} if part.numbered else set())
            assert shown == {column.name for column in part.table.columns}


def test_every_line_is_what_a_reader_demands(memory, ada) -> None:
    home = ada.observe("I live in Porto", source="chat", key="1")
    held = reflect(ada, proposed(ada, "Lives in Porto.", home))[0]
    move = ada.observe("I moved to Lisbon", source="chat")
    moved = revision_of(ada, held, "Lives in Lisbon.", move)
    reflect(ada, moved)
    line = PortraitLine(text="Lisbon.", propositions=(moved.id,), evidence=moved.evidence)
    ada.save_portrait(Portrait(user_id="ada", kind="k", lines=(line,)))
    ada.record_audit("a friend", "small talk", decision="share", proposition_id=moved.id)
    ada.consent("chat", granted=True, basis="a form")
    ada.retain("chat", 30)
    ada.search("Lisbon")
    lines = list(export(memory.database, None, encoder=memory.encoder, with_vectors=True))
    for one in lines:
        assert any_line().validate_json(json.dumps(one)).record == one["record"]
    assert lines[-1] == {"record": "end", "lines": len(lines) - 1}
    by_kind = {kind: [one for one in lines if one["record"] == kind] for kind in ("proposition", "vector")}
    assert [one["supersedes"] for one in by_kind["proposition"]] == [[], [held.id]]
    assert {one["owner_id"] for one in by_kind["vector"]} >= {home.id, move.id, moved.id}


def test_what_is_claimed_waits_in_the_export(memory, ada) -> None:
    ada.observe("I live in Porto")
    assert ada.claim(1000, len) is not None
    states = [one["state"] for one in ada.export() if one["record"] == "observation"]
    assert states == ["pending"]


def test_one_users_export_has_nothing_of_another(memory, ada) -> None:
    ada.observe("I live in Porto")
    memory.user("bob").observe("bobs secret")
    assert "bob" not in json.dumps(list(ada.export()))
    everybody = [one["id"] for one in export(memory.database, None) if one["record"] == "user"]
    assert everybody == ["ada", "bob"]

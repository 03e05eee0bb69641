"""Whatever is changed in an export: it is taken in whole, or refused in words, and then nothing was stored."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.exported_life import live, written
from limner.errors import ConfigurationError, InputError
from limner.memory import Memory
from limner.settings import Settings
from limner.testing import HashEncoder

_VALUES = st.one_of(
    st.none(),
    st.sampled_from([
        "",
        0,
        -1,
        2**31,
        2**63,
        1e308,
        True,
        [],
        {},
        "x" * 300,
        "\ud800",
        "a\0b",
        [None],
        {"a": "\0"},
    ]),
    st.sampled_from(["2999-01-01T00:00:00Z", "2020-01-01T00:00:00", "ada", "bob", "'; DROP TABLE users; --"]),
)
_CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["value", "value", "value", "drop a field", "drop a line", "double", "swap"]),
        st.integers(0, 999),
        st.integers(0, 999),
        _VALUES,
    ),
    min_size=1,
    max_size=3,
)


@pytest.fixture(scope="module")
def lines(tmp_path_factory) -> list[dict]:
    folder = tmp_path_factory.mktemp("lived")
    with Memory(Settings(home=folder), HashEncoder(dimension=64)) as memory:
        live(memory)
        return list(memory.export(vectors=True))


def _innermost(one: object, which: int) -> dict:
    """An object of a line, the line itself among them."""
    found = [one]
    for value in found:
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        found += [v for v in inside if isinstance(v, dict | list)]
    objects = [value for value in found if isinstance(value, dict) and value]
    return objects[which % len(objects)]


def _change(lines: list[dict], how: str, where: int, which: int, value: object) -> None:
    place = where % len(lines)
    if how == "drop a line" and len(lines) > 1:
        del lines[place]
    elif how == "double":
        lines.insert(which % len(lines), lines[place])
    elif how == "swap":
        other = which % len(lines)
        lines[place], lines[other] = lines[other], lines[place]
    elif lines[place]:
        changed = _innermost(lines[place], which)
        field = sorted(changed)[which % len(changed)]
        if how == "drop a field":
            del changed[field]
        else:
            changed[field] = value


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=_CHANGES, counted=st.booleans())
def test_a_changed_export_is_taken_whole_or_refused_whole(lines, changes, counted, memory, tmp_path) -> None:
    changed = json.loads(json.dumps(lines))
    for change in changes:
        _change(changed, *change)
    if counted and changed[-1].get("record") == "end":
        changed[-1]["lines"] = len(changed) - 1
    file = tmp_path / "f.jsonl"
    text = "".join(json.dumps(line) + "\n" for line in changed)
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        memory.import_file(file, conversations="take")
    except (InputError, ConfigurationError):
        assert memory.users() == []
        return
    for name in memory.users():
        user = memory.user(name)
        again = list(memory.export(vectors=True))[1:]
        assert written(memory, file, vectors=True).exists()
        for read in (user.observations, user.sources, user.consents, user.receipts, user.status):
            read()
        user.portrait("k")
        for one in user.propositions():
            user.history(one.group)
        user.search("Lisbon")
        user.forget_everything(leave_nothing=True)
        memory.import_file(file, conversations="take")
        assert list(memory.export(vectors=True))[1:] == again
        user.forget_everything(leave_nothing=True)

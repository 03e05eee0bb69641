"""Reading an export back: an identical store, or an error that says which line and why; and nothing in between."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from contracts.exported_life import live, written
from contracts.memory_reflections import proposed, reflect, revision_of
from limner.errors import ConfigurationError, InputError, StaleClaim
from limner.memory import Memory, NewObservation
from limner.memory.schema import documents
from limner.settings import Settings
from limner.testing import HashEncoder

pytestmark = pytest.mark.every_database


def lines_of(memory: Memory) -> list[dict]:
    return [line for line in memory.export(vectors=True) if line["record"] != "limner"]


def as_a_set(lines: list[dict]) -> set[str]:
    return {json.dumps(line, sort_keys=True) for line in lines}


@pytest.fixture
def second(tmp_path, make_store):
    make_store(tmp_path / "second")
    memory = Memory(Settings(home=tmp_path / "second"), HashEncoder(dimension=64))
    yield memory
    memory.close()


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A store in which every test leaves nothing."""
    memory = Memory(Settings(home=tmp_path_factory.mktemp("empty")), HashEncoder(dimension=64))
    yield memory
    memory.close()


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> bytes:
    """An export of a user who has something in every table."""
    folder = tmp_path_factory.mktemp("lived")
    with Memory(Settings(home=folder), HashEncoder(dimension=64)) as memory:
        live(memory)
        return written(memory, folder / "f.jsonl", vectors=True).read_bytes()


def test_an_import_into_an_empty_store_makes_an_identical_one(memory, second, tmp_path) -> None:
    live(memory)
    live(memory, "bob")
    file = written(memory, tmp_path / "all.jsonl", vectors=True)
    done = second.import_file(file, conversations="take")
    assert [(one.user_id, one.known) for one in done] == [("ada", 0), ("bob", 0)]
    assert lines_of(second) == lines_of(memory)
    kinds = {line["record"] for line in lines_of(second)}
    assert kinds == {
        *("user", "source", "consent", "observation", "batch", "proposition", "portrait", "audit", "verdict"),
        *("erasure", "checkpoint", "checkpoint_write", "vector", "end"),
    }
    ada, again = memory.user("ada"), second.user("ada")
    assert again.propositions() == ada.propositions()
    assert [r.record for r in again.search("Lisbon")] == [r.record for r in ada.search("Lisbon")]
    assert again.status() == ada.status()
    assert again.sources() == ada.sources()
    (found,) = again.checkpoints().list(None)
    assert found.pending_writes == [("task", "channel", "said")]
    there = lines_of(memory)
    back = written(second, tmp_path / "back.jsonl", vectors=True)
    for name in ("ada", "bob"):
        memory.user(name).forget_everything(leave_nothing=True)
    memory.import_file(back, conversations="take")
    assert lines_of(memory) == there


def test_the_header_names_the_encoder(memory, ada) -> None:
    ada.observe("x")
    assert next(iter(ada.export()))["encoder_version"] is None
    ada.search("x")
    header = next(iter(ada.export()))
    assert (header["encoder"], header["encoder_version"]) == ("hash", "1-64")


def test_without_vectors_it_is_encoded_when_it_is_searched(memory, second, tmp_path) -> None:
    memory.user("ada").observe("I live in Porto")
    second.import_file(written(memory, tmp_path / "f.jsonl"))
    (found,) = second.user("ada").search("where in Porto")
    assert found.why["dense"] > 0


_TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).filter(str.strip)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    said=st.lists(
        st.tuples(_TEXTS, st.sampled_from(["chat", "mail", "日記"]), st.booleans()), min_size=1, max_size=6
    ),
    name=st.sampled_from(["ada", "аda", "../x", "o'brien", "日本"]),
    done=st.booleans(),
)
def test_whatever_was_said_comes_back(said, name, done, memory, second, tmp_path) -> None:
    user = memory.user(f"{name} {len(memory.users())}")
    stored = user.observe_many(
        NewObservation(text, source=source, key=str(n) if keyed else None)
        for n, (text, source, keyed) in enumerate(said)
    )
    if done:
        reflect(user, *(proposed(user, one.text, one) for one in stored))
    lines = list(user.export())
    file = tmp_path / "f.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    (one,) = second.import_file(file)
    assert (one.user_id, one.added) == (user.user_id, len(lines) - 2)
    assert list(second.user(user.user_id).export())[1:] == lines[1:]


def test_a_user_who_is_there_is_refused_and_merged_when_asked(memory, second, tmp_path) -> None:
    live(memory)
    file = written(memory, tmp_path / "f.jsonl", vectors=True)
    second.import_file(file, conversations="take")
    with pytest.raises(InputError, match="--merge"):
        second.import_file(file, conversations="take")
    before = lines_of(second)
    (again,) = second.import_file(file, merge=True, conversations="take")
    assert again.added == 0
    assert lines_of(second) == before


def test_a_later_export_adds_what_is_new_and_retires_what_is_retired(memory, second, tmp_path) -> None:
    ada = memory.user("ada")
    home = ada.observe("I live in Porto")
    (held,) = reflect(ada, proposed(ada, "Lives in Porto.", home))
    waiting = ada.observe("I moved to Lisbon")
    second.import_file(written(memory, tmp_path / "1.jsonl"))
    assert [one.id for one in second.user("ada").observations(pending=True)] == [waiting.id]
    reflect(ada, revision_of(ada, held, "Lives in Lisbon.", waiting))
    second.import_file(written(memory, tmp_path / "2.jsonl"), merge=True)
    assert as_a_set(lines_of(second)) == as_a_set(lines_of(memory))
    # an older file takes nothing back
    second.import_file(tmp_path / "1.jsonl", merge=True)
    assert as_a_set(lines_of(second)) == as_a_set(lines_of(memory))
    assert [r.record.text for r in second.user("ada").search("Porto", kinds=("proposition",))] == [
        "Lives in Lisbon."
    ]


def test_one_key_is_one_observation_or_gets_another_key(memory, second, tmp_path) -> None:
    ada, other = memory.user("ada"), second.user("ada")
    same = ada.observe("bought milk", key="k1")
    ada.observe("bought bread", key="k2")
    reflect(ada, proposed(ada, "Buys milk.", same))
    mine = other.observe("bought milk", key="k1")
    other.observe("bought beer", key="k2")
    file = written(memory, tmp_path / "f.jsonl", vectors=True)
    for _ in range(2):
        second.import_file(file, merge=True)
        assert sorted(one.text for one in other.observations()) == [
            "bought beer",
            "bought bread",
            "bought milk",
        ]
        (held,) = other.propositions()
        assert held.evidence[0].observation_id == mine.id
        assert [one.text for one in other.observations(pending=True)] == ["bought beer"]
    assert other.observe("bought beer", key="k2").text == "bought beer"


def test_a_finding_of_one_topic_is_held_once_and_computed_again(memory, second, tmp_path) -> None:
    ada, other = memory.user("ada"), second.user("ada")
    reflect(ada, proposed(ada, "Rates high.", ada.observe("5/5"), topic="rating"))
    low = other.observe("1/5")
    reflect(other, proposed(other, "Rates low.", low, topic="rating"))
    memory.import_file(written(second, tmp_path / "f.jsonl"), merge=True)
    assert [one.text for one in ada.propositions()] == ["Rates low."]
    assert [one.text for one in ada.observations(pending=True)] == ["5/5"]


def test_what_the_user_denied_elsewhere_is_not_held(memory, second, tmp_path) -> None:
    ada, other = memory.user("ada"), second.user("ada")
    (held,) = reflect(ada, proposed(ada, "Likes opera.", ada.observe("went to the opera")))
    ada.deny(held.id)
    reflect(other, proposed(other, "Likes opera.", other.observe("saw an opera")))
    second.import_file(written(memory, tmp_path / "f.jsonl"), merge=True)
    assert other.propositions() == []


def test_the_stricter_settings_hold(memory, second, tmp_path) -> None:
    ada, other = memory.user("ada"), second.user("ada")
    ada.pause()
    ada.retain("chat", 30)
    other.retain("chat", 90)
    other.retain("mail", 0)
    second.import_file(written(memory, tmp_path / "f.jsonl"), merge=True)
    assert other.status().paused_at is not None
    assert {one.source: one.retain_days for one in other.sources()} == {"chat": 30, "mail": 0}


def _changed(file, change) -> None:
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    change(lines)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def _first(lines, record):
    return next(line for line in lines if line["record"] == record)


def _newer(lines):
    lines[0] |= {"format": 99, "unknown": 1}


def _foreign(lines):
    _first(lines, "observation")["user_id"] = "bob"


def _unquoted(lines):
    _first(lines, "proposition")["evidence"][0]["quote"] = "never said"


def _dangling(lines):
    _first(lines, "verdict")["observation_id"] = "nowhere"


def _superseding(lines):
    _first(lines, "proposition")["supersedes"] = ["nowhere"]


def _unknown_field(lines):
    _first(lines, "consent")["power"] = 9


def _unknown_record(lines):
    _first(lines, "consent")["record"] = "power"


def _shorter(lines):
    del lines[3]


def _cut(lines):
    del lines[-1]


def _headless(lines):
    del lines[0]


def _bad_vector(lines):
    vector = _first(lines, "vector")
    vector["vector"] = vector["vector"][:-8] + "AAAAAAA="


def _doubled_key(lines):
    one = _first(lines, "observation")
    lines.insert(lines.index(one) + 1, {**one, "id": "another", "text": "other"})
    lines[-1]["lines"] += 1


def _nul(lines):
    _first(lines, "observation")["text"] = "a\0b"


def _for_ever(lines):
    _first(lines, "consent")["decided_at"] = "2999-01-01T00:00:00Z"


def _orphan_write(lines):
    lines.remove(_first(lines, "checkpoint"))
    lines[-1]["lines"] -= 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_newer, "Upgrade limner"),
        (_foreign, "user_id: is another user's"),
        (_unquoted, "evidence: has a quote"),
        (_dangling, "observation_id: names nowhere"),
        (_superseding, "supersedes: names nowhere"),
        (_unknown_field, "power"),
        (_unknown_record, "line 5"),
        (_shorter, "missing or doubled"),
        (_cut, "cut off"),
        (_headless, "no export of limner"),
        (_bad_vector, "vector: is no vector"),
        (_doubled_key, "key: stands twice"),
        (_nul, "NUL"),
        (_for_ever, "decided_at: lies in the future"),
        (_orphan_write, "names a checkpoint"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_stored(exported, empty, tmp_path, change, says) -> None:
    file = tmp_path / "f.jsonl"
    file.write_bytes(exported)
    _changed(file, change)
    with pytest.raises((InputError, ConfigurationError), match=says) as caught:
        empty.import_file(file, conversations="take")
    assert str(file) in str(caught.value)
    assert empty.users() == []
    with empty.database.read() as connection:
        assert connection.execute(select(documents)).first() is None


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"nonsense\n", b"[]\n", b"\xff\xfe\n", b'{"record": "limner"}\n']
)
def test_what_is_no_export_is_refused(empty, tmp_path, content) -> None:
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(InputError):
        empty.import_file(tmp_path / "f")


@pytest.mark.parametrize("place", [".", "none.jsonl", "none/f.jsonl"])
def test_what_cannot_be_read_is_refused(empty, tmp_path, place) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        empty.import_file(tmp_path / place)


def test_other_content_under_the_same_id_is_refused(memory, second, tmp_path) -> None:
    live(memory)
    file = written(memory, tmp_path / "f.jsonl", vectors=True)
    second.import_file(file, conversations="take")
    before = lines_of(second)

    def change(lines):
        _first(lines, "consent")["basis"] = "another form"

    _changed(file, change)
    with pytest.raises(InputError, match="basis: is not what is stored under the same id"):
        second.import_file(file, merge=True, conversations="take")
    assert lines_of(second) == before


def test_an_id_of_another_user_is_refused(memory, tmp_path) -> None:
    memory.user("ada").observe("mine")
    file = written(memory, tmp_path / "f.jsonl")

    def change(lines):
        for line in lines:
            line |= {name: "eve" for name in ("user_id",) if name in line}
        _first(lines, "user")["id"] = "eve"

    _changed(file, change)
    with pytest.raises(InputError, match="is taken"):
        memory.import_file(file)
    assert memory.users() == ["ada"]


def test_evidence_of_another_user_is_refused(memory, second, tmp_path) -> None:
    bob = memory.user("bob").observe("I live in Porto")
    ada = second.user("ada")
    reflect(ada, proposed(ada, "Lives in Porto.", ada.observe("I live in Porto")))
    file = written(second, tmp_path / "f.jsonl")

    def change(lines):
        _first(lines, "proposition")["evidence"][0]["observation_id"] = bob.id

    _changed(file, change)
    with pytest.raises(InputError, match="which is not there"):
        memory.import_file(file)
    assert memory.users() == ["bob"]


def test_conversations_are_refused_left_out_or_trusted(memory, second, tmp_path) -> None:
    live(memory)
    file = written(memory, tmp_path / "f.jsonl")
    with pytest.raises(InputError, match="--trust-checkpoints"):
        second.import_file(file)
    assert second.users() == []
    second.import_file(file, conversations="leave")
    assert list(second.user("ada").checkpoints().list(None)) == []


def test_users_before_a_bad_one_stay_and_the_file_can_be_gone_on_with(memory, second, tmp_path) -> None:
    memory.user("ada").observe("a")
    memory.user("bob").observe("b")
    second.user("bob").observe("b is here")
    file = written(memory, tmp_path / "f.jsonl")
    with pytest.raises(InputError) as caught:
        second.import_file(file)
    assert any("stored before that: ada" in note for note in caught.value.__notes__)
    assert [len(second.user(name).observations()) for name in ("ada", "bob")] == [1, 1]
    second.import_file(file, merge=True)
    assert [len(second.user(name).observations()) for name in ("ada", "bob")] == [1, 2]


def test_a_stalled_export_keeps_nothing_readable(memory, ada, places) -> None:
    secret = ada.observe("zyzzyva")
    ada.observe_many(NewObservation(f"line {n}") for n in range(600))
    stalled = ada.export()
    next(stalled)
    receipt = ada.forget(secret.id)
    assert not any("older state" in remnant for remnant in receipt.remnants)
    assert places or receipt.remnants == ()
    folder = memory.settings.home
    assert not any(b"zyzzyva" in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    with pytest.raises(StaleClaim, match="begin the export again"):
        list(stalled)


def test_what_comes_in_meanwhile_disturbs_no_export(ada, memory) -> None:
    ada.observe_many(NewObservation(f"line {n}") for n in range(600))
    going_on = ada.export()
    next(going_on)
    ada.observe("new")
    memory.user("bob").observe("x")
    lines = list(going_on)
    assert lines[-1]["lines"] == 602

"""Another encoder: everything is encoded anew in the background, and found meanwhile."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest
from sqlalchemy import select

from limner.errors import ModelUnavailable
from limner.memory import Memory, NewObservation
from limner.memory.schema import users, vectors
from limner.settings import RecallWeights, Settings
from limner.testing import HashEncoder

BEFORE, AFTER = HashEncoder(dimension=64), HashEncoder(dimension=32)
TEXTS = [f"a word{n} and some tea" for n in range(100)]
DENSE = RecallWeights(lexical=0, dense=1)
HALF = RecallWeights(lexical=0.5, dense=0.5)


class Held(HashEncoder):
    """Encodes documents when it is let."""

    def __init__(self) -> None:
        super().__init__(dimension=32)
        self.may = threading.Event()
        self.asked = threading.Event()

    def encode_documents(self, texts):
        self.asked.set()
        assert self.may.wait(20)
        return super().encode_documents(texts)


def earlier(name: str, version: str) -> HashEncoder | None:
    return BEFORE if (name, version) == (BEFORE.name, BEFORE.version) else None


@pytest.fixture
def opened(tmp_path):
    """Open the store with an encoder, and close it at the end."""
    handles: list[Memory] = []

    def _open(encoder, **options):
        known = options.pop("earlier", None)
        settings = Settings(**{"home": tmp_path / "home", "chroma_url": "ephemeral", **options})
        handles.append(Memory(settings, encoder, earlier=known))
        return handles[-1]

    yield _open
    for handle in handles:
        handle.close()


@pytest.fixture
def stored(opened) -> list[str]:
    """Two users whose vectors are of the encoder before; the ids of what ada said."""
    with opened(BEFORE) as memory:
        for name in ("ada", "bob"):
            said = memory.user(name).observe_many(NewObservation(words) for words in TEXTS)
            memory.user(name).search("tea", weights=DENSE)
        assert made(memory) == {BEFORE.version: 200}
    return [o.id for o in said]


def made(memory: Memory, user_id: str | None = None) -> dict[str, int]:
    """Return how many vectors there are by version of the encoder."""
    statement = select(vectors.c.encoder_version)
    if user_id is not None:
        statement = statement.where(vectors.c.user_id == user_id)
    with memory.database.read() as connection:
        versions = list(connection.execute(statement).scalars())
    return {version: versions.count(version) for version in set(versions)}


def test_the_encoder_before_serves_until_all_is_encoded(opened, stored) -> None:
    encoder = Held()
    memory = opened(encoder, earlier=earlier)
    ada = memory.user("ada")
    found = ada.search("word7", k=3, weights=DENSE)
    assert found[0].record.text == TEXTS[7]
    assert {recall.vectors for recall in found} == {"earlier"}
    assert encoder.asked.wait(20)
    new = ada.observe("a zebra")
    assert ada.search("zebra", weights=HALF)[0].record == new
    encoding = ada.status().encoding
    assert (encoding.documents, encoding.encoded, encoding.outdated) == (101, 0, 100)
    encoder.may.set()
    memory.reencoder.wait(20)
    assert made(memory) == {AFTER.version: 201}
    found = ada.search("word7", k=3, weights=DENSE)
    assert (found[0].record.text, found[0].vectors) == (TEXTS[7], "current")
    assert ada.status().encoding is None


@pytest.mark.parametrize("known", [None, "broken"])
def test_without_it_words_serve_and_what_has_been_encoded(opened, stored, known, caplog) -> None:
    class Broken(HashEncoder):
        def encode_query(self, texts):
            raise ModelUnavailable("its weights are gone")

    encoder = Held()
    memory = opened(encoder, earlier=None if known is None else lambda name, version: Broken(dimension=64))
    ada = memory.user("ada")
    for _ in range(2):
        (found,) = ada.search("word7", k=1, weights=HALF)
        assert (found.record.text, found.vectors) == (TEXTS[7], "partial")
    assert encoder.asked.wait(20)  # what it says in the background has been said by then
    assert "searches use what there is meanwhile" in caplog.text
    assert ("its weights are gone" in caplog.text) == (known is not None)
    encoder.may.set()
    memory.reencoder.wait(20)
    assert ada.search("word7", k=1, weights=DENSE)[0].vectors == "current"


def test_a_killed_process_leaves_the_rest_to_the_next(opened, stored, tmp_path) -> None:
    code = textwrap.dedent(f"""
        import os, signal
        from limner.memory import Memory
        from limner.settings import Settings
        from limner.testing import HashEncoder

        class Mortal(HashEncoder):
            def encode_documents(self, texts):
                if len(self.encoded) > 64:
                    os.kill(os.getpid(), signal.SIGKILL)
                return super().encode_documents(texts)

        memory = Memory(Settings(home={str(tmp_path / "home")!r}, chroma_url="ephemeral"), Mortal(dimension=32))
        memory.user("ada").search("tea")
        memory.reencoder.wait()
    """)
    killed = subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    encoder = HashEncoder(dimension=32)
    memory = opened(encoder)
    done = made(memory)[AFTER.version]
    assert 0 < done < 100
    assert made(memory)[BEFORE.version] == 200
    told: list[tuple[int, int]] = []
    assert memory.encode(lambda *progress: told.append(progress)) == 200 - done
    assert told[-1] == (200 - done, 200 - done)
    assert len(encoder.encoded) == 200 - done
    assert made(memory) == {AFTER.version: 200}
    assert memory.encode() == 0


def test_closing_waits_for_no_more_than_a_few(opened, stored) -> None:
    encoder = Held()
    memory = opened(encoder)
    memory.user("ada").search("tea", weights=HALF)
    assert encoder.asked.wait(20)
    encoder.may.set()
    memory.reencoder._stop.set()
    memory.close()
    again = opened(HashEncoder(dimension=32))
    assert made(again)[AFTER.version] == 32
    assert again.user("ada").status().encoding.encoded == 32


@pytest.mark.parametrize("background", [True, False])
def test_who_is_erased_meanwhile_stays_erased(opened, stored, background) -> None:
    class Forgetful(HashEncoder):
        def encode_documents(self, texts):
            if not self.encoded:
                elsewhere.user("ada").forget_everything()
                elsewhere.user("bob").forget(stored[0])
            return super().encode_documents(texts)

    elsewhere = opened(AFTER)
    memory = opened(Forgetful(dimension=32))
    if background:
        memory.reencoder.start("ada")
        memory.reencoder.wait(20)
    else:
        memory.encode()
    assert memory.users() == ["bob"]
    assert made(memory) == {AFTER.version: 99}
    assert memory.user("ada").search("tea") == []
    assert stored[0] not in {recall.record.id for recall in memory.user("bob").search("tea", k=200)}


def test_the_index_forgets_the_vectors_before(opened, stored) -> None:
    def indexed(memory: Memory) -> int:
        with memory.database.read() as connection:
            seed = connection.execute(select(users.c.index_key).where(users.c.id == "ada")).scalar()
        return memory.index._collections.count("ada", memory.index._key("observation", seed))

    options = {"exact_limit": 3, "chroma_url": None}
    with opened(BEFORE, **options) as memory:
        assert memory.drain_index() == 200
        assert indexed(memory) == 100
    with opened(AFTER, **options) as memory:
        memory.encode()
        assert memory.status().outbox == 0
        assert indexed(memory) == 100
        assert memory.user("ada").search("word7", weights=DENSE)[0].record.text == TEXTS[7]
    assert indexed(opened(BEFORE, **options)) == 0


def test_of_two_processes_the_one_opened_last_has_its_way(opened, stored, caplog) -> None:
    first = opened(BEFORE, earlier=lambda name, version: HashEncoder(dimension=32))
    second = opened(AFTER, earlier=earlier)
    second.encode()
    found = first.user("ada").search("word7", k=1, weights=DENSE)
    assert (found[0].record.text, found[0].vectors) == (TEXTS[7], "earlier")
    first.reencoder.wait(20)
    assert "opened later" in caplog.text
    assert made(second) == {AFTER.version: 200}


def test_what_was_never_encoded_is_encoded_before_a_search(opened) -> None:
    memory = opened(AFTER)
    ada = memory.user("ada")
    ada.observe_many(NewObservation(words) for words in TEXTS)
    assert ada.search("word7", weights=DENSE)[0].vectors == "current"
    assert made(memory) == {AFTER.version: 100}

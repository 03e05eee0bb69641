"""What every home of the vector index must do: subclass `VectorIndexContract` and say where it is."""

import numpy as np
import pytest

from contracts.memory_reflections import proposed, reflect, revision_of
from limner.memory import Memory, NewObservation
from limner.settings import RecallWeights

DENSE = RecallWeights(lexical=0, dense=1)


class VectorIndexContract:
    """Tests over one home, with an index for every user who has more than three documents of a kind."""

    def open(self, open_memory) -> Memory:
        """Return a memory with `exact_limit=3` on this home."""
        raise NotImplementedError

    @pytest.fixture
    def memory(self, open_memory) -> Memory:
        return self.open(open_memory)

    @pytest.fixture
    def ada(self, memory):
        ada = memory.user("ada")
        ada.observe_many(NewObservation(f"film number {n} is a word{n}") for n in range(30))
        return ada

    def asked(self, memory, ada, monkeypatch) -> list[list[int] | None]:
        """Return what the index answers from now on."""
        answers: list[list[int] | None] = []
        nearest = memory.index.nearest

        def spy(*args: object) -> list[int] | None:
            answers.append(nearest(*args))
            return answers[-1]

        monkeypatch.setattr(memory.index, "nearest", spy)
        return answers

    def test_it_answers_once_drained_and_like_the_exact_search(self, memory, ada, monkeypatch) -> None:
        exact = ada.search("word7 film", k=30)
        assert memory.drain_index() == 30
        assert memory.status().outbox == 0
        answers = self.asked(memory, ada, monkeypatch)
        indexed = ada.search("word7 film", k=30)
        assert sorted(answers[0]) == list(range(1, 31))
        assert indexed == exact

    def test_what_was_just_written_is_found_before_the_index_knows_it(self, memory, ada, monkeypatch) -> None:
        memory.drain_index()
        new = ada.observe("a zebra")
        answers = self.asked(memory, ada, monkeypatch)
        assert ada.search("zebra", weights=DENSE)[0].record == new
        assert answers[0] is not None
        assert memory.drain_index() == 1

    def test_draining_twice_changes_nothing(self, memory, ada) -> None:
        assert memory.drain_index() == 30
        assert memory.drain_index() == 0

    def test_a_small_user_has_no_index(self, memory) -> None:
        bob = memory.user("bob")
        bob.observe_many(NewObservation(str(n)) for n in range(3))
        assert memory.drain_index() == 0
        assert memory.status().outbox == 0
        bob.observe("one more")
        assert memory.drain_index() == 4

    def test_it_is_made_anew_from_sql_without_encoding(self, memory, ada, monkeypatch) -> None:
        memory.drain_index()
        memory.index._collections.erase("ada")
        memory.encoder.encoded.clear()
        assert memory.rebuild_index() == 30
        assert memory.encoder.encoded == []
        answers = self.asked(memory, ada, monkeypatch)
        ada.search("word7", weights=DENSE)
        assert answers[0] is not None

    def test_an_index_that_lost_something_is_not_asked_and_heals(self, memory, ada, monkeypatch) -> None:
        memory.drain_index()
        memory.index._collections.erase("ada")
        answers = self.asked(memory, ada, monkeypatch)
        assert ada.search("word7", weights=DENSE)[0].record.text.endswith("word7")
        assert answers == [None]
        ada.observe("one more")
        assert memory.drain_index() == 31
        ada.search("word7", weights=DENSE)
        assert answers[1] is not None

    def test_it_never_returns_what_sql_has_not(self, memory, ada) -> None:
        memory.drain_index()
        vectors = memory.encoder.encode_documents(["word7"])
        key = memory.index._key("observation", memory.index._seed("ada"))
        memory.index._collections.upsert("ada", key, [4711], np.asarray(vectors))
        found = {r.record.id for r in ada.search("word7", k=50)}
        assert found == {o.id for o in ada.observations()}

    def test_users_do_not_meet(self, memory, ada) -> None:
        bob = memory.user("bob")
        bob.observe_many(NewObservation(f"film number {n} is a word{n}") for n in range(30))
        memory.drain_index()
        assert {r.record.user_id for r in ada.search("word7", k=60)} == {"ada"}
        assert {r.record.user_id for r in bob.search("word7", k=60)} == {"bob"}

    def test_propositions_and_the_past_have_their_own(self, memory, ada) -> None:
        said = ada.observe("everything")
        reflect(ada, *(proposed(ada, f"Likes number{n}.", said) for n in range(8)))
        memory.drain_index()
        old = ada.search("number5", kinds=["proposition"], weights=DENSE)[0].record
        assert old.text == "Likes number5."
        more = ada.observe("number5 no more")
        reflect(ada, revision_of(ada, old, "Dislikes number5.", more))
        memory.drain_index()
        now = {r.record.text for r in ada.search("number5", kinds=["proposition"], k=20)}
        then = {r.record.text for r in ada.search("x", kinds=["proposition"], k=20, known_at=old.recorded_at)}
        assert "Likes number5." in then - now
        assert "Dislikes number5." in now - then

    def test_a_forgotten_vector_is_gone_and_the_rest_is_found(self, memory, ada, monkeypatch) -> None:
        memory.drain_index()
        gone = ada.search("word7", weights=DENSE)[0].record
        ada.forget(gone.id)
        answers = self.asked(memory, ada, monkeypatch)
        assert gone.id not in {r.record.id for r in ada.search("word7", k=50)}
        ada.observe("one more")
        assert memory.drain_index() == 30
        assert gone.id not in {r.record.id for r in ada.search("word7", k=50)}
        assert answers[0] is None
        assert answers[-1] is not None

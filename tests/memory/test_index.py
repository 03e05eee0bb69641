"""The vector index in folders, in memory, and on a server; and what happens when it cannot be used."""

import pytest

from contracts.vector_index_contract import DENSE, VectorIndexContract
from limner.errors import ConfigurationError, LimnerWarning
from limner.memory import Memory, NewObservation
from servers import free_port


class TestIndexInFolders(VectorIndexContract):
    def open(self, open_memory) -> Memory:
        return open_memory(exact_limit=3)

    def test_it_survives_a_restart(self, open_memory, memory, ada, monkeypatch) -> None:
        memory.drain_index()
        memory.close()
        again = open_memory(exact_limit=3)
        answers = self.asked(again, ada, monkeypatch)
        again.user("ada").search("word7", weights=DENSE)
        assert answers[0] is not None

    def test_one_process_at_a_time_has_it(self, open_memory, memory, ada, monkeypatch) -> None:
        memory.drain_index()
        second = open_memory(exact_limit=3)
        answers = self.asked(second, ada, monkeypatch)
        new = second.user("ada").observe("a zebra")
        assert second.user("ada").search("zebra", weights=DENSE)[0].record == new
        assert answers == [None]
        assert second.drain_index() == 0
        assert second.status().outbox == 1
        receipt = second.user("ada").forget(new.id)
        assert "in use elsewhere" in receipt.remnants[0]
        assert memory.drain_index() == 30
        assert second.status().outbox == 0
        memory.close()
        second.user("ada").observe("now the index is free")
        assert second.drain_index() == 1

    def test_a_user_has_one_folder_and_it_does_not_name_them(self, memory, ada, tmp_path) -> None:
        memory.drain_index()
        folders = [path for path in (tmp_path / "home" / "index").iterdir() if path.is_dir()]
        assert len(folders) == 1
        assert "ada" not in folders[0].name


class TestIndexInMemory(VectorIndexContract):
    def open(self, open_memory) -> Memory:
        return open_memory(exact_limit=3, chroma_url="ephemeral")

    def test_two_handles_do_not_share_collections(self, open_memory, memory, ada, tmp_path) -> None:
        memory.drain_index()
        other = Memory(memory.settings.model_copy(update={"home": tmp_path / "elsewhere"}), memory.encoder)
        other.user("ada").observe_many(NewObservation(f"other {n}") for n in range(10))
        other.drain_index()
        assert all(r.record.text.startswith("other") for r in other.user("ada").search("word7", k=50))
        other.close()
        assert ada.search("word7", weights=DENSE)[0].record.text.endswith("word7")


@pytest.mark.every_database
class TestIndexOnAServer(VectorIndexContract):
    @pytest.fixture(autouse=True)
    def _server(self, chroma_url) -> None:
        self.url = chroma_url

    def open(self, open_memory) -> Memory:
        return open_memory(exact_limit=3, chroma_url=self.url)

    def test_forgetting_says_what_the_operator_must_remove(self, memory, ada) -> None:
        memory.drain_index()
        receipt = ada.forget(ada.observations()[0].id)
        assert self.url in receipt.remnants[0]


def test_a_server_that_is_down_makes_it_slower_not_wrong(open_memory) -> None:
    memory = open_memory(exact_limit=3, chroma_url=f"http://127.0.0.1:{free_port()}")
    ada = memory.user("ada")
    kept = ada.observe_many(NewObservation(f"a word{n}") for n in range(10))
    with pytest.warns(LimnerWarning, match="No Chroma server"):
        assert ada.search("word7", weights=DENSE)[0].record == kept[7]
    with pytest.warns(LimnerWarning, match="No Chroma server"):
        assert memory.drain_index() == 0
    with pytest.warns(LimnerWarning, match="No Chroma server"):
        assert ada.forget(kept[0].id).remnants != ()
    assert memory.status().outbox > 0


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "http://"])
def test_a_wrong_url_is_refused(open_memory, url) -> None:
    with pytest.raises(ConfigurationError, match="chroma_url"):
        open_memory(chroma_url=url)

import multiprocessing

import numpy as np
import pytest

from limner.errors import LimnerWarning
from limner.settings import Settings
from limner.testing import HashEncoder
from limner.tools.catalogue import Item
from limner.tools.texts import ItemEncoder, item_text, whitened

FILM = Item(
    id="1", title="Alien (1979)", attributes={"year": 1979.0, "genre": ("Sci-Fi", "Horror"), "studio": "Fox"}
)
ITEMS = [FILM, Item(id="2", title="Aliens (1986)"), Item(id="3"), Item(id="4", title="Aliens (1986)")]


@pytest.fixture
def settings(tmp_path):
    return Settings(cache=tmp_path)


@pytest.mark.parametrize(
    ("item", "everything", "title"),
    [
        (FILM, "Alien (1979), Sci-Fi, Horror, Fox", "Alien (1979)"),
        (Item(id="7", description="A cook book."), "A cook book.", ""),
        (Item(id="7", title="Salt", description="A cook book."), "Salt. A cook book.", "Salt"),
        (Item(id="7", attributes={"genre": ("Drama",), "year": 1990.0}), "Drama", ""),
        (Item(id="7", attributes={"year": 1990.0, "length": 1.5}), "year 1990, length 1.5", ""),
        (Item(id="7"), "", ""),
    ],
)
def test_an_item_in_words(item, everything, title):
    assert item_text(item) == everything
    assert item_text(item, "title") == title


def test_each_text_is_encoded_once_for_all_who_ask(settings):
    first, second = HashEncoder(), HashEncoder()
    vectors = ItemEncoder(first, settings).vectors(ITEMS)
    assert first.encoded == ["Alien (1979), Sci-Fi, Horror, Fox", "Aliens (1986)"]
    again = ItemEncoder(second, settings).vectors([*ITEMS, Item(id="5", title="Heat")])
    assert second.encoded == ["Heat"]
    np.testing.assert_array_equal(again[:4], vectors)
    np.testing.assert_array_equal(vectors[1], vectors[3])
    assert not vectors[2].any()


def test_another_version_of_the_encoder_has_vectors_of_its_own(settings):
    ItemEncoder(HashEncoder(16), settings).vectors(ITEMS)
    assert ItemEncoder(HashEncoder(32), settings).vectors(ITEMS).shape == (4, 32)


def test_no_items_and_items_without_a_text(settings):
    assert ItemEncoder(HashEncoder(8), settings).vectors([]).shape == (0, 8)
    assert not ItemEncoder(HashEncoder(8), settings).vectors([Item(id="3")]).any()


class _Failing(HashEncoder):
    def encode_documents(self, texts):
        if len(self.encoded) >= 512:
            raise RuntimeError("out of memory")
        return super().encode_documents(texts)


def test_an_interrupted_run_goes_on_where_it_was(settings):
    items = [Item(id=str(n), title=f"Film {n}") for n in range(600)]
    with pytest.raises(RuntimeError):
        ItemEncoder(_Failing(8), settings).vectors(items)
    encoder = HashEncoder(8)
    ItemEncoder(encoder, settings).vectors(items)
    assert len(encoder.encoded) == 600 - 512


def test_a_cache_that_cannot_be_used_is_told_and_costs_time_only(tmp_path, settings):
    expected = ItemEncoder(HashEncoder(), settings).vectors(ITEMS)
    (file,) = (tmp_path / "vectors").glob("*.db")
    file.write_bytes(b"this is no database, and long enough that it shows" * 100)
    with pytest.warns(LimnerWarning, match="cannot be kept"):
        np.testing.assert_array_equal(ItemEncoder(HashEncoder(), settings).vectors(ITEMS), expected)
    blocked = Settings(cache=file)
    with pytest.warns(LimnerWarning, match="cannot be kept"):
        np.testing.assert_array_equal(ItemEncoder(HashEncoder(), blocked).vectors(ITEMS), expected)


def _encode(folder):
    ItemEncoder(HashEncoder(8), Settings(cache=folder)).vectors([
        Item(id=str(n), title=f"Film {n}") for n in range(300)
    ])


def test_several_processes_may_encode_at_once(tmp_path):
    workers = [
        multiprocessing.get_context("fork").Process(target=_encode, args=(tmp_path,)) for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    encoder = HashEncoder(8)
    ItemEncoder(encoder, Settings(cache=tmp_path)).vectors([
        Item(id=str(n), title=f"Film {n}") for n in range(300)
    ])
    assert encoder.encoded == []


def test_the_encoder_is_found_by_name(monkeypatch, settings):
    asked = []
    monkeypatch.setattr(
        "limner.tools.texts.encoder_of", lambda given: asked.append(given.encoder) or HashEncoder()
    )
    assert ItemEncoder("my-encoder", settings).encoder.name == "hash"
    assert ItemEncoder("", settings).encoder.name == "hash"
    assert asked == ["my-encoder", settings.encoder]


def test_whitening_takes_away_what_all_share():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 8)).astype(np.float32)
    vectors[:, 0] = 30 + 10 * vectors[:, 0]
    vectors[5] = 0
    made = whitened(vectors, 0.0)
    assert not made[5].any()
    kept = np.delete(made, 5, axis=0)
    np.testing.assert_allclose(np.linalg.norm(kept, axis=1), 1, rtol=1e-5)
    variances = np.linalg.eigvalsh(np.cov(kept.T))
    assert variances.max() < 1.5 * variances.min()


def test_whitening_of_next_to_nothing():
    same = np.ones((3, 4), dtype=np.float32)
    assert not whitened(same).any()
    np.testing.assert_array_equal(whitened(same[:1]), same[:1])
    assert whitened(np.zeros((2, 4), dtype=np.float32)).shape == (2, 4)

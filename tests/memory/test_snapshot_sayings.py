"""What a snapshot knows of its texts: read once, the same for every thread and every later state, and gone with what is erased."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from limner.memory import NewObservation, snapshot_sayings
from limner.memory.sayings import read_saying
from limner.memory.snapshot_sayings import Sayings

TEXTS = [f"{name}: {text}" for name in ("Ada", "Bob", "Cy Ng") for text in ("Tea?", "I had 3.", "Nothing.")]


def observed(user, texts) -> list[str]:
    return [one.id for one in user.observe_many(NewObservation(text, source="chat") for text in texts)]


def known(memory, user_id: str, positions=None) -> list[tuple[str | None, int]]:
    """Return speaker and traits of each document, or of some, read as a search would."""
    with memory.snapshots.opened(user_id) as (connection, snapshot):
        sayings = snapshot.sayings
        chosen = np.arange(len(snapshot)) if positions is None else np.array(positions)
        sayings.read(connection, user_id, snapshot.columns, chosen)
        codes = sayings.speakers[chosen].tolist()
        return [
            (sayings.names[code] if code >= 0 else None, int(traits))
            for code, traits in zip(codes, sayings.traits[chosen], strict=True)
        ]


def plain(texts) -> list[tuple[str | None, int]]:
    return [(one.speaker, int(one.traits)) for one in map(read_saying, texts)]


def test_it_is_what_the_texts_say_in_whichever_order_they_are_read(memory) -> None:
    ada = memory.user("ada")
    observed(ada, [*TEXTS, "no speaker"])
    for positions in ([4], [9, 0], [4, 8], None):
        chosen = range(10) if positions is None else positions
        assert known(memory, "ada", positions) == plain([[*TEXTS, "no speaker"][i] for i in chosen])


def test_a_text_is_read_once_and_a_later_state_reads_only_what_is_new(memory, monkeypatch) -> None:
    read: list[str] = []

    def counted(text: str):
        read.append(text)
        return read_saying(text)

    monkeypatch.setattr(snapshot_sayings, "read_saying", counted)
    ada = memory.user("ada")
    observed(ada, TEXTS[:4])
    for _ in range(2):
        ada.search("tea")
    observed(ada, TEXTS[4:])
    for _ in range(2):
        ada.search("tea")
    assert sorted(read) == sorted(TEXTS)


def test_a_search_that_began_before_a_write_still_sees_its_own_texts(memory) -> None:
    ada = memory.user("ada")
    observed(ada, TEXTS[:3])
    with memory.snapshots.opened("ada") as (connection, before):
        observed(ada, TEXTS[3:])
        assert known(memory, "ada") == plain(TEXTS)
        sayings, everything = before.sayings, np.arange(len(before))
        sayings.read(connection, "ada", before.columns, everything)
        assert len(before) == 3
        assert [sayings.names[code] for code in sayings.speakers[everything]] == ["ada"] * 3


def test_threads_see_the_same(memory) -> None:
    ada = memory.user("ada")
    texts = [f"{'ABCDEFGH'[n % 8]}nna: I have {n} dogs{'?' * (n % 2)}" for n in range(400)]
    observed(ada, texts)
    ada.search("dogs")
    memory.snapshots.clear()
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda n: known(memory, "ada", range(n, 400, 3)), range(12)))
    for n, part in enumerate(parts):
        assert part == plain(texts[n::3])


def test_whose_words_were_erased_is_not_known_any_more(memory) -> None:
    ada = memory.user("ada")
    secret, *_ = observed(ada, ["Zanzibar: I am here.", *TEXTS])
    ada.search("zanzibar")
    assert "zanzibar" in memory.snapshots.last("ada").sayings.names
    ada.forget(secret)
    assert memory.snapshots.last("ada") is None or "zanzibar" not in repr(memory.snapshots.last("ada"))
    ada.search("zanzibar")
    assert sorted(memory.snapshots.last("ada").sayings.names) == ["ada", "bob", "cy ng"]


@pytest.mark.parametrize("n", [0, 1, 7, 8, 1000])
def test_there_is_room_for_as_many_as_there_are(n) -> None:
    sayings = Sayings()
    assert sayings.grown(n) is sayings
    assert len(sayings.speakers) == len(sayings.traits) >= n
    before = sayings.speakers
    assert sayings.grown(n).speakers is before
    assert sayings.nbytes == 6 * len(before)

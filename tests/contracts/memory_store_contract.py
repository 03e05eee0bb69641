"""What the memory must do on every database: subclass `MemoryStoreContract` and say how to open one."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from contracts.memory_reflections import proposed, quote, reflect, revision_of
from limner.errors import InputError, InvalidObservation, NotFound, StaleClaim
from limner.memory import (
    Event,
    Media,
    Memory,
    NewObservation,
    Portrait,
    PortraitLine,
    Standing,
    utc_now,
)
from limner.settings import RecallWeights

DAY = timedelta(days=1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class MemoryStoreContract:
    """Tests over one kind of database."""

    @pytest.fixture
    def memory(self) -> Memory:
        """Return a memory on an empty database."""
        raise NotImplementedError

    @pytest.fixture
    def ada(self, memory):
        return memory.user("ada")

    def test_an_observation_comes_back_as_it_went_in(self, ada) -> None:
        event = Event(
            kind="rating",
            item_id="348",
            title="Alien (1979)",
            value=5.0,
            attributes={"genre": ("Horror", "Sci-Fi"), "year": 1979.0, "studio": "Fox"},
        )
        media = Media(uri="file:///poster.png", mime_type="image/png", description="A dark egg.")
        kept = ada.observe(
            "Rated Alien 5/5 – 異星人",
            source="ratings",
            author="application",
            occurred_at=LONG_AGO,
            key="r1",
            event=event,
            media=media,
        )
        assert ada.observation(kept.id) == kept
        assert kept.occurred_at == LONG_AGO
        assert kept.event == event
        assert kept.media == media

    def test_nothing_is_created_for_a_user_who_only_reads(self, memory) -> None:
        ghost = memory.user("ghost")
        assert ghost.observations() == []
        assert ghost.propositions() == []
        assert ghost.search("anything") == []
        assert ghost.similar(["anything"]) == [[]]
        assert ghost.claim(100, len) is None
        assert ghost.portrait("propositions") is None
        assert list(ghost.export()) == []
        assert ghost.status().observations == 0
        assert memory.users() == []

    def test_the_same_key_twice_is_one_observation(self, ada, memory) -> None:
        first = ada.observe("Rated Alien 5/5", key="k")
        assert ada.observe("Rated Alien 1/5", key="k") == first
        assert [o.text for o in ada.observations()] == ["Rated Alien 5/5"]
        assert memory.user("bob").observe("Rated Alien 1/5", key="k").text == "Rated Alien 1/5"

    def test_many_are_stored_together_or_not_at_all(self, ada) -> None:
        with pytest.raises(InvalidObservation, match="Observation 1: "):
            ada.observe_many([NewObservation("fine"), NewObservation(" ")])
        assert ada.observations() == []
        assert [o.text for o in ada.observe_many(NewObservation(t) for t in "abc")] == ["a", "b", "c"]

    def test_observations_are_listed_by_when_they_happened(self, ada) -> None:
        for days, source in ((2, "chat"), (0, "chat"), (1, "ratings")):
            ada.observe(f"day {days}", source=source, occurred_at=LONG_AGO + days * DAY)

        def texts(**conditions: object) -> list[str]:
            return [o.text for o in ada.observations(**conditions)]

        assert texts() == ["day 0", "day 1", "day 2"]
        assert texts(source="chat") == ["day 0", "day 2"]
        assert texts(since=LONG_AGO + DAY) == ["day 1", "day 2"]
        assert texts(until=LONG_AGO + DAY) == ["day 0"]
        assert texts(limit=2) == ["day 1", "day 2"]
        assert texts(pending=True) == ["day 0", "day 1", "day 2"]
        assert texts(pending=False) == []

    def test_observations_of_one_moment_keep_their_order(self, ada) -> None:
        ada.observe_many(NewObservation(str(n), occurred_at=LONG_AGO) for n in range(200))
        assert [o.text for o in ada.observations()] == [str(n) for n in range(200)]

    def test_a_proposition_comes_back_with_its_evidence(self, ada) -> None:
        said = ada.observe("We have a newborn, so nothing over two hours.")
        new = proposed(
            ada,
            "The user has a newborn.",
            confidence=8.5,
            durability=7,
            standing=Standing.STATED,
            topic="family",
            reasoning="They say so.",
            valid_from=LONG_AGO,
            evidence=(quote(said, "a newborn"), quote(said, "two hours", polarity="contradicts")),
            model="m",
            prompt_hash="0123456789ab",
        )
        (kept,) = reflect(ada, new)
        assert kept == new.model_copy(update={"recorded_at": kept.recorded_at})
        assert ada.proposition(new.id) == kept
        assert ada.history(new.group) == [kept]

    def test_a_revision_retires_and_overwrites_nothing(self, ada) -> None:
        (porto,) = reflect(ada, proposed(ada, "Lives in Porto.", ada.observe("I live in Porto")))
        between = utc_now()
        moved = ada.observe("I moved to Lisbon")
        (lisbon,) = reflect(ada, revision_of(ada, porto, "Lives in Lisbon.", moved))
        assert [p.text for p in ada.propositions()] == ["Lives in Lisbon."]
        assert [p.text for p in ada.propositions(known_at=between)] == ["Lives in Porto."]
        assert ada.propositions(known_at=LONG_AGO) == []
        old, new = ada.history(porto.group)
        assert (old.text, old.retired_at) == ("Lives in Porto.", new.recorded_at)
        assert new == lisbon
        assert new.supersedes == (old.id,)

    def test_a_retired_proposition_keeps_its_reason(self, ada) -> None:
        (porto,) = reflect(ada, proposed(ada, "Lives in Porto.", ada.observe("I live in Porto")))
        ada.observe("I never lived in Porto, that was a joke")
        assert reflect(ada, retire={porto.id: "a joke"}) == []
        (old,) = ada.history(porto.group)
        assert old.retired_because == "a joke"

    def test_a_batch_is_applied_once(self, ada) -> None:
        said = ada.observe("I live in Porto")
        batch = ada.claim(100, len)
        ada.apply(batch, add=[proposed(ada, "Lives in Porto.", said)])
        with pytest.raises(StaleClaim):
            ada.apply(batch, add=[proposed(ada, "Lives in Porto.", said)])
        assert len(ada.propositions()) == 1
        assert ada.claim(100, len) is None

    def test_a_refused_batch_leaves_nothing(self, ada) -> None:
        said = ada.observe("I live in Porto")
        batch = ada.claim(100, len)
        good = proposed(ada, "Lives in Porto.", said)
        bad = proposed(ada, "Likes port.")
        with pytest.raises(InputError, match=bad.id):
            ada.apply(batch, add=[good, bad])
        assert ada.propositions() == []
        ada.apply(batch, add=[good])
        assert len(ada.propositions()) == 1

    def test_two_threads_never_get_the_same_observation(self, ada) -> None:
        ada.observe_many(NewObservation(f"observation {n}") for n in range(60))
        taken: list[str] = []

        def work() -> None:
            while batch := ada.claim(30, len):
                taken.extend(o.id for o in batch.observations)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(taken) == len(set(taken)) == 60

    def test_another_user_sees_nothing(self, ada, memory) -> None:
        said = ada.observe("I live in Porto")
        (held,) = reflect(ada, proposed(ada, "Lives in Porto.", said))
        bob = memory.user("bob")
        assert bob.search("Porto") == []
        assert bob.similar(["Lives in Porto."]) == [[]]
        for id in (said.id, held.id):
            with pytest.raises(NotFound):
                bob.forget(id)
        with pytest.raises(NotFound):
            bob.observation(said.id)
        with pytest.raises(NotFound):
            bob.history(held.group)

    def test_search_finds_by_words_and_by_meaning(self, ada) -> None:
        for text in ("I love horror films", "My sister lives in Lisbon", "Rated Alien (1979) 5/5"):
            ada.observe(text)
        for weights in (RecallWeights(dense=0), RecallWeights(lexical=0), RecallWeights()):
            best = ada.search("horror film", k=2, weights=weights)[0]
            assert best.record.text == "I love horror films"
            assert sum(best.why.values()) == pytest.approx(best.score)

    def test_search_answers_for_the_past(self, ada) -> None:
        (porto,) = reflect(ada, proposed(ada, "Lives in Porto.", ada.observe("I live in Porto")))
        between = utc_now()
        reflect(ada, revision_of(ada, porto, "Lives in Lisbon.", ada.observe("I moved to Lisbon")))

        def texts(at: datetime | None) -> set[str]:
            return {r.record.text for r in ada.search("lives in", kinds=["proposition"], known_at=at)}

        assert texts(None) == {"Lives in Lisbon."}
        assert texts(between) == {"Lives in Porto."}
        assert texts(LONG_AGO) == set()

    def test_forgetting_takes_what_rested_on_it(self, ada) -> None:
        said, also = ada.observe("I live in Porto"), ada.observe("The river here is the Douro")
        alone, both = proposed(ada, "Lives in Porto.", said), proposed(ada, "Lives in Portugal.", said, also)
        other = proposed(ada, "Knows the Douro.", also)
        reflect(ada, alone, both, other)
        ada.save_portrait(
            Portrait(user_id="ada", kind="k", lines=(PortraitLine(text="Porto.", propositions=(alone.id,)),))
        )
        receipt = ada.forget(said.id)
        assert (receipt.propositions, receipt.withheld, receipt.requeued, receipt.portraits) == (2, 1, 1, 1)
        assert ada.propositions() == [ada.proposition(other.id)]
        assert [o.id for o in ada.observations(pending=True)] == [also.id]
        assert ada.portrait("k") is None
        assert {r.record.id for r in ada.search("Porto Portugal Douro")} == {also.id, other.id}
        assert "Porto" not in json.dumps(list(ada.export())).replace("Portugal", "")

    def test_the_newest_portrait_of_a_kind_and_task_wins(self, ada) -> None:
        for day, task, text in ((0, None, "old"), (2, None, "new"), (1, "films", "for films")):
            ada.save_portrait(
                Portrait(
                    user_id="ada",
                    kind="summary",
                    task=task,
                    lines=(PortraitLine(text=text),),
                    drawn_at=LONG_AGO + day * DAY,
                )
            )
        assert ada.portrait("summary").text == "new"
        assert ada.portrait("summary", task="films").text == "for films"
        assert ada.portrait("summary", known_at=LONG_AGO + DAY).text == "old"
        assert ada.portrait("summary", known_at=LONG_AGO - DAY) is None
        assert ada.portrait("other") is None

    def test_what_was_told_to_whom_stays_on_record(self, ada) -> None:
        said = ada.observe("I have diabetes")
        (held,) = reflect(ada, proposed(ada, "Has diabetes.", said))
        entry = ada.record_audit(
            "a shop", "recommend a gift", decision="withhold", proposition_id=held.id, reason="health"
        )
        assert ada.audit_log() == [entry]
        ada.forget(said.id)
        assert ada.audit_log() == [entry.model_copy(update={"reason": None})]

    def test_the_export_is_json_and_complete(self, ada) -> None:
        said = ada.observe("I live in Porto")
        reflect(ada, proposed(ada, "Lives in Porto.", said))
        ada.save_portrait(Portrait(user_id="ada", kind="k", lines=(PortraitLine(text="Porto."),)))
        ada.record_audit("a friend", "small talk", decision="share")
        records = [json.loads(json.dumps(record)) for record in ada.export()]
        kinds = [r["record"] for r in records]
        assert kinds == ["limner", "user", "observation", "batch", "proposition", "portrait", "audit", "end"]
        assert records[4]["evidence"][0]["quote"] == "I live in Porto"

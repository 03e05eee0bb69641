"""What the memory must tell of time, on every database: subclass `TimeContract` and say how to open one."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from answering import Answers
from limner.errors import InputError
from limner.memory import Memory, utc_now
from limner.profiles.propositions.reflect import reflect

PORTO, LISBON = "The user lives in Porto.", "The user lives in Lisbon."
SAID = {
    "I live in Porto.": PORTO,
    "I moved to Lisbon in May.": "The user lives in Lisbon.",
    "I'm on holiday next week.": "The user is on holiday next week.",
    "I worked at Acme from 2015 to 2018.": "The user worked at Acme from 2015 to 2018.",
    "I lived in Faro until 2020.": "The user lived in Faro until 2020.",
    "I'm in Rome until Sunday.": "The user is in Rome until Sunday.",
    "I met Tom last Tuesday.": "The user met Tom last Tuesday.",
}


def on(year: int, month: int = 1, day: int = 1) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


class TimeContract:
    """Both axes of time, through observing, reflecting, and asking."""

    @pytest.fixture
    def memory(self) -> Memory:
        """Return a memory on an empty database."""
        raise NotImplementedError

    @pytest.fixture
    def ada(self, memory):
        return memory.user("ada")

    @pytest.fixture
    def tell(self, memory, ada):
        async def tell(text, said, updates=()):
            kept = ada.observe(text, occurred_at=said)
            relations = dict.fromkeys(updates, "updates")
            answers = Answers(said=SAID, relations=relations)
            done = await reflect(ada, answers.model(), memory.encoder, memory.settings)
            assert done.failed == []
            return kept

        return tell

    async def moved(self, tell):
        await tell("I live in Porto.", on(2025, 1, 10))
        told = utc_now()
        await tell("I moved to Lisbon in May.", on(2025, 7, 1), [(PORTO, LISBON)])
        return told

    async def test_a_move_retires_nothing_that_was_true_before_it(self, ada, tell) -> None:
        told = await self.moved(tell)
        assert [p.text for p in ada.propositions()] == [LISBON]
        assert [p.text for p in ada.propositions(at=on(2025, 4, 30))] == [PORTO]
        assert [p.text for p in ada.propositions(at=on(2025, 5, 1))] == [LISBON]
        assert ada.propositions(at=on(2025, 1, 9)) == []
        # what was believed before the move was told
        assert [p.text for p in ada.propositions(known_at=told)] == [PORTO]
        assert [p.text for p in ada.propositions(at=on(2025, 6), known_at=told)] == [PORTO]
        assert ada.propositions(at=on(2025, 1, 9), known_at=told) == []

    async def test_the_history_of_a_line_shows_both_axes(self, ada, tell) -> None:
        await self.moved(tell)
        (lisbon,) = ada.propositions()
        versions = ada.history(lisbon.group)
        assert [p.text for p in versions] == [PORTO, PORTO, LISBON]
        assert [(p.valid_from, p.valid_until) for p in versions] == [
            (on(2025, 1, 10), None),
            (on(2025, 1, 10), on(2025, 5)),
            (on(2025, 5), None),
        ]
        assert [p.retired_at is None for p in versions] == [False, True, True]
        assert versions[0].retired_at == versions[1].recorded_at == versions[2].recorded_at
        assert versions[2].observed_at == on(2025, 7)

    async def test_search_answers_for_both_axes(self, ada, tell) -> None:
        told = await self.moved(tell)

        def found(**when):
            return {r.record.text for r in ada.search("lives moved Porto Lisbon", **when)}

        said = {"I live in Porto.", "I moved to Lisbon in May."}
        assert found() == {*said, LISBON}
        assert found(at=on(2025, 4)) == {"I live in Porto.", PORTO}
        assert found(at=on(2025, 6)) == {"I live in Porto.", LISBON}
        assert found(at=on(2025, 8)) == {*said, LISBON}
        assert found(known_at=told) == {"I live in Porto.", PORTO}
        assert found(at=on(2024)) == set()

    async def test_an_older_observation_that_comes_later_ends_where_the_newer_truth_begins(
        self, ada, tell
    ) -> None:
        await tell("I moved to Lisbon in May.", on(2025, 7))
        await tell("I live in Porto.", on(2020, 3, 1), [(PORTO, LISBON)])
        assert [p.text for p in ada.propositions()] == [LISBON]
        (porto,) = ada.propositions(at=on(2022))
        assert (porto.text, porto.valid_from, porto.valid_until) == (PORTO, on(2020, 3), on(2025, 5))

    async def test_a_backdated_word_corrects_what_was_concluded_since(self, ada, tell) -> None:
        await tell("I live in Porto.", on(2025, 6))
        (porto,) = ada.propositions()
        told = utc_now()
        await tell("I moved to Lisbon in May.", on(2025, 7), [(PORTO, LISBON)])
        assert [p.text for p in ada.propositions(at=on(2025, 6, 15))] == [LISBON]
        assert [p.text for p in ada.propositions(at=on(2025, 6, 15), known_at=told)] == [PORTO]
        assert [p.text for p in ada.history(porto.group)] == [PORTO, LISBON]

    async def test_moving_back_begins_a_new_period(self, ada, tell) -> None:
        await self.moved(tell)
        await tell("I live in Porto.", on(2025, 9), [(LISBON, PORTO)])
        assert [(p.text, p.valid_from) for p in ada.propositions()] == [(PORTO, on(2025, 9))]
        seen = [p.text for month in (2, 6, 10) for p in ada.propositions(at=on(2025, month))]
        assert seen == [PORTO, LISBON, PORTO]

    async def test_saying_it_again_moves_no_period(self, ada, tell) -> None:
        await tell("I live in Porto.", on(2025, 3))
        await tell("I live in Porto.", on(2025, 9))
        await tell("I live in Porto.", on(2024, 9))
        (porto,) = ada.propositions()
        assert (porto.valid_from, porto.observed_at, porto.supporting) == (on(2024, 9), on(2025, 9), 3)

    async def test_what_passes_is_over_by_itself(self, ada, tell) -> None:
        await tell("I'm in Rome until Sunday.", on(2025, 6, 11))
        assert ada.propositions() == []
        (stay,) = ada.propositions(at=on(2025, 6, 14))
        assert stay.text == "The user is in Rome until 2025-06-15."
        assert ada.propositions(at=on(2025, 6, 16)) == []

    async def test_what_passes_does_not_end_what_lasts(self, ada, tell) -> None:
        await tell("I live in Porto.", on(2025, 1))
        rome = "The user is in Rome until 2025-06-15."
        await tell("I'm in Rome until Sunday.", on(2025, 6, 11), [(PORTO, rome)])
        assert [p.text for p in ada.propositions()] == [PORTO]
        assert {p.text for p in ada.propositions(at=on(2025, 6, 14))} == {PORTO, rome}

    async def test_what_is_to_come_is_seen_with_its_date(self, ada, tell) -> None:
        said = utc_now()
        await tell("I'm on holiday next week.", said)
        (holiday,) = ada.propositions()
        assert holiday.valid_from > said
        assert holiday.text == f"The user is on holiday in the week of {holiday.valid_from:%Y-%m-%d}."
        assert ada.propositions(at=said + timedelta(seconds=1)) == []
        assert ada.propositions(at=holiday.valid_from) == [holiday]
        assert ada.propositions(at=holiday.valid_until) == []

    async def test_what_is_over_is_found_by_asking_for_then(self, ada, tell) -> None:
        await tell("I worked at Acme from 2015 to 2018.", on(2024))
        await tell("I lived in Faro until 2020.", on(2024))
        assert ada.propositions() == []
        assert len(ada.propositions(at=on(2016))) == 2
        assert [p.text for p in ada.propositions(at=on(2019, 6))] == [SAID["I lived in Faro until 2020."]]
        assert [p.text for p in ada.propositions(at=on(2014))] == [SAID["I lived in Faro until 2020."]]
        assert ada.propositions(at=on(2021)) == []

    async def test_the_users_day_decides(self, ada, tell) -> None:
        late = datetime(2025, 6, 17, 23, 30, tzinfo=timezone(timedelta(hours=-4)))  # Wednesday in Greenwich
        kept = await tell("I met Tom last Tuesday.", late)
        assert ada.observation(kept.id).occurred_at.utcoffset() == timedelta(hours=-4)
        assert [p.text for p in ada.propositions()] == ["The user met Tom on 2025-06-10."]

    async def test_forgetting_the_sentence_that_ended_it_takes_the_end_back(self, ada, tell) -> None:
        await tell("I live in Porto.", on(2025, 1, 10))
        moved = await tell("I moved to Lisbon in May.", on(2025, 7, 1), [(PORTO, LISBON)])
        ada.forget(moved.id)
        (porto,) = ada.propositions()
        assert (porto.text, porto.valid_until, porto.retired_at) == (PORTO, None, None)
        assert ada.propositions(at=on(2025, 6)) == [porto]

    async def test_correcting_what_is_so_now_leaves_what_was_so_before(self, ada, tell) -> None:
        await self.moved(tell)
        (lisbon,) = ada.propositions()
        ada.correct(lisbon.id, "I moved to Braga in May.")
        assert [p.text for p in ada.propositions(at=on(2025, 3))] == [PORTO]
        assert [p.text for p in ada.propositions()] == ["I moved to Braga in May."]

    async def test_a_denied_move_ended_nothing(self, memory, ada, tell) -> None:
        await self.moved(tell)
        (lisbon,) = ada.propositions()
        ada.deny(lisbon.id)
        await reflect(ada, Answers(said=SAID).model(), memory.encoder, memory.settings)
        (porto,) = ada.propositions()
        assert (porto.text, porto.valid_until) == (PORTO, None)

    def test_a_moment_without_a_zone_is_refused(self, ada) -> None:
        for when in ({"at": datetime(2025, 1, 1)}, {"known_at": datetime(2025, 1, 1)}):
            with pytest.raises(InputError, match="no time zone"):
                ada.propositions(**when)
            with pytest.raises(InputError, match="no time zone"):
                ada.search("x", **when)

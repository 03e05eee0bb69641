import asyncio
from datetime import timedelta

import pytest
from made import day
from sqlalchemy import select, text, update

from answering import Answers
from limner.errors import ConfigurationError, ModelUnavailable, StoreFull
from limner.inference import LanguageModel
from limner.memory import Event, NewObservation, Standing, claims, utc_now
from limner.memory.schema import observations as observation_rows
from limner.profiles.propositions.reflect import ItemKnowledge, reflect
from limner.testing import ScriptedChatModel

MOVED = "We moved to Lisbon."
SAID = {
    MOVED: "The user moved to Lisbon.",
    "My brother Tom is tall.": "The user has a tall brother Tom.",
    "We left Lisbon for Porto.": "The user left Lisbon and moved to Porto.",
}


@pytest.fixture
def reflecting(ada, encoder, settings):
    async def run(answers, plan="small", items=None, progress=lambda step: None, **changes):
        chosen = settings.model_copy(update=changes)
        return await reflect(ada, answers.model(plan=plan), encoder, chosen, items=items, progress=progress)

    return run


@pytest.fixture
def pause_over(memory):
    """Let the pause after a failure be over."""

    def end():
        with memory.database.write() as connection:
            connection.execute(
                update(observation_rows).values(next_attempt_at=utc_now() - timedelta(seconds=1))
            )

    return end


def texts(user):
    return [p.text for p in user.propositions()]


def said(text_, number):
    return NewObservation(text_, "chat", occurred_at=day(number))


def rating(title, value, genre, number):
    event = Event(
        kind="rating",
        item_id=title,
        title=title,
        item_type="film",
        value=value,
        scale=(1, 5),
        attributes={"genre": (genre,)},
    )
    return NewObservation(f"Rated {title} {value}/5", "ratings", occurred_at=day(number), event=event)


def rate_some(user):
    user.observe_many(rating(f"Horror {n}", v, "Horror", n) for n, v in enumerate([1, 2, 1, 2]))
    user.observe_many(rating(f"Comedy {n}", v, "Comedy", 10 + n) for n, v in enumerate([5, 4, 5, 4, 4, 5]))


async def test_from_words_to_a_portrait(ada, reflecting):
    moved, _ = ada.observe_many([said(MOVED, 0), said("What should I watch?", 1)])
    steps = []
    done = await reflecting(Answers(said=SAID), progress=steps.append)
    (held,) = ada.propositions()
    assert held.text == SAID[MOVED]
    assert [(e.observation_id, e.quote) for e in held.evidence] == [(moved.id, MOVED)]
    assert held.standing is Standing.STATED
    assert (done.batches, done.observations, done.proposed, done.pending, done.parked) == (1, 2, 1, 0, 0)
    assert [p.id for p in done.added] == [held.id]
    assert (done.revised, done.refused, done.failed) == ([], [], [])
    assert [s.stage for s in steps] == ["claimed", "proposed", "related", "stored"]
    assert {s.observations for s in steps} == {2}


async def test_nothing_to_do_asks_nothing(reflecting):
    answers = Answers()
    done = await reflecting(answers)
    assert (done.batches, answers.asked) == (0, [])


async def test_calls_are_booked_on_the_user(ada, encoder, settings):
    ada.observe(MOVED)
    model = Answers(said=SAID).model()
    await reflect(ada, model, encoder, settings)
    assert {row.user for row in model.ledger.rows()} == {"ada"}
    assert {row.stage for row in model.ledger.rows()} == {"propose", "support"}


async def test_ratings_go_through_findings_and_never_to_the_proposer(ada, reflecting):
    rate_some(ada)
    words = {"word": lambda last: "no"}
    answers = Answers(replies=words)
    done = await reflecting(answers)
    assert answers.calls == {"word": 4}
    assert {p.topic for p in ada.propositions()} == {"rating/+/genre/Comedy", "rating/-/genre/Horror"}
    assert done.proposed == 2
    answers = Answers(replies=words)
    ada.observe_many([rating("Comedy 9", 5, "Comedy", 30)])
    done = await reflecting(answers)
    assert answers.asked == []
    assert {p.topic for p in done.revised} == {"rating/+/genre/Comedy", "rating/-/genre/Horror"} & {
        p.topic for p in done.revised
    }
    assert next(p for p in ada.propositions() if "Comedy" in p.topic).supporting == 7


async def test_a_rating_in_what_limner_said_is_no_evidence(ada, reflecting):
    rate_some(ada)
    own = rating("Comedy 99", 5, "Comedy", 40)
    ada.observe(own.text, author="assistant", occurred_at=own.occurred_at, event=own.event)
    done = await reflecting(Answers(replies={"word": "no"}))
    assert (done.failed, done.pending) == ([], 0)
    assert next(p for p in ada.propositions() if "Comedy" in p.topic).supporting == 6


async def test_events_are_tied_to_the_catalogue_before_they_are_compared(ada, reflecting):
    bare = [
        NewObservation(
            f"Rated {n} {v}/5",
            event=Event(kind="rating", item_id=str(n), title=str(n), value=v, scale=(1, 5)),
        )
        for n, v in enumerate([1, 2, 1, 2, 5, 4, 5, 4])
    ]
    ada.observe_many(bare)

    def resolve(observation):
        genre = ("Horror",) if int(observation.event.item_id) < 4 else ("Comedy",)
        event = observation.event.model_copy(update={"attributes": {"genre": genre}})
        return observation.model_copy(update={"event": event})

    await reflecting(Answers(replies={"word": "no"}), items=ItemKnowledge(resolve=resolve))
    assert {p.topic for p in ada.propositions()} == {"rating/+/genre/Comedy", "rating/-/genre/Horror"}


async def test_batches_are_sized_by_tokens(ada, reflecting):
    ada.observe_many([said(MOVED + " " + "I sing. " * 40, 0), said("My brother Tom is tall.", 1)])
    done = await reflecting(Answers(said=SAID), batch_tokens=64)
    assert (done.batches, done.observations) == (2, 2)
    assert sorted(texts(ada)) == sorted([SAID[MOVED], SAID["My brother Tom is tall."]])


async def test_the_same_statement_in_two_batches_is_one_line_and_no_question(ada, reflecting):
    first, second = ada.observe_many([said(MOVED, 0), said("x " * 200 + "\n" + MOVED, 1)])
    answers = Answers(said=SAID)
    done = await reflecting(answers, batch_tokens=64)
    assert done.batches == 2
    (held,) = ada.propositions()
    assert {e.observation_id for e in held.evidence} == {first.id, second.id}
    assert not {"same", "replaces", "relate"} & set(answers.calls)
    assert len(ada.history(held.group)) == 2


async def test_the_same_statement_in_one_batch_is_one_line_and_no_question(ada, reflecting):
    ada.observe_many([said(MOVED, 0), said(MOVED, 1)])
    answers = Answers(said=SAID)
    await reflecting(answers)
    (held,) = ada.propositions()
    assert held.supporting == 2
    assert len(ada.history(held.group)) == 1
    assert not {"same", "replaces", "relate"} & set(answers.calls)


async def test_an_update_supersedes_and_the_past_stays(ada, reflecting):
    before, after = SAID[MOVED], SAID["We left Lisbon for Porto."]
    ada.observe_many([said(MOVED, 0)])
    await reflecting(Answers(said=SAID))
    then = utc_now()
    ada.observe_many([said("We left Lisbon for Porto.", 5)])
    done = await reflecting(Answers(said=SAID, relations={(before, after): "updates"}))
    assert texts(ada) == [after]
    assert [p.text for p in ada.propositions(known_at=then)] == [before]
    assert [p.text for p in ada.propositions(at=day(2))] == [before]
    assert ada.propositions(at=day(2), known_at=then)[0].valid_until is None
    assert [p.text for p in ada.history(done.revised[0].group)] == [before, before, after]


async def test_many_computed_findings_do_not_hide_what_was_said(ada, reflecting):
    """Findings are no candidates, however near; what was said is compared although they are nearer."""
    rate_some(ada)
    ada.observe_many(rating(f"Drama {n}", 5, "Drama", 40 + n) for n in range(6))
    ada.observe_many(rating(f"Western {n}", 5, "Western", 50 + n) for n in range(6))
    ada.observe_many(rating(f"War {n}", 1, "War", 70 + n) for n in range(16))
    await reflecting(Answers(replies={"word": "no"}))
    assert len(ada.propositions()) >= 3
    early = "The user rates all films low."
    late = "The user now rates films very highly, for example westerns."
    first, second = "All films are dull.", "I have come to love films, for example westerns."
    answers = {"said": {first: early, second: late}, "relations": {(early, late): "updates"}}
    ada.observe_many([said(first, 90)])
    await reflecting(Answers(**answers))
    ada.observe_many([said(second, 91)])
    done = await reflecting(Answers(**answers))
    assert [p.text for p in done.revised] == [early, late]


@pytest.mark.parametrize("plan", ["small", "batch"])
async def test_prose_instead_of_json_leaves_the_batch_pending_and_then_parks_it(
    ada, reflecting, pause_over, plan
):
    one = ada.observe(MOVED)
    prose = "I believe the user moved."
    for attempt in (1, 2, 3):
        answers = Answers(replies={"gist": prose, "propose": prose})
        done = await reflecting(answers, plan=plan)
        assert len(done.failed) == 1
        assert texts(ada) == []
        status = ada.status()
        if attempt < 3:
            assert (status.pending, status.parked) == (1, ())
            assert status.next_attempt_at > utc_now()
            idle = await reflecting(Answers(said=SAID), plan="small")
            assert (idle.batches, idle.pending) == (0, 1)
            pause_over()
    assert status.pending == 0
    assert [p.id for p in status.parked] == [one.id]
    assert status.parked[0].reason
    assert (done.pending, done.parked) == (0, 1)
    assert ada.retry_parked() == 1
    await reflecting(Answers(said=SAID))
    assert texts(ada) == [SAID[MOVED]]


async def test_a_bad_batch_does_not_hold_up_the_next(ada, reflecting):
    ada.observe_many([said("My brother Tom is tall. " + "I sing. " * 40, 0), said(MOVED, 1)])

    def gist(last):
        if "Tom" in last or "none of them" in last:
            return "prose"
        return ("The user" if "word for word" in last else SAID[MOVED]) if MOVED in last else "-"

    done = await reflecting(Answers(replies={"gist": gist}), batch_tokens=64)
    assert (done.batches, len(done.failed), done.pending) == (2, 1, 1)
    assert texts(ada) == [SAID[MOVED]]


class Failing(Answers):
    """Fails on every text with Lisbon in it; answers the probe as it is told to."""

    probe: str | BaseException = "yes"

    def __call__(self, messages):
        if len(messages) == 1:
            return self.probe
        return TimeoutError() if "Lisbon" in messages[-1].text else super().__call__(messages)


@pytest.mark.parametrize("plan", ["small", "batch"])
async def test_an_endpoint_that_is_down_counts_no_attempt(ada, reflecting, plan):
    ada.observe(MOVED)
    down = Failing()
    down.probe = TimeoutError()
    for _ in range(5):
        with pytest.raises(ModelUnavailable):
            await reflecting(down, plan=plan)
    status = ada.status()
    assert (status.pending, status.parked, status.next_attempt_at) == (1, (), None)
    await reflecting(Answers(said=SAID))
    assert texts(ada) == [SAID[MOVED]]


async def test_a_text_on_which_the_endpoint_always_fails_is_parked_and_holds_nobody_up(
    ada, reflecting, pause_over
):
    bad, _ = ada.observe_many([said(MOVED + " " + "I sing. " * 40, 0), said("My brother Tom is tall.", 1)])
    done = await reflecting(Failing(said=SAID), batch_tokens=64)
    assert (done.batches, len(done.failed), done.pending) == (2, 1, 1)
    assert texts(ada) == [SAID["My brother Tom is tall."]]
    for _ in range(2):
        pause_over()
        await reflecting(Failing(said=SAID))
    (parked,) = ada.status().parked
    assert parked.id == bad.id
    assert "did not answer" in parked.reason


async def test_broken_settings_are_an_error_and_leave_their_reason(ada, reflecting, tmp_path):
    (tmp_path / "profiles/propositions").mkdir(parents=True)
    (tmp_path / "profiles/propositions/gist.md").write_text("no headings")
    ada.observe(MOVED)
    with pytest.raises(ConfigurationError):
        await reflecting(Answers(said=SAID), prompts=tmp_path)
    assert ada.status().next_attempt_at is not None


async def test_what_is_forgotten_meanwhile_costs_only_its_batch(ada, reflecting):
    first, second = ada.observe_many([said(MOVED, 0), said("My brother Tom is tall.", 1)])

    def forget(step):
        if step.stage == "proposed" and step.batch == 1:
            ada.forget(first.id)

    done = await reflecting(Answers(said=SAID), progress=forget)
    assert (done.batches, len(done.failed), done.pending) == (2, 1, 0)
    assert [p.evidence[0].observation_id for p in ada.propositions()] == [second.id]


@pytest.mark.parametrize("lease", [timedelta(milliseconds=1), claims.LEASE], ids=["old", "young"])
async def test_a_lease_is_renewed_at_each_step_unless_it_is_young(
    ada, memory, reflecting, monkeypatch, lease
):
    monkeypatch.setattr(claims, "LEASE", lease)
    ada.observe(MOVED)
    ends = []

    def look(step):
        with memory.database.read() as connection:
            ends.append(connection.execute(select(observation_rows.c.claim_expires_at)).scalar_one())

    await reflecting(Answers(said=SAID), progress=look)
    young = lease > timedelta(minutes=1)
    assert ends[0] == ends[1] == ends[2] if young else ends[0] < ends[1] < ends[2]


class Stalling(ScriptedChatModel):
    """Never comes back once it is asked about Tom."""

    stalled: asyncio.Event = asyncio.Event()

    async def _agenerate(self, messages, *args, **kwargs):
        if "Tom" in messages[-1].text:
            self.stalled.set()
            await asyncio.sleep(60)
        return self._generate(messages, *args, **kwargs)


async def test_a_cancelled_reflection_gives_its_batch_back_and_keeps_earlier_ones(
    ada, encoder, settings, reflecting
):
    ada.observe_many([said(MOVED + " " + "I sing. " * 40, 0), said("My brother Tom is tall.", 1)])
    chat = Stalling(script=Answers(said=SAID), stalled=asyncio.Event())
    model = LanguageModel.wrap(chat, plan="small")
    few = settings.model_copy(update={"batch_tokens": 64})
    task = asyncio.create_task(reflect(ada, model, encoder, few))
    await chat.stalled.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert texts(ada) == [SAID[MOVED]]
    status = ada.status()
    assert (status.pending, status.parked, status.next_attempt_at) == (1, (), None)
    done = await reflecting(Answers(said=SAID))
    assert (done.observations, done.pending) == (1, 0)
    assert len(texts(ada)) == 2


async def test_a_full_disk_at_the_end_applies_nothing(ada, memory, reflecting):
    ada.observe(MOVED)
    answers = Answers(said={MOVED: SAID[MOVED]})

    def fill(step):
        if step.stage == "related":
            with memory.database.read() as connection:
                pages = connection.execute(text("PRAGMA page_count")).scalar_one()
                connection.execute(text(f"PRAGMA max_page_count = {pages}"))

    wordy = "The user moved to Lisbon" + ", and sang there" * 3000 + "."
    answers.said = {MOVED: wordy}
    with pytest.raises(StoreFull):
        await reflecting(answers, progress=fill)
    with memory.database.read() as connection:
        connection.execute(text("PRAGMA max_page_count = 1000000"))
    assert texts(ada) == []
    status = ada.status()
    assert (status.pending, status.parked) == (1, ())
    await reflecting(Answers(said=SAID))
    assert texts(ada) == [SAID[MOVED]]


async def test_what_cannot_be_stored_counts_as_a_failure(ada, reflecting):
    ada.observe(MOVED)
    done = await reflecting(Answers(said={MOVED: "The user moved\0 to Lisbon."}))
    assert len(done.failed) == 1
    assert ada.status().next_attempt_at is not None
    assert texts(ada) == []


async def test_what_limner_said_is_done_without_a_word(ada, reflecting):
    ada.observe("You moved to Lisbon.", author="assistant")
    answers = Answers()
    done = await reflecting(answers)
    assert (done.pending, answers.asked, texts(ada)) == (0, [], [])


async def test_a_large_observation_is_read_in_part_and_kept_whole(ada, reflecting):
    big = ada.observe(MOVED + " " + "I sing. " * 130_000)
    done = await reflecting(Answers(said=SAID))
    assert texts(ada) == [SAID[MOVED]]
    assert any("400" in r.because for r in done.refused)
    assert len(ada.observation(big.id).text) > 1_000_000

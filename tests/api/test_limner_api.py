import asyncio
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from answering import Answers
from contracts.memory_reflections import proposed
from limner import Limner
from limner.errors import ConfigurationError, InputError, InvalidObservation, LimnerError, NotFound
from limner.inference import load_prompt
from limner.memory import NewObservation, Standing, utc_now
from limner.settings import Settings
from limner.testing import HashEncoder

BABY = "We have a newborn, so nothing over two hours on weeknights."
NOTE = "The user has a newborn and wants nothing over two hours on weeknights."
WISH = {"genre_in": [], "genre_not_in": [], "year_from": None, "year_to": 1989, "other": ["tense"]}


def answers(**replies):
    usual = {
        "word": "no",
        "ask": "Try Tea at Four.",
        "wish": WISH,
        "decide": {"action": "finish", "reason": "good"},
        "reason": "",
    }
    return Answers(said={BABY: NOTE}, replies={**usual, **replies})


def test_what_a_user_of_limner_does(open_limner):
    limner = open_limner(answers(intent="recommend"))
    ada = limner.user("ada")
    ada.observe(
        "Rated The Long Orbit (1979) 5/5", source="ratings", occurred_at=utc_now() - timedelta(days=1)
    )
    said = ada.observe(BABY, source="chat")
    done = ada.reflect()
    assert (done.observations, done.pending) == (2, 0)
    portrait = ada.portrait()
    assert portrait.text == NOTE
    assert portrait.lines[0].evidence[0].quote == BABY
    answer = ada.ask("What should we watch tonight?")
    assert answer.text
    found = ada.recommend("something tense, before 1990", k=5)
    assert 0 < len(found) <= 5
    assert all(r.item.attributes["year"] < 1990 and r.item.id != "a1" for r in found)
    receipt = ada.forget(said.id)
    assert (receipt.observations, receipt.propositions) == (1, 1)
    assert ada.portrait().text == ""
    with pytest.raises(NotFound):
        ada.forget(said.id)
    assert limner.users() == ["ada"]
    assert ada.status().observations == 1
    assert {row.user for row in limner.ledger.rows()} == {"ada"}


async def test_the_same_inside_a_running_loop(open_limner):
    ada = open_limner(answers()).user("ada")
    ada.observe(BABY)
    assert (await ada.areflect()).pending == 0
    assert (await ada.aportrait()).text == NOTE
    assert (await ada.aask("Who?")).text == "Try Tea at Four."
    assert len(await ada.arecommend(k=3)) == 3
    assert (await ada.ashare("film recommender", "suggest a film")).text == NOTE


async def test_the_sync_methods_work_inside_a_running_loop_too(open_limner):
    ada = open_limner(answers()).user("ada")
    ada.observe(BABY)
    assert ada.reflect().pending == 0
    assert ada.portrait().text == NOTE


def test_nothing_is_lost_between_two_openings(open_limner):
    first = open_limner(answers())
    first.user("ada").observe(BABY)
    first.close()
    second = open_limner(answers())
    assert second.user("ada").reflect().observations == 1


def test_eight_threads_observe_at_once(open_limner):
    limner = open_limner(answers())

    def observe(thread):
        for n in range(10):
            limner.user(f"u{thread % 2}").observe(f"{thread} says {n}", key=f"{thread}-{n}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(observe, range(8)))
    assert [limner.user(u).status().observations for u in ("u0", "u1")] == [40, 40]


def test_two_threads_reflect_at_once(open_limner):
    ada = open_limner(answers(), batch_tokens=64).user("ada")
    ada.observe_many(NewObservation(f"{BABY}\n{n} " + "x " * 60) for n in range(6))
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: ada.reflect(), range(3)))
    failed = sum(len(d.failed) for d in done)
    assert sum(d.observations for d in done) + ada.status().pending == 6
    assert ada.status().pending == failed
    assert {p.text for p in ada.propositions()} == {NOTE}


def test_ctrl_c_in_the_middle_of_a_reflection(open_limner):
    thinking, go_on = threading.Event(), threading.Event()

    def gist(last):
        thinking.set()
        go_on.wait(5)
        return "-"

    ada = open_limner(answers(gist=gist)).user("ada")
    ada.observe(BABY)

    def interrupt():
        thinking.wait(5)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        threading.Timer(0.1, go_on.set).start()

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        ada.reflect()
    status = ada.status()
    assert (status.pending, status.parked, status.propositions) == (1, (), 0)
    assert ada.memory.claim(1000, len) is not None


def test_closing_twice_does_nothing(open_limner):
    limner = open_limner()
    limner.user("ada").observe("Hello")
    limner.close()
    limner.close()


@pytest.mark.parametrize(
    "use",
    [
        lambda ada: ada.observe("Hello"),
        lambda ada: ada.reflect(),
        lambda ada: ada.portrait(),
        lambda ada: ada.ask("Who?"),
        lambda ada: ada.recommend(),
        lambda ada: ada.share("a", "b"),
    ],
)
def test_a_closed_limner_says_so(open_limner, use):
    limner = open_limner(answers())
    ada = limner.user("ada")
    limner.close()
    with pytest.raises(LimnerError, match="closed"):
        use(ada)


def test_it_closes_at_the_end_of_a_block(tmp_path):
    with Limner.open(
        tmp_path, settings=Settings(dataset=None), model=Answers().model(), encoder=HashEncoder()
    ) as limner:
        ada = limner.user("ada")
        ada.observe("Hello")
    with pytest.raises(LimnerError, match="closed"):
        ada.reflect()


def test_opening_needs_no_model_and_no_data_set(tmp_path):
    with Limner.open(tmp_path / "new" / "folder", settings=Settings(dataset="no such data set")) as limner:
        ada = limner.user("ada")
        ada.observe(BABY)
        assert ada.status().pending == 1
        assert ada.portrait().text == ""
        assert any(BABY in str(record) for record in ada.export())


@pytest.mark.parametrize("bad", ["", " \n", b"\xff\xfe", "a\0b", "x\ud800"])
def test_what_is_no_text_is_refused(open_limner, bad):
    ada = open_limner().user("ada")
    with pytest.raises(InvalidObservation):
        ada.observe(bad)
    assert ada.status().observations == 0


@pytest.mark.parametrize("moment", [datetime(2020, 1, 1), datetime(2999, 1, 1, tzinfo=UTC)])
def test_a_moment_without_zone_or_ahead_is_refused(open_limner, moment):
    with pytest.raises(InvalidObservation):
        open_limner().user("ada").observe("Hello", occurred_at=moment)


def test_a_rating_in_words_becomes_an_event_and_is_tied_to_the_catalogue(open_limner):
    ada = open_limner(answers()).user("ada")
    titles = {
        5: ["Tea at Four", "Two Left Feet", "A Very Long Lunch", "The Wrong Wedding"],
        1: ["The Long Orbit", "Second Orbit", "Red Dust", "Machines of Glass"],
    }
    for value, rated in titles.items():
        for title in rated:
            ada.observe(f"Rated {title} {value}/5", source="ratings")
    (first, *_) = ada.memory.observations()
    assert first.event.value == 5
    ada.reflect()
    topics = {p.topic for p in ada.propositions()}
    assert {"rating/+/genre/Comedy", "rating/-/genre/Sci-Fi"} <= topics
    assert "films" in ada.portrait().text
    found = ada.recommend(k=100)
    assert found.unknown == ()
    assert not {"a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4"} & set(found.ranking)


def test_what_the_assistant_said_is_no_rating(open_limner):
    ada = open_limner().user("ada")
    (said,) = ada.observe_many([NewObservation("Rated Red Dust 5/5", author="assistant")])
    assert said.event is None


def test_the_past_can_be_asked_for(open_limner):
    ada = open_limner(answers(merge="no")).user("ada")
    before = utc_now()
    ada.observe(BABY)
    ada.reflect()
    ada.portrait("summary")
    assert ada.portrait(known_at=before).text == ""
    assert ada.portrait(known_at=utc_now()).text == NOTE
    assert ada.portrait("summary", known_at=utc_now()).text == NOTE
    with pytest.raises(InputError, match="summary"):
        ada.portrait("summary", known_at=before)
    with pytest.raises(InputError, match="zone"):
        ada.portrait(known_at=datetime(2025, 1, 1))


def test_a_summary_is_kept_until_its_notes_change(open_limner):
    ada = open_limner(answers()).user("ada")
    ada.observe(BABY)
    ada.reflect()
    first = ada.portrait("summary", task="films")
    assert ada.portrait("summary", task="films") == first
    assert ada.portrait("summary").id != first.id


def test_an_unknown_kind_of_portrait_is_named(open_limner):
    with pytest.raises(ConfigurationError, match="propositions, recurrent, summary"):
        open_limner().user("ada").portrait("sketch")


def test_without_a_data_set_there_is_nothing_to_recommend_from(open_limner):
    ada = open_limner(answers(), dataset=None).user("ada")
    with pytest.raises(ConfigurationError, match="LIMNER_DATASET"):
        ada.recommend()
    assert ada.ask("What should I watch?").recommendations is None


@pytest.mark.parametrize(("recipient", "purpose"), [("", "x"), ("x", " ")])
def test_sharing_needs_recipient_and_purpose(open_limner, recipient, purpose):
    with pytest.raises(InputError):
        open_limner().user("ada").share(recipient, purpose)


def test_a_prompt_of_ones_own_is_used_and_recorded(open_limner, tmp_path):
    folder = tmp_path / "prompts" / "profiles" / "propositions"
    folder.mkdir(parents=True)
    own = "# system\nYou keep notes about a user. My own words.\n\n# user\n{% if before %}{% endif %}\nSentence: {{ sentence | quoted }}\n"
    (folder / "gist.md").write_text(own)
    import answering

    opening = answering.OPENINGS["gist"]
    answering.OPENINGS["gist"] = "You keep notes about a user. My own words."
    try:
        asked = answers()
        ada = open_limner(asked, prompts=tmp_path / "prompts").user("ada")
        ada.observe(BABY)
        ada.reflect()
    finally:
        answering.OPENINGS["gist"] = opening
    (held,) = ada.propositions()
    assert held.prompt_hash == load_prompt("profiles/propositions/gist", tmp_path / "prompts").hash
    assert held.prompt_hash != load_prompt("profiles/propositions/gist").hash
    assert (held.model, held.standing) == ("scripted", Standing.STATED)


async def test_many_questions_at_once(open_limner):
    ada = open_limner(answers()).user("ada")
    ada.observe(BABY)
    told = await asyncio.gather(*(ada.aask(f"Question {n}?") for n in range(5)))
    assert {t.text for t in told} == {"Try Tea at Four."}


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 257])
def test_this_is_no_user_id(open_limner, name):
    with pytest.raises(InputError):
        open_limner().user(name)


def test_what_is_forgotten_while_a_summary_is_written_is_not_in_it(open_limner):
    limner = open_limner(None)
    ada = limner.user("ada")
    ids = [ada.observe(f"I like tea number {n}.").id for n in range(3)]
    batch = ada.memory.claim(1000, len)
    notes = [
        proposed(ada.memory, f"The user likes tea number {n}.", o) for n, o in enumerate(batch.observations)
    ]
    ada.memory.apply(batch, add=notes)
    merged = []

    def merge(last):
        merged.append(last)
        if len(merged) == 1:
            ada.forget(ids[1])
        return "The user likes tea."

    limner.model.chat.script.replies["merge"] = merge
    drawn = ada.portrait("summary")
    assert len(merged) == 2
    assert notes[1].id not in drawn.based_on
    assert ada.memory.portrait("summary") == drawn


def test_reflecting_and_forgetting_keep_the_index_up_to_date(open_limner):
    limner = open_limner(exact_limit=3)
    ada = limner.user("ada")
    kept = ada.observe_many(NewObservation(f"{n} cups of tea") for n in range(8))
    ada.search("tea")
    assert limner.status().outbox == 0  # who has no index yet leaves no notes
    ada.reflect()
    assert limner.status().outbox == 0
    ada.forget(kept[0].id)
    assert limner.status().outbox == 0
    assert len(ada.search("tea", k=10)) == 7

"""Conversations through the door of a user: stored as they happen, gone on with, kept apart, and erased."""

import asyncio
import signal
import subprocess
import sys
import threading

import pytest

from answering import Answers
from limner.agents.conversation import ConversationOptions, Piece, Reply
from limner.agents.conversation import graph as graph_module
from limner.agents.recommendations import AgentStep
from limner.api import Limner
from limner.errors import (
    ConfigurationError,
    InputError,
    InvalidObservation,
    ModelUnavailable,
    RecordingRefused,
)

PLAIN = ConversationOptions(model=False, ask="never", show=2)
ASKING = ConversationOptions(model=False, show=2, sure=1.0, least_gain=0.1)


def failing(_messages):
    raise ModelUnavailable("nobody answers")


@pytest.fixture
def limner(open_limner):
    return open_limner(recommenders=["ease", "popularity"])


@pytest.fixture
def ada(limner):
    return limner.user("ada")


def titles(reply):
    return [one.title for one in reply.items]


def test_a_turn_is_an_observation_and_its_meaning_is_left_to_reflection(ada):
    chat = ada.converse("evening", options=PLAIN)
    reply = chat.say("a comedy, please")
    (stored,) = ada.observations(source="conversation")
    assert (stored.text, stored.session, stored.author) == ("a comedy, please", "evening", "user")
    assert ada.status().pending >= 1
    assert reply.act == "recommend"
    assert all("Comedy" in one.item.attributes["genre"] for one in reply.items)


def test_every_recommendation_quotes_the_session(ada):
    chat = ada.converse(options=PLAIN)
    for turn in ("surprise me", "no horror please", "something older", "I loved Red Dust"):
        reply = chat.say(turn)
        assert reply.items
        for one in reply.items:
            assert "“" in one.reason
            assert one.evidence


def test_what_was_shown_is_not_shown_again_until_nothing_is_left(ada):
    chat = ada.converse(options=PLAIN.model_copy(update={"show": 5}))
    shown = [title for _ in range(3) for title in titles(chat.say("what else?"))]
    assert len(shown) == len(set(shown)) == 12
    reply = chat.say("what else?")
    assert not reply.items
    assert "start over" in reply.text


def test_refusals_and_what_is_known_count_in_the_next_session_too(ada):
    chat = ada.converse("first", options=PLAIN)
    first = chat.say("a comedy")
    chat.say("not the first one, too silly")
    chat.say("I have seen the second one") if len(first.items) > 1 else None
    kinds = {o.event.kind for o in ada.observations(source="feedback") if o.event}
    assert "rejected" in kinds
    rejected = {o.event.title for o in ada.observations(source="feedback") if o.event.kind == "rejected"}
    later = ada.converse("second", options=PLAIN)
    shown = {title for _ in range(6) for title in titles(later.say("something else"))}
    assert rejected
    assert not rejected & shown


def test_an_unknown_user_is_asked_something_sensible(ada):
    reply = ada.converse(options=ASKING).say("Hi!")
    assert reply.act == "ask"
    assert reply.question.attribute in {"genre", "year"}
    assert all(option.lower() in reply.text.lower() for option in reply.question.options)


def test_an_answer_to_a_question_is_taken(ada):
    chat = ada.converse(options=ASKING)
    question = chat.say("Hi!").question
    chat.say(question.options[0])
    reply = chat.say("just recommend something")
    chosen = ada._limner.world.catalogue.select(question.conditions[0])
    assert reply.items
    assert {one.item.id for one in reply.items} <= set(chosen)


def test_why_and_what_is_known(ada):
    chat = ada.converse(options=PLAIN)
    first = chat.say("a comedy")
    why = chat.say("why the second one?")
    assert why.act == "explain"
    assert first.items[1].title in why.text
    assert first.items[0].title not in why.text
    assert "“comedy”" in why.text
    known = chat.say("what do you know about me?")
    assert known.act == "control"
    assert "comedy" in known.text


def test_forget_that_takes_back_what_was_said_and_leaves_no_trace(ada, tmp_path):
    chat = ada.converse("s", options=PLAIN)
    chat.say("a comedy")
    chat.say("but nothing with marmaladenglas in it")
    reply = chat.say("forget that")
    assert reply.act == "control"
    assert [o.text for o in ada.observations(source="conversation")] == ["a comedy"]
    assert [turn.text for turn in chat.dialogue().turns] == ["a comedy"]
    assert "comedy" in chat.say("what do you know about me?").text
    for file in (tmp_path / "home").rglob("*"):
        if file.is_file():
            assert b"marmaladenglas" not in file.read_bytes().lower(), file


def test_forgetting_goes_by_number_where_words_are_named(ada):
    chat = ada.converse("s", options=PLAIN)
    ada.observe("My sister Ruth keeps bees.")
    listed = chat.say("forget what I said about my sister")
    assert "Ruth keeps bees" in listed.text
    assert [o.text for o in ada.observations(source="user")]
    chat.say("forget number 1")
    assert not ada.observations(source="user")
    assert "Ruth" not in chat.dialogue().model_dump_json()


def test_forgetting_a_turn_from_outside_takes_it_out_of_the_session(ada):
    chat = ada.converse("s", options=PLAIN)
    chat.say("a comedy")
    shown = chat.say("from before 1995").items
    gone = next(o for o in ada.observations(source="conversation") if o.text == "a comedy")
    ada.forget(gone.id)
    again = ada.converse("s", options=PLAIN)
    assert [turn.text for turn in again.dialogue().turns] == ["from before 1995"]
    reply = again.say("what else?")
    assert not {one.item.id for one in reply.items} & {one.item.id for one in shown}
    assert any("Comedy" not in one.item.attributes["genre"] for one in reply.items)


def test_a_session_is_gone_on_with_by_its_name(ada):
    ada.converse("s", options=PLAIN).say("a comedy")
    reply = ada.converse("s", options=PLAIN).say("what else?")
    assert reply.turn == 2
    assert all("Comedy" in one.item.attributes["genre"] for one in reply.items)
    assert [(one.session, one.turns) for one in ada.conversations()] == [("s", 2)]


def test_two_sessions_of_one_user_at_once_do_not_mix(ada):
    wishes = {"one": "a comedy", "two": "science fiction"}
    wanted = {"one": "Comedy", "two": "Sci-Fi"}
    failures = []

    def talk(session):
        chat = ada.converse(session, options=PLAIN.model_copy(update={"show": 1}))
        for turn in (wishes[session], "what else?", "something else"):
            for one in chat.say(turn).items:
                if wanted[session] not in one.item.attributes["genre"]:
                    failures.append((session, one.title))

    threads = [threading.Thread(target=talk, args=(session,)) for session in wishes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    for session in wishes:
        turns = ada.converse(session).dialogue().turns
        assert [turn.text for turn in turns] == [wishes[session], "what else?", "something else"]


def test_one_session_takes_one_turn_at_a_time(ada):
    chat = ada.converse("s", options=PLAIN)

    async def both():
        return await asyncio.gather(chat.asay("a comedy"), chat.asay("a drama"), return_exceptions=True)

    results = asyncio.run(both())
    assert sorted(type(one).__name__ for one in results) == ["InputError", "Reply"]


def test_streaming_ends_with_the_reply(ada):
    events = list(ada.converse(options=PLAIN).stream("a comedy"))
    assert isinstance(events[-1], Reply)
    assert isinstance(events[0], AgentStep)
    assert "".join(event.text for event in events if isinstance(event, Piece)) == events[-1].text


def test_off_the_record_nothing_is_stored(ada, limner):
    chat = ada.converse(options=PLAIN.model_copy(update={"record": False}))
    first = chat.say("a comedy")
    second = chat.say("not these, something else")
    assert not set(titles(first)) & set(titles(second))
    assert not limner.users()


def test_paused_recording_refuses_the_turn_and_says_so(ada):
    ada.observe("x")
    ada.pause()
    with pytest.raises(RecordingRefused):
        ada.converse(options=PLAIN).say("a comedy")
    assert ada.converse(options=PLAIN.model_copy(update={"record": False})).say("a comedy").items


def test_without_consent_to_feedback_the_conversation_goes_on(ada):
    ada.observe("x")
    ada.consent("feedback", granted=False, basis="said so")
    chat = ada.converse("s", options=PLAIN)
    first = chat.say("a comedy")
    second = chat.say("not these, something else")
    assert first.items
    assert not set(titles(first)) & set(titles(second))
    assert not ada.observations(source="feedback")


def test_what_is_taken_out_of_the_catalogue_is_out_of_the_conversation(ada, limner):
    ada.converse("s", options=PLAIN).say("I loved Red Dust (1990), something like that")
    shown = ada.converse("s", options=PLAIN).say("what else?").items
    limner.remove_items(["a3", shown[0].item.id])
    chat = ada.converse("s", options=PLAIN)
    later = chat.say("what else?")
    assert later.items
    assert "Red Dust" not in later.text
    assert shown[0].title not in chat.say("why?").text
    assert not {"a3", shown[0].item.id} & {one.item.id for one in later.items}


def test_a_model_that_fails_costs_understanding_and_no_turn(open_limner):
    answers = Answers(replies={"wish": ModelUnavailable("nobody answers")})
    ada = open_limner(answers, recommenders=["ease"]).user("ada")
    chat = ada.converse(options=PLAIN.model_copy(update={"model": True}))
    assert chat.say("a comedy, wistful").items
    reply = chat.say("wistful zeppelins")
    assert reply.items
    assert "“wistful zeppelins”" in reply.text


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_turn_is_refused(ada, text):
    with pytest.raises(InputError):
        ada.converse(options=PLAIN).say(text)


def test_bad_names_and_no_catalogue(ada, open_limner):
    for name in ("", " ", "x" * 201):
        with pytest.raises(InputError):
            ada.converse(name)


def test_without_a_catalogue_there_is_nothing_to_talk_about(open_limner):
    with pytest.raises(ConfigurationError):
        open_limner(dataset=None).user("ada").converse()


def test_a_turn_that_is_too_long_is_refused_and_the_session_goes_on(open_limner):
    ada = open_limner(recommenders=["ease"], max_observation_chars=100).user("ada")
    chat = ada.converse("s", options=PLAIN)
    with pytest.raises(InvalidObservation):
        chat.say("comedy " * 100)
    assert chat.say("a comedy").items


@pytest.mark.parametrize("node", ["read", "suggest", "settle"])
def test_a_turn_that_broke_off_is_finished_later(ada, monkeypatch, node):
    chat = ada.converse("s", options=PLAIN)
    chat.say("a comedy")

    async def broken(self, state):
        raise RuntimeError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(graph_module._Nodes, node, broken)
        with pytest.raises(RuntimeError, match="power"):
            ada.converse("s", options=PLAIN).say("from before 1995")
    assert [o.text for o in ada.observations(source="conversation")] == ["a comedy", "from before 1995"]
    reply = ada.converse("s", options=PLAIN).resume()
    assert reply.turn == 2
    assert all(one.item.attributes["year"] < 1995 for one in reply.items)
    assert [o.text for o in ada.observations(source="conversation")] == ["a comedy", "from before 1995"]
    assert ada.converse("s", options=PLAIN).resume() is None


def test_a_turn_that_broke_off_counts_with_what_it_says(ada, monkeypatch):
    chat = ada.converse("s", options=PLAIN)
    shown = chat.say("a comedy").items

    async def broken(self, state):
        raise RuntimeError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(graph_module._Nodes, "read", broken)
        with pytest.raises(RuntimeError, match="power"):
            ada.converse("s", options=PLAIN).say("not the first one; from before 1995")
    reply = ada.converse("s", options=PLAIN).say("what else?")
    assert all(one.item.attributes["year"] < 1995 for one in reply.items)
    rejected = [o.event.item_id for o in ada.observations(source="feedback") if o.event.kind == "rejected"]
    assert rejected == [shown[0].item.id]


def test_forgetting_in_one_session_leaves_the_wishes_of_another(ada):
    one, two = ada.converse("one", options=PLAIN), ada.converse("two", options=PLAIN)
    one.say("a drama")
    two.say("a comedy")
    one.say("forget that")
    reply = two.say("what else?")
    assert reply.items
    assert all("Comedy" in one.item.attributes["genre"] for one in reply.items)


def test_what_is_forgotten_by_its_words_takes_the_words_along(ada):
    chat = ada.converse("s", options=PLAIN)
    ada.observe("My sister Ruth keeps bees.")
    chat.say("forget what I said about Ruth")
    chat.say("forget number 1")
    assert "Ruth" not in " ".join(o.text for o in ada.observations())
    assert "Ruth" not in chat.dialogue().model_dump_json()


def test_off_the_record_what_was_stored_before_can_be_forgotten(ada):
    ada.observe("My sister Ruth keeps bees.")
    chat = ada.converse(options=PLAIN.model_copy(update={"record": False}))
    chat.say("forget what I said about Ruth")
    chat.say("forget number 1")
    assert not ada.observations()


def test_a_wish_to_forget_that_broke_off_is_seen_to_later(ada, monkeypatch):
    chat = ada.converse("s", options=PLAIN)
    chat.say("a comedy")

    async def broken(self, state):
        raise RuntimeError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(graph_module._Nodes, "control", broken)
        with pytest.raises(RuntimeError, match="power"):
            ada.converse("s", options=PLAIN).say("forget that")
    ada.converse("s", options=PLAIN).say("what else?")
    assert "a comedy" not in [o.text for o in ada.observations(source="conversation")]


def test_without_a_model_at_hand_the_session_goes_on(limner, ada, monkeypatch):
    def missing(_limner):
        raise ConfigurationError("there is no such model")

    monkeypatch.setattr(type(limner), "model", property(missing))
    chat = ada.converse("s", options=PLAIN.model_copy(update={"model": True}))
    assert chat.say("wistful zeppelins").items
    assert "cannot answer" in chat.say("what did I say about my sister?").text
    assert chat.say("what else?").items


def test_a_session_goes_on_over_another_catalogue(ada, limner):
    ada.converse("s", options=PLAIN).say("a comedy from before 1995")
    films = limner.world.catalogue
    limner.remove_items([film.id for film in films if "Comedy" in film.attributes["genre"]])
    chat = ada.converse("s", options=PLAIN)
    for turn in ("why?", "I'll take the first", "what else?", "what do you know about me?"):
        reply = chat.say(turn)
        assert reply.text
        assert all(one.item.id in limner.world.catalogue for one in reply.items)


KILLED = """
import os, signal, sys
sys.path.insert(0, "tests")
from contracts.recommender_data import catalogue, interactions
from limner.agents.conversation import ConversationOptions, graph
from limner.api import Limner
from limner.settings import Settings
from limner.testing import HashEncoder
from limner.tools import Dataset

async def killed(self, state):
    os.kill(os.getpid(), signal.SIGKILL)

films = Dataset("films", catalogue(), interactions(), item_type="film")
settings = Settings(recommenders=["ease"])
with Limner.open(sys.argv[1], settings=settings, encoder=HashEncoder(), dataset=films) as limner:
    chat = limner.user("ada").converse("s", options=ConversationOptions(model=False, ask="never", show=2))
    chat.say("a comedy")
    graph._Nodes.suggest = killed
    chat = limner.user("ada").converse("s", options=ConversationOptions(model=False, ask="never", show=2))
    chat.say("from before 1995")
"""


def test_a_killed_session_goes_on_where_it_stopped(tmp_path, ada):
    home = ada._limner.settings.home
    ada._limner.close()
    done = subprocess.run([sys.executable, "-c", KILLED, str(home)], check=False, timeout=100)
    assert done.returncode == -signal.SIGKILL
    from limner.settings import Settings
    from limner.testing import HashEncoder

    with Limner.open(
        home,
        settings=Settings(recommenders=["ease"]),
        encoder=HashEncoder(),
        dataset=ada._limner.world.dataset,
    ) as limner:
        user = limner.user("ada")
        assert [o.text for o in user.observations(source="conversation")] == ["a comedy", "from before 1995"]
        reply = user.converse("s", options=PLAIN).resume()
        assert reply.turn == 2
        assert all(
            "Comedy" in i.item.attributes["genre"] and i.item.attributes["year"] < 1995 for i in reply.items
        )

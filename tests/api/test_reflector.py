import asyncio
import threading
import time

import pytest
from test_limner_api import BABY, NOTE, answers

from limner.api import Limner
from limner.api.reflector import BackgroundReflector
from limner.api.schedule import Schedule
from limner.errors import ConfigurationError, ModelUnavailable, StoreError
from limner.inference import LanguageModel
from limner.settings import Settings
from limner.testing import HashEncoder, ScriptedChatModel


def until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("text", "observations", "seconds"),
    [
        ("manual", None, None),
        (" Manual ", None, None),
        ("20", 20, None),
        ("90s", None, 90.0),
        ("15m", None, 900.0),
        ("1.5H", None, 5400.0),
        ("1d", None, 86400.0),
    ],
)
def test_a_schedule_is_read(text, observations, seconds):
    assert Schedule.parse(text) == Schedule(observations, seconds)


@pytest.mark.parametrize(
    "text",
    ["", "0", "-1", "1.5", "0s", "often", "15 m", "15w", "1e3", "m", "inf", "9" * 500 + "s", "9" * 5000],
)
def test_what_is_no_schedule_is_refused(text):
    with pytest.raises(ConfigurationError, match="LIMNER_REFLECT_EVERY"):
        Schedule.parse(text)


def test_by_hand_nothing_happens_by_itself(open_limner):
    limner = open_limner(answers())
    limner.user("ada").observe(BABY)
    assert "limner-reflect" not in [t.name for t in threading.enumerate()]
    assert limner.user("ada").status().pending == 1


def test_after_so_many_observations(open_limner):
    limner = open_limner(answers(), reflect_every="2")
    ada, bob = limner.user("ada"), limner.user("bob")
    ada.observe("Hello.")
    bob.observe("Hello.")
    time.sleep(0.15)
    assert ada.status().pending == 1
    ada.observe(BABY)
    until(lambda: ada.status().pending == 0)
    assert ada.portrait().text == NOTE
    assert bob.status().pending == 1


def test_on_a_timer(open_limner):
    ada = open_limner(answers(), reflect_every="0.05s").user("ada")
    ada.observe(BABY)
    until(lambda: ada.status().propositions == 1)


def test_observing_never_waits_for_a_reflection(open_limner):
    thinking, go_on = threading.Event(), threading.Event()

    def gist(last):
        thinking.set()
        go_on.wait(60)
        return "-"

    ada = open_limner(answers(gist=gist), reflect_every="1").user("ada")
    try:
        ada.observe(BABY)
        assert thinking.wait(60)
        start = time.monotonic()
        ada.observe("Another thing.")
        assert time.monotonic() - start < 30
        assert not go_on.is_set()
    finally:
        go_on.set()
    until(lambda: ada.status().pending == 0)


@pytest.mark.parametrize("error", [ModelUnavailable("down"), StoreError("full")])
def test_a_failure_is_logged_and_the_next_turn_comes(error, caplog):
    calls = []

    def reflect(user_id):
        calls.append(user_id)
        if len(calls) == 1:
            raise error

    reflector = BackgroundReflector(Schedule(seconds=0.02), reflect, lambda: ["ada"], lambda user_id: 1)
    until(lambda: len(calls) >= 3)
    reflector.close()
    assert str(error) in caplog.text


def test_a_store_that_fails_at_a_turn_does_not_end_it(caplog):
    turns = []

    def due():
        turns.append(None)
        if len(turns) == 1:
            raise StoreError("locked")
        return []

    reflector = BackgroundReflector(Schedule(seconds=0.02), lambda user_id: None, due, lambda user_id: 1)
    until(lambda: len(turns) >= 3)
    reflector.close()
    assert "locked" in caplog.text


def test_closing_stops_the_thread_and_twice_is_fine():
    reflector = BackgroundReflector(Schedule(seconds=60), lambda u: None, list, lambda u: 0)
    reflector.close()
    reflector.close()
    assert "limner-reflect" not in [t.name for t in threading.enumerate()]


def test_a_defect_is_logged_with_its_traceback_and_the_next_turn_comes(caplog):
    calls = []

    def reflect(user_id):
        calls.append(user_id)
        if len(calls) == 1:
            raise KeyError("a defect")

    reflector = BackgroundReflector(Schedule(seconds=0.02), reflect, lambda: ["ada"], lambda user_id: 1)
    until(lambda: len(calls) >= 3)
    reflector.close()
    assert "Traceback" in caplog.text
    assert "a defect" in caplog.text


class Stalling(ScriptedChatModel):
    """Never answers."""

    asked_once: threading.Event = threading.Event()

    async def _agenerate(self, messages, *args, **kwargs):
        self.asked_once.set()
        await asyncio.sleep(60)
        return self._generate(messages, *args, **kwargs)


def test_closing_does_not_wait_for_the_model_and_gives_the_batch_back(tmp_path, caplog):
    chat = Stalling(script=[], asked_once=threading.Event())
    settings = Settings(reflect_every="1", dataset=None)
    model = LanguageModel.wrap(chat, plan="small")
    limner = Limner.open(tmp_path, settings=settings, model=model, encoder=HashEncoder())
    limner.user("ada").observe(BABY)
    assert chat.asked_once.wait(60)
    start = time.monotonic()
    limner.close()
    assert time.monotonic() - start < 30
    assert "limner-reflect" not in [t.name for t in threading.enumerate()]
    assert caplog.text == ""
    with Limner.open(tmp_path, settings=Settings(dataset=None), encoder=HashEncoder()) as again:
        status = again.user("ada").status()
        assert (status.pending, status.next_attempt_at) == (1, None)
        assert len(again.user("ada").memory.claim(1000, len).observations) == 1


def test_what_fails_while_closing_does_not_keep_the_rest_open(tmp_path, monkeypatch):
    limner = Limner.open(tmp_path, settings=Settings(dataset=None), encoder=HashEncoder())
    closed, close = [], limner.memory.close
    monkeypatch.setattr(limner.memory, "close", lambda: closed.append(close()))

    def fail():
        raise StoreError("no")

    monkeypatch.setattr(limner.reflector, "close", fail)
    with pytest.raises(StoreError):
        limner.close()
    assert len(closed) == 1

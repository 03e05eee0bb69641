"""Observations with pictures, with models behind a real wire: one that reads the pixels it is sent, and one that refuses pictures."""

import base64
import json
from typing import Any

import pytest
from made import day
from sqlalchemy import select, update

from limner.errors import InputError
from limner.inference.language_model import language_model
from limner.inference.pictures import MOST_BYTES
from limner.inference.seeing import filled
from limner.memory import Media, NewObservation, Standing, utc_now
from limner.memory.pictures import picture
from limner.memory.schema import observations as observation_rows
from limner.profiles.propositions.reflect import reflect
from patients import Patient, Sent, colour_of, refused, served

GREEN = filled((20, 200, 20))
WORDS = "Our balcony is done."


class Seeing(Patient):
    """Says of a picture which colour it begins with, and proposes what the lines of a batch say."""

    def words(self, body: dict[str, Any]) -> str:
        colour = colour_of(body)
        if colour is not None and "Which colour" not in self.prompt(body):
            return f"A wall is painted {colour}. A chair stands before it."
        return super().words(body)

    def objects(self, body: dict[str, Any]) -> Sent:
        lines = [line for line in self.prompt(body).splitlines() if line.startswith("[")]
        statements = [
            {
                "reasoning": "It is seen.",
                "text": f"The user has a {line.rpartition(' ')[2].rstrip('.')} balcony wall.",
                "evidence": [number],
                "confidence": 9,
                "durability": 8,
            }
            for number, line in enumerate(lines, start=1)
            if "painted" in line
        ]
        verdicts = [{"draft": n, "reason": "", "supported": True} for n in range(1, len(lines) + 1)]
        answers = {"Proposals": {"statements": statements}, "Verdicts": {"verdicts": verdicts}}
        name = body["response_format"]["json_schema"]["name"]
        return self.said(body, json.dumps(answers[name])) if name in answers else super().objects(body)


class Blind(Seeing):
    """Refuses pictures, as vLLM does with a text model."""

    def chat(self, body: dict[str, Any]) -> Sent:
        if isinstance(body["messages"][-1]["content"], list):
            return refused(400, "At most 0 image(s) may be provided in one prompt.")
        return super().chat(body)


@pytest.fixture
def reflecting(ada, encoder, settings):
    async def run(patient: Patient):
        with served(patient):
            chosen = settings.model_copy(
                update={"base_url": patient.url, "model": "m", "call_plan": "batch", "context_length": 2048}
            )
            with language_model(chosen) as model:
                return await reflect(ada, model, encoder, chosen)

    return run


@pytest.fixture
def row_of(memory):
    def read(observation):
        with memory.database.read() as connection:
            statement = select(observation_rows).where(observation_rows.c.id == observation.id)
            return connection.execute(statement).one()

    return read


def shown(ada, uri=GREEN, text=WORDS):
    media = Media(uri=uri, mime_type="image/png")
    return ada.observe_many([NewObservation(text, "chat", occurred_at=day(1), media=media)])[0]


async def test_what_is_seen_becomes_propositions_that_say_so(ada, reflecting):
    observation = shown(ada)
    done = await reflecting(Seeing())
    assert done.failed == []
    (held,) = ada.propositions()
    assert held.text == "The user has a green balcony wall."
    assert held.standing is Standing.INFERRED
    (span,) = held.evidence
    assert (span.part, span.quote) == ("image", "A wall is painted green.")
    (stored,) = ada.observations()
    assert stored.text == WORDS
    assert stored.media.description[span.start : span.end] == span.quote
    ada.forget(observation.id)
    assert ada.propositions() == []


async def test_without_a_model_that_sees_it_waits_and_holds_nobody_up(ada, reflecting, row_of):
    observation = shown(ada)
    ada.observe("The wall at work is painted grey.", occurred_at=day(2))
    done = await reflecting(Blind())
    assert (done.failed, done.parked, done.unseen) == ([], 0, 1)
    assert [p.text for p in ada.propositions()] == ["The user has a grey balcony wall."]
    status = ada.status()
    assert (status.pending, status.unseen) == (1, 1)
    row = row_of(observation)
    assert (row.state, row.attempts) == ("pending", 0)
    assert "m at http://127.0.0.1" in row.last_error
    assert "does not see pictures" in row.last_error


async def test_it_is_not_asked_about_again_at_once(ada, reflecting):
    shown(ada)
    await reflecting(Blind())
    again = Blind()
    await reflecting(again)
    assert [body for body in again.chats if "Which colour" not in again.prompt(body)] == []
    assert ada.status().unseen == 1


async def test_the_first_model_that_sees_takes_it(ada, reflecting, row_of):
    observation = shown(ada)
    await reflecting(Blind())
    await reflecting(Seeing())
    assert [p.text for p in ada.propositions()] == ["The user has a green balcony wall."]
    assert row_of(observation).state == "done"
    assert ada.status().unseen == 0


async def test_a_model_that_answers_without_looking_does_not_see(ada, reflecting):
    class Polite(Seeing):
        def words(self, body):
            return "A lovely red picture."

    shown(ada)
    await reflecting(Polite())
    assert ada.status().unseen == 1
    assert ada.propositions() == []


async def test_a_picture_that_is_gone_is_parked_with_its_reason(ada, reflecting, memory, tmp_path):
    shown(ada, uri=(tmp_path / "gone.png").as_uri())
    for _ in range(3):
        with memory.database.write() as connection:
            connection.execute(update(observation_rows).values(next_attempt_at=utc_now()))
        await reflecting(Seeing())
    (parked,) = ada.status().parked
    assert "gone.png cannot be read" in parked.reason


async def test_a_file_is_read_when_it_is_looked_at(ada, reflecting, tmp_path):
    file = tmp_path / "a wall.png"
    file.write_bytes(base64.b64decode(GREEN.partition(",")[2]))
    assert picture(file).uri == GREEN
    assert picture(file).mime_type == "image/png"
    shown(ada, uri=file.as_uri())
    await reflecting(Seeing())
    assert [p.text for p in ada.propositions()] == ["The user has a green balcony wall."]


def test_only_pictures_are_taken(tmp_path):
    text, long = tmp_path / "a.png", tmp_path / "b.gif"
    text.write_text("not a picture")
    long.write_bytes(b"GIF89a" + b"\0" * MOST_BYTES)
    for path, said in ((text, "is no picture"), (long, "at most"), (tmp_path / "c.png", "cannot be read")):
        with pytest.raises(InputError, match=said):
            picture(path)


async def test_an_export_takes_description_and_evidence_along(ada, memory, reflecting, tmp_path):
    shown(ada)
    await reflecting(Seeing())
    before = ada.propositions()
    file = tmp_path / "ada.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in ada.export()), "utf-8")
    ada.forget_everything(leave_nothing=True)
    memory.import_file(file)
    assert memory.user("ada").propositions()[0].evidence == before[0].evidence
    assert memory.user("ada").observations()[0].media.description.startswith("A wall")

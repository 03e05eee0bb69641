"""Turns made of several utterances: what the readers make of them, and how limner's memory takes them in and finds them."""

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from limner.evals.locomo import locomo_recall
from limner.evals.longmemeval import longmemeval_recall
from limner.evals.memories.limner import LimnerMemory, _fingerprint
from limner.evals.personabench import personabench_recall
from limner.evals.records import Turn, Utterance
from limner.memory import Observation
from limner.memory.fusion import WEIGHTS
from limner.memory.signals import SIGNALS
from limner.settings import Settings
from limner.testing import HashEncoder

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def make_memory(tmp_path, make_store) -> Iterator[Callable[[], LimnerMemory]]:
    """Open a memory of observations on one store; every handle is closed at the end."""
    opened: list[LimnerMemory] = []

    def make() -> LimnerMemory:
        settings = Settings(cache=tmp_path / "cache")
        home = settings.cache / "evals" / "limner" / _fingerprint(settings, None)
        if not home.exists():
            make_store(home)
        opened.append(LimnerMemory(settings, "observations", encoder=HashEncoder()))
        return opened[-1]

    yield make
    for memory in opened:
        memory.close()


@pytest.fixture
def memory(make_memory) -> LimnerMemory:
    return make_memory()


def stored(memory: LimnerMemory, user: str) -> list[Observation]:
    return sorted(memory.store.user(user).observations(), key=lambda one: (one.occurred_at, one.key))


def turn(name: str, *texts: str, session: str | None = None) -> Turn:
    said = tuple(Utterance(text, "assistant" if i % 2 else "user") for i, text in enumerate(texts))
    return Turn(" ".join(texts), id=name, session=session, utterances=said)


def test_each_utterance_is_an_observation_with_a_key_of_its_own(memory) -> None:
    memory.add("ada", [turn("a", "I row.", "Where?", "In Ghent.", session="s1"), Turn("I knit.")], NOON)
    memory.add("ada", [turn("b", "", "  ", "I row.", session="s2"), turn("c", " ")], NOON + timedelta(days=1))
    found = stored(memory, "ada")
    assert [(one.text, one.author, one.session) for one in found] == [
        ("I row.", "user", "s1"),
        ("Where?", "assistant", "s1"),
        ("In Ghent.", "user", "s1"),
        ("I knit.", "user", None),
        ("I row.", "user", "s2"),
    ]
    assert len({one.key for one in found}) == len(found)
    assert len({one.occurred_at for one in found[:3]}) == 1
    assert memory.turns_of("ada", [one.id for one in found]) == ["a", "a", "a", None, "b"]


def test_the_same_history_again_is_not_stored_twice(make_memory) -> None:
    for memory in (make_memory(), make_memory()):
        memory.add("ada", [turn("a", "I row.", "Where?"), turn("b", "I knit.", "What?")], NOON)
        assert len(stored(memory, "ada")) == 4
        assert memory.turns_of("ada", [one.id for one in stored(memory, "ada")]) == ["a", "a", "b", "b"]


def test_a_turn_is_found_once_by_the_best_of_its_utterances(memory) -> None:
    memory.add(
        "ada", [turn("a", "I have an oboe.", "An oboe?", "The oboe is loud."), turn("b", "I knit.")], NOON
    )
    found = memory.search("ada", "An oboe?", 5)
    assert [one.ids for one in found] == [("a",), ("b",)]
    best = memory.store.user("ada").search("An oboe?", 1)[0]
    assert (found[0].text, found[0].score) == (best.record.text, best.score)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 8, 9])
def test_k_distinct_turns_are_found_however_many_utterances_the_first_has(memory, k) -> None:
    loud = [f"The oboe is loud {n}." for n in range(40)]
    memory.add("ada", [turn("loud", *loud), *(turn(f"t{n}", f"I knit {n}.") for n in range(7))], NOON)
    found = memory.search("ada", "How loud is the oboe?", k)
    assert len(found) == min(k, 8)
    assert len({one.ids for one in found}) == len(found)
    assert found[0].ids == ("loud",)


def test_turns_without_an_id_are_not_taken_for_one(memory) -> None:
    memory.add("ada", [Turn("I row."), Turn("I row too."), Turn("I row as well.")], NOON)
    assert len(memory.search("ada", "row", 3)) == 3


def test_locomo_gives_utterances_with_the_speaker_and_sessions(tmp_path) -> None:
    path = tmp_path / "locomo.json"
    path.write_text(json.dumps([conversation("conv-1")]))
    turns = locomo_recall(str(path)).histories["conv-1"]
    assert [one.utterances for one in turns] == [
        (Utterance("Ilse: Which instrument do you play?"),),
        (Utterance("Odo: The oboe. (image: a photo of an oboe)"),),
        (Utterance("Ilse: I planted leeks."),),
        (Utterance("Odo:  (image: leeks)"),),
    ]
    first, _, second, _ = sessions = [one.session for one in turns]
    assert sessions == [first, first, second, second]
    assert first != second
    assert first is not None
    assert all(one.text.endswith(f") {one.utterances[0].text}") for one in turns)


def test_longmemeval_gives_an_utterance_for_each_turn_of_a_unit(tmp_path) -> None:
    def said(role: str, content: str, **label: bool) -> dict[str, object]:
        return {"role": role, "content": content, **label}

    question = {
        "question_id": "q1",
        "question_type": "single-session-user",
        "question": "How many hens does Mirte keep?",
        "answer": 4,
        "question_date": "2024/02/10 (Sat) 09:00",
        "haystack_session_ids": ["s1", "s2"],
        "haystack_dates": ["2024/02/01 (Thu) 10:00", "2024/02/02 (Fri) 10:00"],
        "haystack_sessions": [
            [
                said("user", "I keep hens."),
                said("assistant", "How many?"),
                said("user", "Four.", has_answer=True),
            ],
            [said("user", "Does rye need lime?"), said("assistant", "Rarely.")],
        ],
        "answer_session_ids": ["s1"],
    }
    path = tmp_path / "longmemeval.json"
    path.write_text(json.dumps([question]))
    hens = Utterance("I keep hens."), Utterance("How many?", "assistant"), Utterance("Four.")
    rye = Utterance("Does rye need lime?"), Utterance("Rarely.", "assistant")
    for options, expected in (
        ({}, [("s1", hens[::2]), ("s2", rye[:1])]),
        ({"key": "both"}, [("s1", hens), ("s2", rye)]),
        ({"granularity": "round", "key": "both"}, [("s1", hens[:2]), ("s1", hens[2:]), ("s2", rye)]),
    ):
        turns = longmemeval_recall(str(path), **options).histories["q1"]
        assert [(one.session, one.utterances) for one in turns] == expected
        assert all(one.text == " ".join(said.text for said in one.utterances) for one in turns)


def test_personabench_gives_who_says_what_and_what_is_bought(tmp_path) -> None:
    person = "Ines Vogel"

    def session(kind: str, name: str, *parts: object) -> dict[str, object]:
        return {"session": name, "time": "2024/Oct/16/07:44 AM", kind: list(parts), "segment_id": name}

    def of(*data: object) -> list[dict[str, object]]:
        return [{"Name": person, "Data": list(data)}]

    talk = session(
        "conversation", "0001", {"role": person, "content": "I row."}, {"role": "Tomas", "content": "Where?"}
    )
    chat = session(
        "user_ai_interaction",
        "0002",
        {"role": "user", "content": "Draw a map."},
        {"role": "assistant", "content": "Of what?"},
        "nothing of a shape that is known",
    )
    bought = session("purchase_history", "0003", {"title": "Oars", "categories": ["Sport", "Boats"]})
    asked = {
        "q_id": "00",
        "question": "Sport?",
        "answer": "rowing",
        "type": "Preference",
        "difficulty": "easy",
    }
    files = {
        "eval_info/eval_info_all.json": [
            {"Name": person, "Eval_Info": {"qa": [{**asked, "outdated_value": None}]}}
        ],
        "eval_info/qa_gt_context_all_noise_0.5.json": [
            {"q_id": "00", "question": "", "answer": "", "segment_id": {"rowing": ["0001"]}}
        ],
        "private_data/noise_0.5/conversation_data_all.json": of({
            "Target_name": "Tomas",
            "Conversations": [{**talk, "target_name": "Tomas"}],
        }),
        "private_data/noise_0.5/user_ai_interaction_data_all.json": of(chat),
        "private_data/noise_0.5/purchase_history_data_all.json": of(bought),
    }
    for name, content in files.items():
        path = tmp_path / "community_0" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    turns = personabench_recall(str(tmp_path)).histories[f"community_0/{person}"]
    assert {one.session: one.utterances for one in turns} == {
        "0001": (Utterance("I row."), Utterance("Tomas: Where?", "application")),
        "0002": (Utterance("Draw a map."), Utterance("Of what?", "assistant")),
        "0003": (Utterance("Bought Oars; Sport, Boats"),),
    }
    assert [one.id for one in turns] == [one.session for one in turns]


def conversation(name: str) -> dict[str, object]:
    def session(number: int, *said: tuple[str, str, str | None]) -> list[dict[str, object]]:
        return [
            {
                "speaker": who,
                "dia_id": f"D{number}:{i}",
                "text": words,
                **({"blip_caption": seen} if seen else {}),
            }
            for i, (who, words, seen) in enumerate(said, 1)
        ]

    return {
        "sample_id": name,
        "conversation": {
            "speaker_a": "Ilse",
            "speaker_b": "Odo",
            "session_1_date_time": "1:30 pm on 3 March, 2024",
            "session_1": session(
                1,
                ("Ilse", "Which instrument do you play?", None),
                ("Odo", "The oboe.", "a photo of an oboe"),
            ),
            "session_2_date_time": "1:30 pm on 3 May, 2024",
            "session_2": session(2, ("Ilse", "I planted leeks.", None), ("Odo", "", "leeks")),
        },
        "qa": [
            {"question": question, "answer": "x", "evidence": evidence, "category": category}
            for question, evidence, category in (
                ("Which instrument does Odo play?", ["D1:2"], 4),
                ("What did Ilse plant in May?", ["D2:1"], 1),
            )
        ],
    }


@pytest.mark.parametrize("options", [[], ["--steps"]])
def test_the_weights_are_fitted_from_a_file(tmp_path, memory, monkeypatch, capsys, options) -> None:
    path = Path(__file__).parents[2] / "benchmarks" / "fit_recall.py"
    spec = importlib.util.spec_from_file_location("fit_recall", path)
    assert spec is not None
    assert spec.loader is not None
    fit_recall = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "fit_recall", fit_recall)
    spec.loader.exec_module(fit_recall)
    monkeypatch.setattr(fit_recall, "opened_memory", lambda name, settings: memory)
    data, direction = tmp_path / "locomo.json", tmp_path / "direction.json"
    data.write_text(json.dumps([conversation(f"conv-{n}") for n in range(2)]))
    monkeypatch.setattr(sys, "argv", ["fit_recall.py", str(data), "--save", str(direction), *options])
    fit_recall.main()
    printed = capsys.readouterr().out
    table, weights = printed[: printed.index("{")], json.loads(printed[printed.index("{") :])
    assert weights.keys() == WEIGHTS.keys() == SIGNALS.keys()
    assert np.isfinite(list(weights.values())).all()
    assert weights["words"] > 0
    assert "| + what tells facts | 1.000/1.000/1.000 |" in table
    assert len(table.splitlines()) == (1 if not options else 1 + len(fit_recall.STEPS))
    assert np.isfinite(json.loads(direction.read_text())).all()
    assert len(json.loads(direction.read_text())) == memory.store.encoder.dimension

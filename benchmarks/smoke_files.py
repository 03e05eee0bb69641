"""Small files in the published format of every benchmark, about people who do not exist; for `eval_smoke.py`."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from smoke_people import ABOUT, PEOPLE, TASKS, Person

__all__ = ["written"]


def written(folder: Path) -> dict[str, str]:
    """Write all files under a folder; return what `--data` is, by a short name."""
    places = {f"lamp {task}": _lamp(folder, task) for task in TASKS}
    return {
        **places,
        "reviews": _reviews(folder / "reviews.json"),
        "personamem": _personamem(folder / "personamem"),
        "personamem v2": _personamem_v2(folder / "personamem-v2"),
        "prefeval": _prefeval(folder / "prefeval"),
        "locomo": _locomo(folder / "locomo.json"),
        "longmemeval": _longmemeval(folder / "longmemeval.json"),
        "personabench": _personabench(folder / "personabench"),
        "personafeedback": _personafeedback(folder / "personafeedback"),
    }


def _json(path: Path, value: object) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return str(path)


def _lines(path: Path, rows: Iterable[object]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def _table(path: Path, rows: Sequence[Mapping[str, object]]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return str(path)


def _lamp(folder: Path, name: str) -> str:
    task = TASKS[name]
    questions, golds = [], []
    for number, person in enumerate(PEOPLE):
        profile = [{"id": f"{number}{place}", **item} for place, item in enumerate(task.profile(person))]
        questions.append({"id": str(number), "input": task.input(person), "profile": profile})
        golds.append({"id": str(number), "output": task.gold(person)})
    _json(folder / name / f"{name}_dev_outputs.json", {"task": name, "golds": golds})
    return _json(folder / name / f"{name}_dev_questions.json", questions)


def _reviews(path: Path) -> str:
    users = []
    for number, person in enumerate(PEOPLE):
        profile = [
            {"rating": stars, "title": title, "text": text, "pid": f"B{place}"}
            for place, (stars, title, text) in enumerate(person.reviews)
        ]
        users.append({"id": f"R{number}", "profile": profile})
    return _json(path, users)


def _talk(person: Person) -> list[dict[str, str]]:
    return [
        {"role": "user", "content": person.likes},
        {"role": "assistant", "content": "That sounds like a fine way to spend a day."},
        {"role": "user", "content": person.fact},
        {"role": "assistant", "content": "Thank you for telling me."},
    ]


def _personamem(folder: Path) -> str:
    contexts, rows = [], []
    for number, person in enumerate(PEOPLE):
        said = [
            {"role": one["role"], "content": f"{one['role'].capitalize()}: {one['content']}"}
            for one in _talk(person)
        ]
        contexts.append({
            f"c{number}": [{"role": "system", "content": f"{person.name} is {person.work}."}, *said]
        })
        right = number % len(person.replies)
        order = [*person.replies[1:]]
        order.insert(right, person.replies[0])
        rows.append({
            "persona_id": number,
            "question_id": f"q{number}",
            "question_type": "provide_preference_aligned_recommendations",
            "topic": "leisure",
            "context_length_in_letters": sum(len(one["content"]) for one in contexts[-1][f"c{number}"]),
            "distance_to_ref_in_blocks": 1,
            "distance_to_ref_in_tokens": 40,
            "user_question_or_message": f"User: {person.wish}",
            "correct_answer": f"({'abcd'[right]})",
            "all_options": str([f"({letter}) {text}" for letter, text in zip("abcd", order, strict=True)]),
            "shared_context_id": f"c{number}",
            "end_index_in_shared_context": 5,
        })
    _lines(folder / "shared_contexts_32k.jsonl", contexts)
    return _table(folder / "questions_32k.csv", rows)


def _personamem_v2(folder: Path) -> str:
    rows = []
    for number, person in enumerate(PEOPLE):
        link = f"data/chat_history_32k/{number}.json"
        _json(folder / link, {"metadata": {"persona_id": number}, "chat_history": _talk(person)})
        rows.append({
            "persona_id": number,
            "chat_history_32k_link": link,
            "user_query": json.dumps({"role": "user", "content": person.wish}),
            "correct_answer": person.replies[0],
            "incorrect_answers": json.dumps(person.replies[1:]),
            "pref_type": "stereotypical_pref",
            "updated": False,
            "who": "self",
            "conversation_scenario": "chat",
            "distance_from_related_snippet_to_query_32k": 40,
        })
    return _table(folder / "benchmark" / "text" / "benchmark.csv", rows)


def _prefeval(folder: Path) -> str:
    told, chosen, options = [], [], []
    for person in PEOPLE:
        entry = {"preference": person.likes, "question": person.wish, "explanation": "It follows."}
        told.append(entry)
        options.append({**entry, "classification_task_options": list(person.replies)})
        chosen.append({
            **entry,
            "conversation": {
                "query": "What could I do on my free day?",
                "assistant_options": "\n".join(f"{n}. {reply}" for n, reply in enumerate(person.replies, 1)),
                "user_selection": f"The first one. {person.likes}",
                "assistant_acknowledgment": "A good choice.",
            },
        })
    _json(folder / "explicit_preference" / "leisure.json", told)
    _json(folder / "implicit_preference" / "choice-based" / "leisure.json", chosen)
    _json(folder / "mcq_options" / "leisure.json", options)
    return str(folder)


def _locomo(path: Path) -> str:
    one, other, *_ = PEOPLE

    def turn(place: str, person: Person, text: str) -> dict[str, str]:
        return {"speaker": person.name, "dia_id": place, "text": text}

    conversation = {
        "speaker_a": one.name,
        "speaker_b": other.name,
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [turn("D1:1", one, one.likes), turn("D1:2", other, other.likes)],
        "session_2_date_time": "7:05 am on 2 June, 2023",
        "session_2": [turn("D2:1", one, one.fact), turn("D2:2", other, other.fact)],
    }
    asked = [
        (4, one.question, one.answer, ["D2:1"]),
        (4, other.question, other.answer, ["D2:2"]),
        (2, f"When did {one.name} speak about {one.topic}?", "8 May 2023", ["D1:1"]),
        (1, f"What do {one.name} and {other.name} like?", f"{one.topic}, {other.topic}", ["D1:1", "D1:2"]),
        (3, f"Would {one.name} like a day of {one.topic}?", "yes", ["D1:1"]),
    ]
    questions: list[dict[str, object]] = [
        {"question": text, "answer": answer, "evidence": evidence, "category": category}
        for category, text, answer, evidence in asked
    ]
    trap = {"question": f"When did {other.name} marry?", "adversarial_answer": "in May", "evidence": ["D1:2"]}
    questions.append({**trap, "category": 5})
    return _json(path, [{"sample_id": "conv-1", "conversation": conversation, "qa": questions}])


def _longmemeval(path: Path) -> str:
    rows = []
    kinds = ("single-session-user", "multi-session", "temporal-reasoning", "knowledge-update")
    for number, (person, kind) in enumerate(zip(PEOPLE, kinds, strict=True)):
        sessions: list[list[dict[str, object]]] = [
            [{**said, "has_answer": own and said["content"] == one.fact} for said in _talk(one)]
            for one, own in [(person, True), *((other, False) for other in PEOPLE if other is not person)]
        ]
        rows.append({
            "question_id": f"{number:08x}",
            "question_type": kind,
            "question": person.question,
            "answer": person.answer,
            "question_date": "2023/06/20 (Tue) 10:00",
            "haystack_session_ids": [f"s{number}{place}" for place in range(len(sessions))],
            "haystack_dates": [f"2023/05/{20 + place} (Sat) 02:21" for place in range(len(sessions))],
            "haystack_sessions": sessions,
            "answer_session_ids": [f"s{number}0"],
        })
    return _json(path, rows)


def _personabench(folder: Path) -> str:
    community = folder / "community_0"
    documents: dict[str, list[dict[str, object]]] = {
        "conversation": [],
        "user_ai_interaction": [],
        "purchase_history": [],
    }
    asked, gold = [], []
    for number, person in enumerate(PEOPLE):
        about = {"session": "s---1", "time": f"2024/Oct/1{number}/07:44 AM"}
        likes = {**about, "segment_id": f"{number}0", "user_ai_interaction": [{"content": person.likes}]}
        fact = {**about, "segment_id": f"{number}1", "conversation": [{"content": person.fact}]}
        bought = {**about, "segment_id": f"{number}2", "purchase_history": [{"title": "A kettle"}]}
        friends = [{"Target_name": "A friend", "Conversations": [fact]}]
        documents["conversation"].append({"Name": person.name, "Data": friends})
        documents["user_ai_interaction"].append({"Name": person.name, "Data": [likes]})
        documents["purchase_history"].append({"Name": person.name, "Data": [bought]})
        kind = ("Basic information", "Social", "Preference", "Preference")[number]
        question = {"q_id": str(number), "question": person.question, "answer": person.answer, "type": kind}
        extra = {"difficulty": ("easy", "easy", "easy", "hard")[number], "outdated_value": None}
        asked.append({"Name": person.name, "Eval_Info": {"qa": [{**question, **extra}]}})
        gold.append({"q_id": str(number), "segment_id": {person.answer: [f"{number}1"]}})
    for kind, rows in documents.items():
        _json(community / "private_data" / "noise_0.5" / f"{kind}_data_all.json", rows)
    _json(community / "eval_info" / "eval_info_all.json", asked)
    _json(community / "eval_info" / "qa_gt_context_all_noise_0.5.json", gold)
    return str(folder)


def _personafeedback(folder: Path) -> str:
    personas = [
        {"Name": person.name, "Demographics": {"Job": person.work}, "Preference": {ABOUT: [person.topic]}}
        for person in PEOPLE
    ]
    _lines(folder / "persona" / "all_personas.jsonl", personas)
    pairs = [
        {"user_id": line, "question": person.wish, "chosen": person.replies[0], "reject": person.replies[1]}
        for line, person in enumerate(PEOPLE, 1)
    ]
    for task in ("spedific", "general"):
        for tier, half in (("easy", pairs[:2]), ("hard", pairs[2:])):
            _lines(folder / "data" / task / f"{tier}.jsonl", half)
    return str(folder)

"""What is the same in every call comes first in a prompt, and what is the user's last: servers keep beginnings in a cache."""

from collections import defaultdict
from datetime import UTC, datetime
from importlib.resources import files

import pytest

from answering import OPENINGS, PROMPTS, Answers
from limner import Limner
from limner.inference import load_prompt
from limner.settings import Settings
from limner.testing import HashEncoder

SLOWEST_FIRST = {
    "agents/ask": ["notes", "shortlist", "question"],
    "agents/decide": ["portrait", "wish", "best", "searches", "conditions"],
    "agents/fit": ["portrait", "wish", "item"],
    "agents/intent": ["question"],
    "agents/lead": ["portrait", "wish", "best", "steps"],
    "agents/reason": ["item", "facts"],
    "agents/note": ["kind", "sentence"],
    "agents/plot": ["plot"],
    "agents/portray": ["utterances"],
    "agents/seek": ["manner", "heard", "say"],
    "agents/tells": ["sentence"],
    "agents/wish": ["wish"],
    "profiles/lettingo/contrast": ["ratings"],
    "profiles/lettingo/explore": ["ratings"],
    "profiles/lettingo/judge": ["about", "item"],
    "profiles/lettingo/portrait": ["observations"],
    "profiles/entities/queries": ["interests", "page", "query"],
    "profiles/entities/query": ["page", "query", "interest"],
    "profiles/merge": ["notes"],
    "profiles/sharing/kind": ["note"],
    "profiles/sharing/needed": ["recipient", "purpose", "note"],
    "profiles/sharing/private": ["note"],
    "profiles/suggestions/helps": ["note", "suggestion"],
    "profiles/suggestions/step": ["note"],
    "profiles/suggestions/steps": ["today", "before", "notes"],
    "profiles/suggestions/weighs": ["note"],
    "profiles/summarise": ["task", "notes"],
    "profiles/carry": ["earlier", "later"],
    "profiles/recur": ["new"],
    "profiles/recur_all": ["task", "known", "new"],
    "profiles/propositions/clash": ["earlier", "later"],
    "profiles/propositions/exact": ["earlier", "later"],
    "profiles/propositions/gist": ["before", "sentence"],
    "profiles/propositions/lasting": ["note"],
    "profiles/propositions/look": ["text"],
    "profiles/propositions/orders": ["sentence"],
    "profiles/propositions/propose": ["lines"],
    "profiles/propositions/relate": ["pairs"],
    "profiles/propositions/replaces": ["earlier", "later"],
    "profiles/propositions/same": ["earlier", "later"],
    "profiles/propositions/support": ["drafts"],
    "profiles/propositions/supports": ["quote", "note"],
    "profiles/propositions/word": ["finding"],
}
"""The variables of each prompt, from what changes least from call to call to what changes most."""


def shipped() -> set[str]:
    """Name every prompt that limner itself asks with."""
    root = files("limner")
    rooms = (
        "agents",
        "profiles",
        "profiles/lettingo",
        "profiles/propositions",
        "profiles/sharing",
        "memory",
        "tools",
        "inference",
        "profiles/suggestions",
        "profiles/entities",
    )
    return {
        f"{room}/{path.name.removesuffix('.md')}"
        for room in rooms
        if root.joinpath(room, "prompts").is_dir()
        for path in root.joinpath(room, "prompts").iterdir()
        if path.name.endswith(".md")
    }


def test_every_prompt_has_an_order() -> None:
    assert shipped() == SLOWEST_FIRST.keys()


@pytest.mark.parametrize("name", sorted(SLOWEST_FIRST))
def test_the_stable_part_comes_first_and_what_changes_most_last(name: str) -> None:
    prompt, order = load_prompt(name), SLOWEST_FIRST[name]
    some, others = (
        prompt.messages(**{variable: f"{who} {variable} {who}" for variable in prompt.variables})
        for who in ("first", "second")
    )
    varying = [variable for variable in order if variable in prompt.variables]
    assert varying == order
    assert [m.text for m in some[:-1]] == [m.text for m in others[:-1]] or prompt.variables > set(order)
    last = some[-1].text
    places = [last.index(f"first {variable} first") for variable in order]
    assert places == sorted(places)
    # Behind the last variable only its own quotes or fence may close.
    assert not any(c.isalnum() for c in last[places[-1] + len(f"first {order[-1]} first") :])


LIVES = {
    "ada": ("I moved to Zwolle with my xylophone.", "I met Quenya, who plays the zither."),
    "bob": ("I breed yaks near Oaxaca.", "I dislike kumquats and jellyfish."),
}
WORDS = {
    "ada": ("Zwolle", "xylophone", "Quenya", "zither"),
    "bob": ("yaks", "Oaxaca", "kumquats", "jellyfish"),
}


def proposed(last: str) -> dict[str, object]:
    number = last.count("\n[") or 1
    text = "The user said something."
    told = {"reasoning": "Said.", "text": text, "evidence": [number], "confidence": 7, "durability": 5}
    return {"statements": [told]}


@pytest.mark.parametrize("plan", ["small", "batch"])
def test_no_call_of_a_whole_life_has_the_user_before_its_last_message(plan: str, tmp_path) -> None:
    said = {text: "The user " + text.removeprefix("I ") for texts in LIVES.values() for text in texts}
    relate = {"labels": [{"pair": 1, "relation": "unrelated"}]}
    answers = Answers(
        said=said,
        replies={
            "ask": "That I do not know.",
            "merge": "The user lives somewhere.",
            "summarise": {"sentences": [{"text": "The user lives somewhere.", "notes": [1]}]},
            "propose": proposed,
            "relate": lambda last: relate,
        },
    )
    with Limner.open(
        settings=Settings(home=tmp_path, dataset=None), model=answers.model(plan=plan), encoder=HashEncoder()
    ) as limner:
        for day, user in enumerate(LIVES, start=1):
            person = limner.user(user)
            for text in LIVES[user]:
                person.observe(text, occurred_at=datetime(2026, 5, day, tzinfo=UTC))
            person.reflect()
            person.portrait("summary")
            person.ask(f"Do I like {WORDS[user][0]}?")
    beginnings = defaultdict(set)
    for name, messages in answers.asked:
        *stable, last = messages
        assert not any(word in m.text for m in stable for words in WORDS.values() for word in words), name
        beginnings[name].add(tuple(m.text for m in stable))
        assert last.type == "human"
    asked = {"small": {"gist", "lasting", "merge"}, "batch": {"propose", "summarise"}}[plan] | {"ask"}
    assert asked <= beginnings.keys() <= OPENINGS.keys() <= PROMPTS.keys()
    # The same for both users: computed once.
    assert {name for name, found in beginnings.items() if len(found) > 1} == set()

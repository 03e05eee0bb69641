"""limner's own memory, under test like the others: on a scripted model and a hashing encoder."""

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from answering import CHOICE, Answers
from contracts.memory_system_contract import HOBBIES, START, MemorySystemContract, session
from limner.errors import ConfigurationError, ModelError
from limner.evals.memories import memory
from limner.evals.memories.limner import LimnerMemory, Variant, _fingerprint
from limner.evals.records import Turn
from limner.settings import Settings
from limner.testing import HashEncoder

STAMPS, SISTER, SOUP = HOBBIES[0], HOBBIES[2], HOBBIES[4]


def noted(last: str) -> str:
    """Make a note of any sentence."""
    if CHOICE in last:
        return "The user"
    return f"The user says: {json.loads(re.search(r'^Sentence: (.*)$', last, re.MULTILINE)[1])}"


def noting(**replies) -> Answers:
    return Answers(replies={"gist": noted, "merge": "The user collects stamps and cooks soup.", **replies})


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """The folder of an empty store: copied, since making one takes longer than most tests."""
    cache = tmp_path_factory.mktemp("store")
    LimnerMemory(Settings(cache=cache), model=noting().model(), encoder=HashEncoder()).close()
    (home,) = (cache / "evals" / "limner").iterdir()
    return home


@pytest.fixture
def opened(tmp_path, empty_store):
    """Returns a memory in a cache of its own; a second one of the same name is the same store opened again."""
    systems: list[LimnerMemory] = []

    def make(variant="", answers=None, *, cache="cache", **changes) -> LimnerMemory:
        settings = Settings(cache=tmp_path / cache, **changes)
        model = (answers or noting()).model()
        home = settings.cache / "evals" / "limner" / _fingerprint(settings, model)
        if not home.exists():
            shutil.copytree(empty_store, home)
        systems.append(LimnerMemory(settings, variant, model, encoder=HashEncoder()))
        return systems[-1]

    yield make
    for system in systems:
        system.close()


@pytest.mark.parametrize("variant", ["propositions", "observations"])
class TestContract(MemorySystemContract):
    verbatim = False  # turns are dated apart by a second, so that their order is kept

    @pytest.fixture
    def make_system(self, opened, variant):
        numbers = iter(range(9))
        return lambda: opened(variant, cache=f"cache {next(numbers)}")

    def test_user_ids_are_any_text(self, system) -> None:
        users = ["a/b", "a b", "ä", "日本", "a:b", "A/B", "x" * 256]  # a user's id in limner is no longer
        for number, user in enumerate(users):
            system.add(user, [Turn(f"My number is word{number}.")], START)
        for number, user in enumerate(users):
            (found,) = system.search(user, f"What is the number word{number}?", 5)
            assert f"word{number}" in found.text


def test_propositions_rest_on_turns(opened) -> None:
    system = opened()
    system.add("ada", session(HOBBIES, START), START)
    found = system.search("ada", "Who collects stamps from Peru?", 5)
    assert {(one.text, one.ids, one.role) for one in found} == {
        (f"The user says: {text}", (f"d1:{number}",), None)
        for number, text in ((1, STAMPS), (3, SISTER.replace("in May", f"in May {START:%Y}")), (5, SOUP))
    }
    assert found[0].ids == ("d1:1",)


def test_observations_are_turns_and_ask_no_model(opened) -> None:
    answers = noting()
    system = opened("observations", answers)
    assert not system.asks_model
    system.add("ada", session(HOBBIES, START), START)
    found = system.search("ada", "a lovely hobby, Ana and Lisbon", 5)
    assert {(one.ids, one.role) for one in found} >= {(("d1:2",), "assistant"), (("d1:3",), "user")}
    assert found[0].at is not None
    assert answers.asked == []


def test_recall_gives_what_the_user_said_where_no_proposition_says_it(opened) -> None:
    def silent_on_soup(last: str) -> str:
        return "-" if "soup" in last else noted(last)

    system = opened("recall", noting(gist=silent_on_soup))
    system.add("ada", session(HOBBIES, START), START)
    found = system.search("ada", "stamps from Peru, Ana in Lisbon, lentil soup with cumin", 9)
    assert sorted((one.ids, one.role) for one in found if one.role is None) == [
        (("d1:1",), None),
        (("d1:3",), None),
    ]
    assert [(one.ids, one.text) for one in found if one.role is not None] == [(("d1:5",), SOUP)]


def test_the_summary_counts_as_one_passage(opened) -> None:
    system = opened("summary")
    system.add("ada", session(HOBBIES, START), START)
    (summary,) = system.search("ada", "stamps", 5)
    assert (summary.role, summary.score) == (None, None)
    assert set(summary.ids) <= {"d1:1", "d1:3", "d1:5"}
    assert system.search("ada", "stamps", 0) == []
    both = opened("both")
    both.add("ada", session(HOBBIES, START), START)
    assert [one.text for one in both.search("ada", "stamps", 1)] == [summary.text]
    assert [len(both.search("ada", "stamps", k)) for k in (0, 2, 3)] == [0, 2, 3]


def test_ask_gives_what_is_put_before_a_model(opened) -> None:
    system = opened("ask")
    system.add("ada", session(HOBBIES, START), START)
    found = system.search("ada", "Who collects stamps from Peru?", 1)
    assert any("Peru" in one.text for one in found)
    assert all(set(one.ids) <= {f"d1:{n}" for n in range(1, 6)} for one in found)


def test_users_are_kept_apart(opened) -> None:
    system = opened()
    system.add("ada", session(HOBBIES, START), START)
    system.add("bob", session(("I play the oboe.",), START, "e1"), START)
    assert [one.ids for one in system.search("bob", "stamps, oboe", 9)] == [("e1:1",)]
    assert not any("oboe" in one.text for one in system.search("ada", "stamps, oboe", 9))


@pytest.mark.parametrize("variant", ["propositions", "ask"])
def test_what_was_taken_in_before_is_not_asked_about_again(opened, variant) -> None:
    def run() -> tuple[list, int]:
        answers = noting()
        system = opened(variant, answers)
        for name, texts in (("d1", HOBBIES), ("d2", (STAMPS,))):
            system.add("ada", session(texts, START, name), START)
        found = list(system.search("ada", "Who collects stamps?", 9))
        system.close()
        return found, answers.calls["gist"]

    (first, calls), (again, calls_again) = run(), run()
    assert calls > 0
    assert calls_again == 0
    assert [(one.text, one.ids) for one in again] == [(one.text, one.ids) for one in first]


def test_the_order_of_a_history_without_dates_is_kept(opened) -> None:
    system = opened("observations")
    system.add(
        "ada", [Turn("I like tea."), Turn("   "), Turn("Be kind.", "system"), Turn("I like tea a lot.")], None
    )
    system.add("ada", [Turn("I like tea no more.")], None)
    found = sorted(system.search("ada", "tea", 9), key=lambda one: one.at)
    assert [one.text for one in found] == ["I like tea.", "I like tea a lot.", "I like tea no more."]


def test_turns_of_one_session_keep_its_time_and_their_order(opened) -> None:
    system = opened("observations")
    noon = datetime(2024, 3, 1, 12, tzinfo=UTC)
    system.add("ada", [Turn("I like tea."), Turn("I like tea much.")], noon)
    found = sorted(system.search("ada", "tea", 9), key=lambda one: one.at)
    assert [one.text for one in found] == ["I like tea.", "I like tea much."]
    assert found[1].at - noon < timedelta(minutes=1)


class Away(Answers):
    """Does not answer at all, until it is told that it is there."""

    there = False

    def __call__(self, messages):
        return super().__call__(messages) if self.there else TimeoutError()


def test_a_model_that_is_away_is_an_error_and_nothing_is_lost(opened) -> None:
    answers = Away(replies={"gist": noted})
    system = opened("", answers)
    system.add("ada", session(HOBBIES, START), START)
    for _ in range(4):
        with pytest.raises(ModelError):
            system.search("ada", "stamps", 9)
    answers.there = True
    assert len(system.search("ada", "stamps", 9)) == 3


def test_what_failed_too_often_is_an_error_each_time_and_tried_again(opened) -> None:
    broken = [True]

    def gist(last: str):
        return ValueError("no answer") if broken[0] and "Peru" in last else noted(last)

    system = opened("", Answers(replies={"gist": gist}), max_attempts=1)
    system.add("ada", session((STAMPS,), START), START)
    for _ in range(2):
        with pytest.raises(ModelError):
            system.search("ada", "stamps", 9)
    broken[0] = False
    (found,) = system.search("ada", "stamps", 9)
    assert found.ids == ("d1:1",)


@pytest.mark.parametrize("variant", get_args(Variant))
def test_nobody_and_nothing_asked_find_nothing(opened, variant) -> None:
    system = opened(variant)
    assert list(system.search("nobody", "tea", 3)) == []
    system.add("ada", [Turn("I like tea.")], START)
    assert list(system.search("ada", " ", 3)) == []


def test_an_unknown_variant_names_those_there_are(tmp_path) -> None:
    with pytest.raises(ConfigurationError, match="limner:propositions, limner:recall"):
        memory("limner:dreams", Settings(cache=tmp_path))


def test_the_store_depends_on_all_that_a_portrait_depends_on(tmp_path) -> None:
    model = noting().model()
    plain = _fingerprint(Settings(), None)
    assert plain == _fingerprint(Settings(cache=tmp_path), None)
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "gist.md").write_text("one")
    own = Settings(prompts=prompts)
    prints = [plain, _fingerprint(Settings(), model), _fingerprint(own, None)]
    (prompts / "gist.md").write_text("two")
    prints.append(_fingerprint(own, None))
    changes = [
        {"model": "other"},
        {"temperature": 0.7},
        {"encoder": "other"},
        {"base_url": "http://localhost:1/v1"},
    ]
    prints += [_fingerprint(Settings(**change), None) for change in changes]
    prints.append(_fingerprint(Settings(), noting().model(plan="batch")))
    assert len(set(prints)) == len(prints)

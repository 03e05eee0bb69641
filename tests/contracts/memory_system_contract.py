"""What every memory under comparison does; subclass it and give it a `system` fixture."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from limner.evals.memories.protocol import MemorySystem
from limner.evals.records import Passage, Turn

__all__ = ["MemorySystemContract"]

START = datetime(2023, 5, 8, 13, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOBBIES = (
    "I have started to collect old stamps from Peru.",
    "That sounds like a lovely hobby!",
    "My sister Ana moved to Lisbon in May.",
    "Ana must enjoy the sea in Lisbon.",
    "For dinner I cook lentil soup with cumin.",
)


def session(texts: tuple[str, ...], start: datetime, name: str = "d1") -> list[Turn]:
    return [
        Turn(text, "assistant" if i % 2 else "user", id=f"{name}:{i + 1}", at=start + timedelta(minutes=i))
        for i, text in enumerate(texts)
    ]


class MemorySystemContract:
    finds = True
    """Whether it gives back anything at all."""
    ranks = True
    """Whether what answers the query comes first."""
    respects_k = True
    verbatim = True
    """Whether passages are turns, word for word, with role, id and time."""

    @pytest.fixture
    def make_system(self) -> Callable[[], MemorySystem]:
        """Return a function that gives an empty memory, a new one each time."""
        raise NotImplementedError

    @pytest.fixture
    def system(self, make_system) -> MemorySystem:
        return make_system()

    def test_is_a_memory_system_that_says_what_it_is(self, system) -> None:
        assert isinstance(system, MemorySystem)
        version = getattr(system, "version", "unversioned")
        assert isinstance(version, str)
        assert version

    def test_an_empty_memory_finds_nothing(self, system) -> None:
        assert list(system.search("ada", "What does she collect?", 5)) == []

    def test_a_session_without_messages_adds_nothing(self, system) -> None:
        system.add("ada", [], START)
        assert list(system.search("ada", "What does she collect?", 5)) == []

    def test_what_was_said_is_found(self, system) -> None:
        system.add("ada", session(HOBBIES, START), START)
        found = system.search("ada", "Who collects stamps from Peru?", 5)
        if not self.finds:
            assert list(found) == []
            return
        assert all(isinstance(passage, Passage) and passage.text for passage in found)
        assert any("Peru" in passage.text for passage in found)

    def test_the_nearest_comes_first(self, system) -> None:
        if not self.ranks:
            pytest.skip("this memory does not rank")
        system.add("ada", session(HOBBIES, START), START)
        for query, best in (("stamps from Peru", "stamps"), ("cumin lentil soup", "lentil")):
            assert best in system.search("ada", query, 3)[0].text

    def test_passages_say_which_turns_they_are(self, system) -> None:
        if not (self.finds and self.verbatim):
            pytest.skip("this memory does not give turns")
        turns = session(HOBBIES, START)
        system.add("ada", turns, START)
        found = system.search("ada", "Ana in Lisbon with old stamps and soup", 5)
        assert found
        by_id = {turn.id: turn for turn in turns}
        for passage in found:
            assert len(passage.ids) == 1
            turn = by_id[passage.ids[0]]
            assert (passage.text, passage.role, passage.at) == (turn.text, turn.role, turn.at)
        assert len({passage.ids for passage in found}) == len(found)

    def test_turns_without_id_or_time_have_none_made_up(self, system) -> None:
        if not (self.finds and self.verbatim):
            pytest.skip("this memory does not give turns")
        system.add("ada", [Turn("I like tea.")], None)
        (passage,) = system.search("ada", "tea", 3)
        assert (passage.text, passage.ids, passage.role, passage.at) == ("I like tea.", (), "user", None)

    def test_a_turn_takes_the_time_of_its_session(self, system) -> None:
        if not (self.finds and self.verbatim):
            pytest.skip("this memory does not give turns")
        system.add("ada", [Turn("I like tea.")], START)
        (passage,) = system.search("ada", "tea", 3)
        assert passage.at == START

    def test_k_is_the_most_that_comes(self, system) -> None:
        if not self.respects_k:
            pytest.skip("this memory gives everything")
        system.add("ada", session(HOBBIES, START), START)
        for k in (0, 1, 2, 50):
            assert len(system.search("ada", "Ana collects stamps", k)) <= k

    def test_users_do_not_mix(self, system) -> None:
        system.add("ada", session(HOBBIES, START), START)
        assert list(system.search("bob", "stamps from Peru", 5)) == []
        system.add("bob", session(("I play the oboe in a brass band.",), START), START)
        for user, foreign in (("ada", "oboe"), ("bob", "Peru")):
            for query in ("stamps from Peru", "oboe brass band"):
                assert not any(foreign in passage.text for passage in system.search(user, query, 9))

    def test_user_ids_are_any_text(self, system) -> None:
        users = ["a/b", "a b", "ä", "日本", "a:b", "A/B", "x" * 300]
        for number, user in enumerate(users):
            system.add(user, [Turn(f"My number is word{number}.")], START)
        for number, user in enumerate(users):
            found = system.search(user, f"What is the number word{number}?", 5)
            assert [f"word{number}" in passage.text for passage in found] == [True] * self.finds

    @pytest.mark.parametrize("query", ["", "   ", "?!", "\n"])
    def test_a_query_without_words_is_no_error(self, system, query) -> None:
        system.add("ada", session(HOBBIES, START), START)
        assert len(system.search("ada", query, 3)) <= (3 if self.respects_k else len(HOBBIES))

    def test_any_text_may_be_kept_and_asked(self, system) -> None:
        texts = (
            "Ich mag Käse 🧀 und Grüße.",
            "我喜欢绿茶。",
            "أحب الشاي",
            "tab\tand\nline",
            "'\"; DROP TABLE --",
        )
        system.add("ada", session(texts, START), START)
        for query in ("Käse", "绿茶", "الشاي", "🧀", "'\"; DROP", "%_*"):
            assert len(system.search("ada", query, 5)) <= len(texts)
        if self.finds:
            assert any("Käse" in passage.text for passage in system.search("ada", "KÄSE", 5))

    def test_a_turn_without_words_does_not_hide_the_others(self, system) -> None:
        system.add("ada", [Turn(""), Turn("…"), Turn("I collect stamps.")], START)
        if self.finds:
            assert any("stamps" in passage.text for passage in system.search("ada", "stamps", 3))

    def test_what_is_added_later_is_found(self, system) -> None:
        system.add("ada", session(HOBBIES, START), START)
        system.search("ada", "What instrument does she play?", 3)
        system.add("ada", session(("I play the oboe now.",), START + DAY, "d2"), START + DAY)
        if self.finds:
            assert any("oboe" in passage.text for passage in system.search("ada", "Who plays the oboe?", 3))

    def test_the_same_question_gives_the_same_answer(self, make_system) -> None:
        def run() -> list[Passage]:
            system = make_system()
            system.add("ada", session(HOBBIES, START), START)
            return [*system.search("ada", "Ana's stamps", 5), *system.search("ada", "Ana's stamps", 5)]

        first = run()
        half = len(first) // 2
        assert first[:half] == first[half:]
        if self.verbatim:
            assert run() == first

    def test_equal_turns_come_in_the_order_of_time(self, system) -> None:
        if not (self.finds and self.verbatim):
            pytest.skip("this memory does not give turns")
        same = ("I like tea.",)
        system.add("ada", session(same, START + DAY, "late"), START + DAY)
        system.add("ada", session(same, START, "early"), START)
        found = system.search("ada", "tea", 2)
        assert [passage.ids for passage in found] == [("early:1",), ("late:1",)]

"""One conversation between a scripted seeker and a scripted system, and what many of them add up to."""

import pytest

from contracts.recommender_data import catalogue
from limner.agents.conversation.question import Question
from limner.agents.simulators.seeker import Said
from limner.errors import InputError, ModelUnavailable
from limner.evals.conversation.cases import Case
from limner.evals.conversation.measuring import stated
from limner.evals.conversation.playing import Played, played
from limner.evals.conversation.running import Kept, run
from limner.evals.conversation.systems import Replied
from limner.evals.conversation.transcripts import in_words
from limner.tools import Item

FILMS = catalogue()
IDS = FILMS.ids
QUESTION = Question(attribute="genre", options=("Horror",), conditions=("genre in {Horror}",), text="Horror?")


def case(name="1", target=IDS[5], history=IDS[:2]):
    return Case(id=name, person=name, history=tuple(history), events=(), targets=(target,), seed=0)


class Scripted:
    """A seeker with given turns, who takes the target when it is shown."""

    def __init__(self, target, *turns):
        self.target, self.turns, self.heard = target, list(turns), []

    async def open(self):
        return self._next()

    async def answer(self, heard):
        self.heard.append(heard)
        if any(item.id == self.target for item in heard.items):
            return Said("That one!", accepted=self.target)
        return self._next()

    def _next(self):
        turn = self.turns.pop(0) if self.turns else "go on"
        if isinstance(turn, Exception):
            raise turn
        return turn if isinstance(turn, Said) else Said(turn)


class Replies:
    """A system with given replies: ids to show, a question, or an error."""

    name = "scripted"

    def __init__(self, *replies):
        self.replies, self.heard, self.closed = list(replies), [], 0

    async def begin(self, case):
        return self

    async def say(self, text):
        self.heard.append(text)
        reply = self.replies.pop(0) if self.replies else ()
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, Question):
            return Replied(reply.text, question=reply)
        items = tuple(FILMS.get(i) if i in FILMS else Item(id=i) for i in reply)
        return Replied("How about these?", items)

    async def close(self):
        self.closed += 1


def no_leak(text):
    return None


async def had(system, *turns, of=None, leaks=no_leak, limit=5):
    of = of or case()
    return await played(system, of, Scripted(of.targets[0], *turns), FILMS, leaks, limit)


async def test_a_conversation_ends_when_a_target_is_shown():
    system = Replies(QUESTION, IDS[2:5], (IDS[6], IDS[5]), IDS[7:9])
    one = await had(system, "hello", "horror", "no")
    assert (one.turn, one.rank, one.taken, one.failed) == (3, 2, IDS[5], None)
    assert [e.said for e in one.exchanges] == system.heard == ["hello", "horror", "no"]
    assert [e.asked for e in one.exchanges] == ["genre", None, None]
    assert one.last == "That one!"
    assert (one.repeated, one.outside, one.known, system.closed) == (0, 0, 0, 1)


async def test_five_turns_and_no_more():
    system = Replies()
    one = await had(system)
    assert (len(system.heard), one.turn, one.gave_up) == (5, None, False)
    assert len((await had(Replies(), limit=2)).exchanges) == 2


async def test_what_must_not_be_shown_is_counted():
    one = await had(Replies((IDS[2], IDS[2]), (IDS[2], IDS[0], "nowhere")))
    assert (one.repeated, one.known, one.outside) == (2, 1, 1)


async def test_a_leak_voids_the_conversation_before_the_system_hears_it():
    system = Replies(IDS[2:4])
    one = await had(system, "hello", "I mean Alien", leaks=lambda text: "Alien" if "Alien" in text else None)
    assert (one.leak, one.counts, system.heard) == ("Alien", False, ["hello"])
    # To name what has been shown gives nothing away, and neither does a last word that nobody hears.
    telling = Replies((IDS[5],))
    found = await had(telling, leaks=lambda text: text if text == "That one!" else None)
    assert (found.turn, found.leak) == (1, None)


async def test_a_seeker_who_goes_ends_it():
    system = Replies(IDS[2:4])
    one = await had(system, "hello", Said("Never mind.", gave_up=True))
    assert (one.gave_up, one.last, len(one.exchanges), one.turn) == (True, "Never mind.", 1, None)


@pytest.mark.parametrize("script", [("hello", InputError("no word")), ("hello",)])
async def test_an_error_of_either_is_kept_and_counts_as_not_found(script):
    replies = [IDS[2:4], InputError("no list")]
    system = Replies(*replies)
    one = await had(system, *script)
    assert one.failed in {"InputError: no word", "InputError: no list"}
    assert (one.turn, one.counts, system.closed) == (None, True, 1)


async def test_an_endpoint_that_is_down_and_a_fault_of_ours_are_no_results():
    with pytest.raises(ModelUnavailable):
        await had(Replies(ModelUnavailable("down")))
    with pytest.raises(ZeroDivisionError) as fault:
        await had(Replies(ZeroDivisionError("ours")))
    assert fault.value.__notes__ == ["In conversation 1 with scripted."]


def result(name, system, turn=None, rank=None, person=None, **more):
    return Played(
        case=name,
        person=person or name,
        system=system,
        targets=("t",),
        exchanges=(),
        turn=turn,
        rank=rank,
        **more,
    )


def report_of(*results, turns=5, show=10):
    kept = {(one.case, one.system): one for one in results}
    about = {"seed": 0, "turns": turns, "show": show, "cases": list(dict.fromkeys(r.case for r in results))}
    return stated(about, list(dict.fromkeys(r.system for r in results)), kept, "here")


def test_success_is_cumulative_over_turns_and_lists():
    report = report_of(
        result("1", "a", 1, 1), result("2", "a", 3, 7), result("3", "a", 5, 4), result("4", "a")
    )
    (figures,) = report.systems
    values = {k: [one.value for one in by_turn] for k, by_turn in figures.success.items()}
    assert values == {
        "1": [0.25] * 5,
        "5": [0.25, 0.25, 0.25, 0.25, 0.5],
        "10": [0.25, 0.25, 0.5, 0.5, 0.75],
    }
    assert figures.turns.value == (1 + 3 + 5 + 5) / 4
    assert figures.success["10"][-1].low <= 0.75 <= figures.success["10"][-1].high
    assert list(report_of(result("1", "a"), show=3).systems[0].success) == ["1"]


def test_void_conversations_count_nowhere_and_failures_as_not_found():
    figures = report_of(
        result("1", "a", 1, 1), result("2", "a", leak="it"), result("3", "a", failed="broken", repeated=2)
    ).systems[0]
    assert (figures.conversations, figures.void, figures.failures, figures.repeated) == (2, 1, 1, 2)
    assert figures.success["10"][-1].value == 0.5


def test_a_difference_is_over_the_conversations_of_both():
    pairs = [(str(n), n % 3 != 0, n % 2 == 0) for n in range(60)]
    a = [result(n, "a", *((1, 1) if hit else (None, None))) for n, hit, _ in pairs]
    b = [result(n, "b", *((2, 3) if hit else (None, None))) for n, _, hit in pairs]
    b[1] = result("1", "b", leak="it")
    first, second = report_of(*a, *b).systems
    assert first.contrasts == ()
    (contrast,) = second.contrasts
    assert (contrast.against, contrast.conversations) == ("a", 59)
    assert contrast.success.value == pytest.approx((30 - 39) / 59)
    assert contrast.success.low < contrast.success.value < contrast.success.high
    assert 0 < contrast.success.p < 1
    assert contrast.turns.value > 0


def test_conversations_of_one_person_are_no_independent_ones():
    alone = [result(str(n), "a", *((1, 1) if n // 4 % 2 else (None, None))) for n in range(40)]
    shared = [one.model_copy(update={"person": str(int(one.case) // 4)}) for one in alone]
    intervals = [report_of(*results).systems[0].success["10"][-1] for results in (alone, shared)]
    width = [one.high - one.low for one in intervals]
    assert width[1] > 1.5 * width[0]


async def test_what_is_kept_is_not_played_again(tmp_path):
    talked = []

    def cast(of):
        talked.append(of.id)
        return Scripted(of.targets[0], "hello"), no_leak

    cases = [case(str(n)) for n in range(6)]
    kept = Kept(tmp_path)
    await run([Replies()], cases[:3], cast, FILMS, kept)
    again = Kept(tmp_path)
    assert again.played == kept.played
    assert len(again.played) == 3
    await run([Replies()], cases, cast, FILMS, again)
    assert sorted(talked) == [str(n) for n in range(6)]
    with (tmp_path / "conversations.jsonl").open("ab") as file:
        file.write(b'{"case": "7", "pers')
    assert len(Kept(tmp_path).played) == 6
    (tmp_path / "conversations.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match="no played of this run"):
        Kept(tmp_path)


async def test_a_transcript_says_who_looked_for_what_and_how_it_ended():
    one = await had(Replies(QUESTION, (IDS[6], IDS[5])), "hello", "horror")
    text = in_words(one, FILMS)
    assert f"looks for: {FILMS.get(IDS[5]).title}" in text
    assert "1  seeker: hello" in text
    assert "[asks for genre]" in text
    assert f"*{FILMS.get(IDS[5]).title}" in text
    assert text.endswith("found in turn 2, in place 2")
    assert in_words(one.model_copy(update={"turn": None, "leak": "it"}), FILMS).endswith("with 'it'")

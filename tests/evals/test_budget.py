"""Budgets: what the arms put before a model, what is asked, and what is stated."""

import json

import pytest

from answering import CHOICE, Answers
from limner.errors import InputError
from limner.evals.budget.arms import Arm, Spread, arms
from limner.evals.budget.reporting import written
from limner.evals.budget.running import Asked, foretold, run
from limner.evals.budget.stating import BudgetReport, claims, points
from limner.evals.budget.tasks import BudgetTask, _half_of, budget_tasks
from limner.evals.memories.limner import LimnerMemory
from limner.evals.records import Asked as Prompted
from limner.evals.records import Benchmark, Marked, Question, Turn
from limner.evals.running import Feeder
from limner.memory.records import Portrait, PortraitLine
from limner.settings import Settings
from limner.testing import HashEncoder

TURNS = [
    Turn("I collect stamps from Peru.", "user", "t0"),
    Turn("How nice.", "assistant", "t1"),
    Turn("What is the capital of Peru?", "user", "t2"),
    Turn("It is Lima.", "assistant", "t3"),
]
NOTE = "The user collects stamps from Peru."


def words(text: str) -> int:
    return len(text.split())


def benchmark() -> Benchmark:
    def ask(question, passages):
        known = "\n".join(one.text for one in passages)
        return Prompted((("user", f"{known}\n{question.text}"),), ("A", "B"), "letter")

    def mark(question, answer):
        return Marked({"correct": float(answer.text == question.target[0])})

    questions = [Question(f"q{n}", "Which stamps?", ("A",), "h", cluster="ada") for n in range(2)]
    return Benchmark("stamps", questions, ("accuracy",), mark, {"h": TURNS}, ask)


def answering() -> Answers:
    """Finds the stamps in what was said, and answers A where the prompt tells of them."""

    def recur(last):
        told = "stamps" in last
        return ("The user" if told else "-") if CHOICE in last else NOTE

    return Answers(replies={"recur": recur, "carry": "-"})


@pytest.fixture
def memory(tmp_path):
    opened = LimnerMemory(
        Settings(cache=tmp_path), "observations", answering().model(), encoder=HashEncoder()
    )
    yield opened
    opened.close()


@pytest.fixture
def spread(memory):
    feeder = Feeder(benchmark(), memory, 1)
    feeder.search(benchmark().questions[0])
    id = feeder.user("h")
    portrait = Portrait(user_id=id, kind="recurrent", lines=(PortraitLine(text=NOTE),))

    def made(window=100):
        return Spread(
            memory.store.user(id), TURNS, portrait, lambda ids: memory.turns_of(id, ids), words, window
        )

    return made


def test_each_arm_shows_what_it_is_named_for_within_its_budget(spread):
    def shown(way, budget=0):
        return [one.text for one in spread().known(Arm(way, budget), "Which stamps?").passages]

    assert shown("none") == []
    assert shown("full") == [turn.text for turn in TURNS]
    assert shown("recent", 5) == ["How nice.", "What is the capital of Peru?", "It is Lima."][2:]
    assert shown("summary", 20) == [NOTE]
    assert shown("summary", 3) == []
    found = shown("retrieval", 12)
    assert TURNS[0].text in found
    assert NOTE not in found
    both = shown("both", 40)
    assert both[0] == NOTE
    assert TURNS[0].text in both


def test_a_history_that_does_not_fit_is_cut_and_marked(spread):
    known = spread(window=9).known(Arm("full"), "Which stamps?")
    assert [one.text for one in known.passages] == [turn.text for turn in TURNS[2:]]
    assert not known.whole
    assert spread().known(Arm("full"), "Which stamps?").whole


def test_what_is_found_names_its_turn_and_the_summary_none(spread):
    passages = spread().known(Arm("both", 100), "Which stamps?").passages
    assert [one.ids for one in passages if one.text == TURNS[0].text] == [("t0",)]
    assert passages[0].ids == ()


async def test_every_question_is_asked_with_every_arm(memory):
    asked = []

    class Reader(Answers):
        def __call__(self, messages):
            if len(messages) > 1:
                return super().__call__(messages)
            asked.append(messages[-1].text)
            return "A" if "stamps from Peru" in messages[-1].text else "B"

    model = Reader(replies=answering().replies).model()
    task = BudgetTask("stamps", benchmark(), benchmark().questions)
    tried = arms([4, 90], ways=("none", "retrieval", "summary", "both"))
    found, cost = await run(task, tried, model, memory)
    assert len(found) == 2 * 7 == len(asked)
    told = {(one.way, one.budget): one.quality for one in found}
    wrong = {arm for arm, quality in told.items() if quality == 0}
    assert wrong == {
        ("none", 0),
        ("retrieval", 4),
        ("summary", 4),
        ("both", 4),
    }  # nothing fits into four tokens
    assert [(one.way, one.budget) for one in found[::2]] == [(arm.way, arm.budget) for arm in tried]
    assert found[0].tokens < found[-1].tokens
    assert cost.calls > len(asked)
    again, _ = await run(task, tried, model, memory)
    assert again == found
    assert [line.split(":")[0] for line in foretold([task], tried)] == ["stamps"]


def item(question, way, budget, quality, tokens, task="stamps"):
    return Asked(
        task=task,
        way=way,
        budget=budget,
        share=0.5,
        question=question,
        group=None,
        cluster=question,
        quality=quality,
        correct=round(quality),
        tokens=tokens,
        whole=True,
    )


def answers_of(gain, task="stamps"):
    found = []
    for n in range(40):
        base = 0.3 + 0.01 * n
        found += [
            item(f"q{n}", "none", 0, 0.2, 100, task),
            item(f"q{n}", "retrieval", 240, base, 300, task),
            item(f"q{n}", "both", 60, base + gain + 0.01 * (n % 3 - 1), 150, task),
        ]
    return found


@pytest.mark.parametrize(("gain", "holds"), [(0.0, True), (-0.04, True), (-0.06, False), (0.1, True)])
def test_as_good_means_that_the_interval_lies_above_the_margin(gain, holds):
    (claim,) = claims(answers_of(gain), 0.05, seed=0)
    assert (claim.both, claim.retrieval, claim.n, claim.tokens) == (60, 240, 40, 0.25)
    assert claim.low <= claim.difference <= claim.high
    assert claim.difference == pytest.approx(gain, abs=0.001)
    assert claim.holds is holds


def test_several_tasks_are_also_stated_together():
    found = claims([*answers_of(0.0), *answers_of(0.0, "more")], 0.05, seed=0)
    assert [(one.task, one.n) for one in found] == [("stamps", 40), ("more", 40), ("all", 80)]


def test_a_point_tells_what_its_arm_adds_to_the_prompt():
    found = {one.arm: one for one in points(answers_of(0.0), seed=0)}
    assert found["none"].known_tokens == 0
    assert found["retrieval, 240"].known_tokens == 200
    assert found["both, 60"].tokens == 150
    assert found["both, 60"].low < found["both, 60"].quality < found["both, 60"].high


def test_figures_and_plot_are_written(tmp_path):
    pytest.importorskip("matplotlib")
    asked = answers_of(0.0)
    report = BudgetReport(
        limner="0",
        started="2026-01-01T00:00:00Z",
        model="scripted",
        half="dev",
        seed=0,
        limit=None,
        exchanges=8,
        budgets=(60, 240),
        margin=0.05,
        data={},
        prompts={},
        points=points(asked, 0),
        claims=claims(asked, 0.05, 0),
        cost={},
        asked=asked,
    )
    figures, plot = written(report, tmp_path / "out")
    assert BudgetReport.model_validate_json(figures.read_text()) == report
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert json.dumps(report.summary())
    assert report.summary()["claims"][0]["holds"] is True


def test_halves_part_the_customers_and_something_must_be_asked():
    names = [f"customer {n}" for n in range(200)]
    dev = [name for name in names if _half_of(name) == "dev"]
    assert 60 < len(dev) < 140
    with pytest.raises(InputError, match="PrefEval"):
        budget_tasks()
    with pytest.raises(InputError, match="dev and report"):
        budget_tasks(half="both")

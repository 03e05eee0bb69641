"""Benchmarks as tasks of inspect_ai: what is asked, kept, counted and stated."""

import hashlib
import inspect
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage

from limner.errors import ContextOverflow, InputError, ModelError
from limner.evals import launching
from limner.evals.asking import notes, prompted
from limner.evals.estimating import foretold
from limner.evals.launching import Run, launched, retried
from limner.evals.logs import read_result, read_results, result_of_log
from limner.evals.records import Asked, Benchmark, Marked, Method, Question, Turn
from limner.evals.registry import BENCHMARKS, Entry, benchmarks
from limner.inference import load_prompt

pytest.importorskip("inspect_ai")

from inspect_ai import eval as run_eval
from inspect_ai.model import ModelOutput, ModelUsage, get_model

from limner.evals.inspecting import TASKS
from limner.evals.task import benchmark_task, loaded, registered_task

OPTIONS = ("tea", "beer")
AT = datetime(2024, 3, 1, 12, tzinfo=UTC)
PROMPT = "evals/prefeval/reply"


def drinks(
    data: str = "", *, seed: int = 0, method: Method = "constrained", free: bool = False, size: int = 4
) -> Benchmark:
    """What does each of some people drink? Every second one drinks beer."""
    questions = [
        Question(
            id=f"q{number}",
            text=f"What does person {number} drink?",
            target=(OPTIONS[number % 2],),
            history=f"h{number // 2}",
            group=("even", "odd")[number % 2],
            details={
                "groups": {"half": "first" if number < size / 2 else "second"},
                "floors": {"beer": number % 2},
            },
        )
        for number in range(size)
    ]
    histories = {
        f"h{pair}": tuple(
            Turn(f"I am person {pair * 2 + i} and drink {OPTIONS[i]}.", id=f"t{i}", at=AT) for i in (0, 1)
        )
        for pair in range(size // 2 + 1)
    }

    def ask(question, passages) -> Asked:
        messages = prompted(PROMPT, notes=notes(passages), question=question.text)
        if free:
            return Asked(messages, max_tokens=9, stop=("\n",))
        return Asked(messages, OPTIONS, method, neutral=messages)

    def mark(question, answer) -> Marked:
        right = answer.text == question.target[0]
        return Marked({"correct": float(right)}, answer=answer.text, why="" if right else "wrong drink")

    return Benchmark(
        "drinks",
        questions,
        ("accuracy",),
        mark,
        histories,
        ask,
        files=(Path(data),) if data else (),
        prompts=(PROMPT,),
        counted={"glasses": 2},
        published={"theirs": 0.5},
    )


def drinker(messages) -> str:
    """Answers from what it is told of the person; tea where it is told nothing."""
    text = messages[-1].text
    who = text.partition("What does ")[2].partition(" drink?")[0]
    return "beer" if f"{who} and drink beer" in text else "tea"


@pytest.fixture
def ran(tmp_path):
    """Runs a made benchmark through inspect_ai and returns the log."""

    def run(benchmark: Benchmark, model="limner/default", **options):
        options.setdefault("memory", "none")
        (log,) = run_eval(
            benchmark_task(benchmark, **options),
            model=model,
            log_dir=str(tmp_path / "logs"),
            display="none",
            ctl_server=False,
            log_realtime=False,
        )
        return log

    return run


@pytest.fixture
def registered(monkeypatch) -> Entry:
    """The made benchmark among the others, as `drinks`."""
    entry = Entry("drinks", f"{__name__}:drinks", "Who drinks what?", "none", 3)
    monkeypatch.setitem(benchmarks(), "drinks", entry)
    monkeypatch.setitem(TASKS, "drinks", registered_task(entry))
    loaded.cache_clear()
    return entry


@pytest.fixture
def run_of(registered):
    def make(*parameters: str, **fields) -> Run:
        known = {"memory": "none", "k": 3, "limit": None, "seed": 0, "model": "limner/default", "data": None}
        return Run(registered, parameters=parameters, **known | fields)

    return make


def value(result, group: str | None = None) -> float:
    return (result.groups[group] if group else result.statements)[0].value


def test_without_a_memory_half_is_right_by_luck(answered, ran) -> None:
    answered(drinker)
    result = result_of_log(ran(drinks()))
    assert (result.status, result.n, result.model, result.memory) == ("success", 4, "scripted", "none")
    assert value(result) == 0.5
    assert {name: value(result, name) for name in result.groups} == {
        "even": 1.0,
        "odd": 0.0,
        "half: first": 0.5,
        "half: second": 0.5,
    }
    assert [item.answer for item in result.items] == ["tea"] * 4


@pytest.mark.parametrize("memory", ["bm25", "full", "limner:observations"])
def test_with_a_memory_the_model_reads_what_it_finds(answered, ran, memory, monkeypatch) -> None:
    from limner.testing import HashEncoder

    monkeypatch.setattr("limner.api.limner.encoder_of", lambda settings: HashEncoder())
    chat = answered(drinker)
    log = ran(drinks(), memory=memory, k=2)
    assert value(result_of_log(log)) == 1.0
    assert all(messages[-1].text.count(" and drink ") == 2 for messages in chat.asked)
    kept = log.samples[0].store["limner"]["passages"]
    assert sorted(one["ids"] for one in kept) == [["t0"], ["t1"]]


def test_what_foretells_a_run_leaves_nothing_in_the_memory(answered, ran) -> None:
    chat = answered(drinker)
    made = drinks()
    for _ in range(2):
        (told, engine) = foretold(made, "full", 2, None, 0, "limner/default")
    assert "4 of 4 questions, 2 histories" in told
    assert "minutes" in engine
    ran(made, memory="full")
    assert all(messages[-1].text.count(" and drink ") == 2 for messages in chat.asked)


def test_free_text_is_taken_as_it_comes(answered, ran) -> None:
    answered(lambda messages: f"Certainly {drinker(messages)}")
    result = result_of_log(ran(drinks(free=True)))
    assert [item.answer for item in result.items] == ["Certainly tea"] * 4
    assert value(result) == 0.0


def test_a_letters_likelihood_chooses(answered, ran) -> None:
    def scored(messages) -> AIMessage:
        top = [{"token": "beer", "logprob": -0.1}, {"token": "tea", "logprob": -2.0}]
        content = [{"token": "beer", "logprob": -0.1, "top_logprobs": top}]
        return AIMessage("tea", response_metadata={"logprobs": {"content": content}})

    answered(scored, dialect="openai")
    log = ran(drinks(method="letter"))
    assert [item.answer for item in result_of_log(log).items] == ["beer"] * 4
    assert log.samples[0].output.metadata["scores"] == pytest.approx([-2.0, -0.1])


def test_a_likelihood_that_the_endpoint_does_not_tell_ends_the_run(answered, ran) -> None:
    answered(drinker)
    log = ran(drinks(method="text"))
    assert log.status == "error"
    assert "ConfigurationError" in log.error.traceback


def test_the_second_run_is_answered_from_the_cache(answered, ran) -> None:
    chat = answered(drinker)
    first = result_of_log(ran(drinks(free=True))).cost
    asked = len(chat.asked)
    again = answered(drinker)
    second = result_of_log(ran(drinks(free=True))).cost
    assert (first.calls, first.reused, asked) == (4, 0, 4)
    assert (second.calls, second.reused, len(again.asked), second.seconds) == (4, 4, 0, 0.0)
    assert (second.input_tokens, second.output_tokens) == (first.input_tokens, first.output_tokens)
    assert first.output_tokens == 4
    assert first.input_tokens == sum(len(m.text.split()) for messages in chat.asked for m in messages)


def test_a_result_says_what_was_run_on_what(answered, ran, tmp_path, monkeypatch) -> None:
    answered(drinker)
    file = tmp_path / "drinks.json"
    file.write_text("[]")
    monkeypatch.setenv("LIMNER_API_KEY", "sk-secret")
    log = ran(drinks(str(file)), memory="bm25", k=2, limit=3, seed=7, parameters={"path": file, "size": 4})
    result = result_of_log(log)
    assert result.data == {f"{tmp_path.name}/drinks.json": hashlib.sha256(b"[]").hexdigest()}
    assert result.prompts == {PROMPT: load_prompt(PROMPT).hash}
    assert (result.task, result.k, result.seed, result.n) == ("drinks", 2, 7, 3)
    assert result.parameters == {"path": str(file), "size": 4, "limit": 3}
    assert (result.counted, result.published) == ({"glasses": 2}, {"theirs": 0.5})
    assert "sk-secret" not in Path(result.origin).read_bytes().decode("latin-1") + result.model_dump_json()
    assert result.origin.is_file()


def test_floors_are_those_of_the_questions_that_are_asked(answered, ran) -> None:
    answered(drinker)
    made = drinks(size=8)
    log = ran(made, limit=3)
    asked = [int(item.id[1:]) for item in result_of_log(log).items]
    assert result_of_log(log).floors == {"beer": sum(n % 2 for n in asked) / 3}
    assert len(asked) == 3


def test_the_log_holds_what_inspect_printed(answered, ran) -> None:
    answered(drinker)
    log = ran(drinks())
    result = result_of_log(log)
    (score,) = log.results.scores
    shown = {name: one.value for name, one in score.metrics.items()}
    stated = result.statements[0]
    assert shown == {"accuracy": stated.value, "accuracy from": stated.low, "accuracy to": stated.high}
    assert read_result(result.origin) == result
    assert list(read_results(result.origin.parent)) == [result]
    (sample,) = [one for one in log.samples if one.id == "q1"]
    assert sample.scores["drinks"].explanation == "wrong drink"


class TestOtherProviders:
    def mock(self, *answers: str, **options):
        outputs = [ModelOutput.from_content("mock", answer) for answer in answers]
        for output in outputs:
            output.usage = ModelUsage(
                input_tokens=10, input_tokens_cache_read=5, output_tokens=2, total_tokens=17
            )
        return get_model("mockllm/model", custom_outputs=outputs, memoize=False, **options)

    def test_a_choice_is_asked_for_as_json(self, ran) -> None:
        answers = ['{"choice": "tea"}', '{"choice": "beer"}', "tea", '["beer"]']
        log = ran(drinks(), self.mock(*answers), seed=1)
        result = result_of_log(log)
        by_id = {item.id: item.answer for item in result.items}
        assert sorted(by_id.values()) == sorted(["tea", "beer", "tea", '["beer"]'])
        (call,) = [event for event in log.samples[0].events if event.event == "model"]
        schema = call.config.response_schema.json_schema
        assert schema.properties["choice"].enum == ["tea", "beer"]
        assert schema.required == ["choice"]

    def test_the_cost_is_what_the_provider_reports(self, ran) -> None:
        cost = result_of_log(ran(drinks(free=True), self.mock(*["tea"] * 4))).cost
        assert (cost.calls, cost.input_tokens, cost.cached_tokens, cost.output_tokens) == (4, 60, 20, 8)

    def test_likelihoods_are_refused_in_words(self, ran) -> None:
        log = ran(drinks(method="letter"), self.mock("tea"))
        assert log.status == "error"
        assert "limner/default" in log.error.message


class TestLaunched:
    def test_parameters_come_typed_and_the_run_is_foretold(self, answered, run_of, tmp_path) -> None:
        answered(drinker)
        told: list[str] = []
        run = run_of("size=6", "free=true", memory="bm25", limit=4)
        assert run.arguments == {"size": 6, "free": True}
        result = launched(run, tmp_path / "logs", tell=told.append, quiet=True)
        assert (result.n, result.status, value(result)) == (4, "success", 1.0)
        assert result.parameters == {"size": 6, "free": True, "limit": 4}
        assert "drinks: 4 of 6 questions" in told[0]

    @pytest.mark.parametrize("one", ["sise=3", "size", "size=many", "seed=1", "=3"])
    def test_a_wrong_parameter_is_refused(self, run_of, tmp_path, one) -> None:
        with pytest.raises(InputError, match="drinks"):
            launched(run_of(one), tmp_path)

    def test_a_run_that_fails_can_go_on(self, answered, run_of, tmp_path) -> None:
        def failing(messages):
            return ContextOverflow(9000, 8192) if "person 2" in messages[-1].text else drinker(messages)

        answered(failing)
        broken = launched(run_of(), tmp_path / "logs", quiet=True)
        assert broken.status == "error"
        assert {item.id for item in broken.items} <= {"q0", "q1", "q3"}
        assert len(broken.items) >= 2

        chat = answered(drinker)
        mended = retried(broken.origin)
        assert (mended.status, mended.n) == ("success", 4)
        assert mended.origin != broken.origin
        kept = {item.id: item for item in mended.items}
        assert all(kept[item.id] == item for item in broken.items)
        assert len(chat.asked) <= 4 - len(broken.items)

    def test_an_interrupted_run_says_how_to_go_on(self, answered, run_of, tmp_path, monkeypatch) -> None:
        answered(drinker)
        monkeypatch.setattr("inspect_ai.eval", lambda *_, **__: [])  # what it returns after Ctrl-C
        with pytest.raises(KeyboardInterrupt, match="limner eval retry"):
            launched(run_of(), tmp_path / "logs", quiet=True)

    def test_a_run_without_any_answer_is_an_error_of_the_model(
        self, answered, run_of, tmp_path, monkeypatch
    ) -> None:
        def refused(*_):
            raise InputError("no such thing")

        answered(drinker)
        monkeypatch.setattr(launching, "result_of_log", refused)
        with pytest.raises((ModelError, InputError)):
            launched(run_of(), tmp_path / "logs", quiet=True)

    def test_a_log_of_another_task_is_refused(self, tmp_path) -> None:
        from inspect_ai import Task
        from inspect_ai.dataset import Sample

        mock = TestOtherProviders().mock("x")
        (log,) = run_eval(
            Task([Sample("x")], name="other"),
            model=mock,
            log_dir=str(tmp_path),
            display="none",
            ctl_server=False,
        )
        for read in (result_of_log, lambda one: retried(Path(one.location))):
            with pytest.raises(InputError, match="no task of limner's"):
                read(log)


def test_inspect_finds_the_tasks_and_the_provider() -> None:
    from importlib.metadata import entry_points

    from inspect_ai._util.registry import registry_find, registry_info

    (point,) = entry_points(group="inspect_ai", name="limner")
    assert point.load() is inspect.getmodule(TASKS["prefeval"]) or point.value == "limner.evals.inspecting"
    names = {registry_info(one).name for one in registry_find(lambda info: info.type == "task")}
    assert {f"limner/{name}" for name in BENCHMARKS} <= names
    providers = registry_find(lambda info: info.type == "modelapi" and info.name.startswith("limner/"))
    assert [registry_info(one).name for one in providers] == ["limner/limner"]
    assert registry_info(TASKS["prefeval"]).name == "limner/prefeval"


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_task_takes_the_benchmarks_parameters_and_the_common_ones(name) -> None:
    found = inspect.signature(TASKS[name]).parameters
    own = set(inspect.signature(BENCHMARKS[name].load()).parameters)
    assert set(found) == own | {"memory", "k", "limit", "seed"}
    assert found["memory"].default == BENCHMARKS[name].memory
    assert found["k"].default == BENCHMARKS[name].k
    assert json.dumps({key: one.default for key, one in found.items() if one.default is not one.empty})

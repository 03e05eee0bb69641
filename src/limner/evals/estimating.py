"""What a run will take, said before it begins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from limner.evals.engine import opened_memory, reflects
from limner.evals.provider import PROVIDER, limner_settings
from limner.evals.records import Asked, Benchmark, Passage, Question
from limner.evals.running import Feeder, asked_of, stratified
from limner.inference.reply import estimate_tokens
from limner.profiles.propositions.sentences import sentences
from limner.settings import Settings

__all__ = ["Estimate", "estimated", "foretold"]

_TRIED = 8
"""Questions whose prompt is really made to learn its length."""
_TOKENS_PER_SENTENCE = 60
"""Computed for a user's sentence when limner reflects by small calls, its share of relating and revising included."""
_NOTES = Passage("words " * 350)
"""Stands for what limner's own memory will write: about half of its budget."""
_TOKENS_PER_S = (35, 65)
"""What the packaged 1.5B model reads on two cores, busy and idle; an answer's token counts as 2.5 read ones."""
_OUTPUT = 2.5
_PROSE = 0.75
"""Tokens of English prose to `estimate_tokens`, which errs on the high side."""


@dataclass(frozen=True)
class Estimate:
    """The size of a run."""

    questions: int
    histories: int
    prompt_tokens: int
    """Of all questions, without what a prefix cache saves."""
    output_tokens: int
    """At most."""
    memory_tokens: int
    """To compute for taking histories in; each distinct sentence once, as responses are kept."""

    @property
    def work(self) -> float:
        """All of it in tokens read."""
        return self.prompt_tokens + self.memory_tokens + _OUTPUT * self.output_tokens


def estimated(
    benchmark: Benchmark, questions: Sequence[Question], memory: str, k: int, settings: Settings
) -> Estimate:
    """Estimate the size of a run from a few of its prompts; no model is asked.

    Args:
        benchmark: What is run.
        questions: Those of it that are asked.
        memory: Name of the memory.
        k: Passages to search for.
        settings: For a memory that has to be opened.
    """
    tried = stratified(questions, _TRIED, seed=0)
    prompts = [_prompt(benchmark, one, memory, k, settings) for one in tried]
    tokens = [_PROSE * sum(estimate_tokens(text) for _, text in asked.messages) for asked in prompts]
    longest = [
        sum(map(estimate_tokens, asked.options)) * _PROSE
        if asked.method.startswith("text")
        else 1
        if asked.options
        else asked.max_tokens
        for asked in prompts
    ]
    scale = len(questions) / max(1, len(tried))
    histories = {one.history for one in questions if one.history is not None}
    return Estimate(
        len(questions),
        len(histories),
        round(scale * sum(tokens)),
        round(scale * sum(longest)),
        _TOKENS_PER_SENTENCE * _sentences(benchmark, histories) if reflects(memory) else 0,
    )


def _prompt(benchmark: Benchmark, question: Question, memory: str, k: int, settings: Settings) -> Asked:
    assert benchmark.ask is not None
    if reflects(memory) or memory == "mem0":
        return benchmark.ask(question, (_NOTES,))
    return benchmark.ask(question, Feeder(benchmark, opened_memory(memory, settings), k).search(question))


def _sentences(benchmark: Benchmark, histories: set[str]) -> int:
    """Count the distinct sentences that users said in these histories."""
    texts = {turn.text for name in histories for turn in benchmark.histories[name] if turn.role == "user"}
    return len({sentence.text for text in texts for sentence in sentences(text)})


def foretold(
    benchmark: Benchmark, memory: str, k: int, limit: int | None, seed: int, model: str
) -> Iterator[str]:
    """Yield lines that say what a run will take."""
    settings = limner_settings(model.removeprefix(PROVIDER)) if model.startswith(PROVIDER) else Settings()
    questions = asked_of(benchmark, limit, seed)
    size = estimated(benchmark, questions, memory, k, settings)
    yield (
        f"{benchmark.name}: {size.questions} of {len(benchmark.questions)} questions, {size.histories} histories; about "
        f"{size.prompt_tokens:,} tokens of prompts and at most {size.output_tokens:,} of answers"
        + (f", {size.memory_tokens:,} to take the histories in." if size.memory_tokens else ".")
    )
    if model.startswith(PROVIDER) and settings.base_url is None:
        fast, slow = (size.work / rate / 60 for rate in reversed(_TOKENS_PER_S))
        yield (
            f"With the embedded engine on two cores that is {fast:.0f} to {slow:.0f} minutes, less what the prefix cache and "
            "the responses of earlier runs save; --limit N asks fewer."
        )

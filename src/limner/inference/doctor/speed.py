"""How fast a prompt is read, what the prefix cache saves, and what asking several at once gains."""

import asyncio
import time

from limner.inference.doctor.probe import Examination, Outcome, Probe, Timed, nonsense

__all__ = ["CONCURRENCY", "PREFIX"]

_LADDER = (300, 1200, 5000)
"""Words of the prompts that are tried, the next one only where the one before took no time."""
_LONG_ENOUGH_S = 0.5
_TOKENS_PER_WORD = 3
"""More than a word of the prompt takes, so that none is too long for the context."""
_AT_ONCE = 4
_ANSWER_TOKENS = 16
_WORDS = [
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "a",
    "lazy",
    "dog",
    "and",
    "runs",
    "along",
    "the",
    "river",
    "into",
    "town",
]


def _unique(words: int) -> str:
    """Return a text that no cache can have the beginning of."""
    start = " ".join(nonsense(2))
    return f"{start}: {' '.join(_WORDS[n % len(_WORDS)] for n in range(words))}. Answer with one word: ready"


async def _prefix(exam: Examination) -> Outcome:
    first, prompt = await _longest_in_time(exam)
    again = await exam.reply(prompt, max_tokens=1)
    tokens = first.reply.usage.prompt_tokens
    if not tokens:
        tokens = await asyncio.to_thread(exam.model.count_tokens, prompt)
    cached = again.reply.usage.cached_tokens
    gain = first.seconds / again.seconds
    figures = {
        "prompt_tokens": float(tokens),
        "tokens_per_s_in": round(tokens / first.seconds, 1),
        "first_time_s": round(first.seconds, 3),
        "second_time_s": round(again.seconds, 3),
        "cached_tokens": float(cached),
    }
    reported = f"{cached} tokens reported as cached" if cached else "no cached tokens reported"
    answered = (
        f"{tokens} tokens read in {first.seconds:.2f} s ({tokens / first.seconds:.0f} a second), the second time "
        f"{again.seconds:.2f} s, {reported}"
    )
    if cached > tokens / 2 or gain > 2:
        meaning = "Instructions and examples that prompts share are computed once; limner puts them first."
        unsaid = "" if cached else " limner's ledger cannot tell (vLLM: --enable-prompt-tokens-details)."
        return Outcome("works", answered, meaning + unsaid, figures)
    if first.seconds < _LONG_ENOUGH_S:
        meaning = "It is too fast to tell from the time, and does not say. (vLLM says with --enable-prompt-tokens-details.)"
        return Outcome("unknown", answered, meaning, figures)
    meaning = "Every call computes its whole prompt, examples included: the call plan `small` costs many times more here."
    return Outcome("does not", answered, meaning, figures)


async def _longest_in_time(exam: Examination) -> tuple[Timed, str]:
    """Return the first answer to the longest prompt that fits and was worth trying, and that prompt."""
    context = await asyncio.to_thread(lambda: exam.model.context_length)
    prompt = _unique(min(_LADDER[0], context // _TOKENS_PER_WORD // 2))
    timed = await exam.reply(prompt, max_tokens=1)
    for words in _LADDER[1:]:
        if timed.seconds > _LONG_ENOUGH_S or words * _TOKENS_PER_WORD > context:
            break
        prompt = _unique(words)
        timed = await exam.reply(prompt, max_tokens=1)
    return timed, prompt


async def _concurrency(exam: Examination) -> Outcome:
    prompts = [f"{word}: write one sentence about a harbour." for word in nonsense(2 * _AT_ONCE)]
    start = time.perf_counter()
    alone = [await exam.reply(prompt, max_tokens=_ANSWER_TOKENS) for prompt in prompts[:_AT_ONCE]]
    between = time.perf_counter()
    together = await asyncio.gather(*(exam.reply(p, max_tokens=_ANSWER_TOKENS) for p in prompts[_AT_ONCE:]))
    end = time.perf_counter()
    # Answers differ in length, so tokens are compared where they are told.
    ratio = (_amount(list(together)) / (end - between)) / (_amount(alone) / (between - start))
    figures = {
        "one_by_one_s": round(between - start, 3),
        "at_once_s": round(end - between, 3),
        "gain": round(ratio, 2),
    }
    answered = f"{between - start:.2f} s one after the other, {end - between:.2f} s at once: {ratio:.1f} times the throughput"
    if ratio > 1.4:
        return Outcome("works", answered, "Several users can be reflected on at once.", figures)
    meaning = (
        "It works on one request at a time, or is busy with others: asking several at once gains nothing."
    )
    return Outcome("does not", answered, meaning, figures)


def _amount(answers: list[Timed]) -> float:
    return float(sum(answer.reply.usage.output_tokens or 1 for answer in answers))


PREFIX = Probe(
    "prefix_cache",
    "Speed in, and prefix cache",
    "a long prompt that was never sent before, one token of answer; then the same again",
    _prefix,
    "How fast prompts are read does not show.",
    timed=True,
)
CONCURRENCY = Probe(
    "concurrency",
    "Several at once",
    f"{_AT_ONCE} short questions one after the other, then {_AT_ONCE} at once",
    _concurrency,
    "What asking several at once gains does not show.",
    timed=True,
)

"""Whether an answer comes piece by piece, and how fast."""

from limner.inference.doctor.probe import Examination, Outcome, Probe, said

__all__ = ["STREAMING"]

_SHORT, _LONG = 12, 64
_STORY = "Write a very long story about a dragon, in many chapters."
_ENOUGH = 16
"""Pieces of which a speed can be told."""


async def _streaming(exam: Examination) -> Outcome:
    most = _SHORT if exam.quick else _LONG
    streamed = await exam.streamed(_STORY, max_tokens=most)
    pieces = len(streamed.arrivals)
    if not pieces:
        return Outcome("does not", "an end, and no text before it", "Streamed answers come out empty.")
    first, last = streamed.arrivals[0], streamed.arrivals[-1]
    counted = streamed.usage.output_tokens
    tokens = counted or pieces
    figures = {"first_token_s": round(first, 3), "tokens_out": float(tokens)}
    answered = f"{said(streamed.text, 40)} in {pieces} pieces, the first after {first:.2f} s"
    if pieces >= _ENOUGH and last > first:
        rate = (tokens - 1) / (last - first)
        figures["tokens_per_s_out"] = round(rate, 1)
        per = "tokens" if counted else "pieces (it does not count its tokens)"
        answered += f"; {rate:.0f} {per} a second over {tokens}"
    if pieces == 1 and tokens > _SHORT / 2:
        meaning = "The answer came in one piece: something in between holds it back until it is whole (a proxy that buffers?)."
        return Outcome("does not", answered, meaning, figures)
    return Outcome("works", answered, "Answers can be shown while they are written.", figures)


STREAMING = Probe(
    "streaming",
    "Streaming, and speed out",
    "a very long story, streamed and cut off",
    _streaming,
    "Answers cannot be shown while they are written; everything else asks for whole answers and does not need it.",
)

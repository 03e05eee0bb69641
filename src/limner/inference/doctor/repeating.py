"""Whether the same question gets the same answer."""

from limner.inference.doctor.probe import Examination, Outcome, Probe, said

__all__ = ["REPEATING"]

_QUESTION = "Invent a name for a boat and say in one sentence why it is called that."
_ANSWER_TOKENS = 16


async def _repeating(exam: Examination) -> Outcome:
    greedy = [
        (await exam.reply(_QUESTION, max_tokens=_ANSWER_TOKENS, temperature=0.0)).reply.text for _ in range(2)
    ]
    if greedy[0] != greedy[1]:
        return Outcome(
            "does not",
            f"{said(greedy[0], 40)}, then {said(greedy[1], 40)}",
            "A reflection or an evaluation that is run again may come out otherwise; the response cache of `limner eval` makes "
            "repeated runs alike.",
        )
    drawn = [
        (await exam.reply(_QUESTION, max_tokens=_ANSWER_TOKENS, temperature=1.0)).reply.text for _ in range(2)
    ]
    seeded = (
        "and so at temperature 1 with the same seed"
        if drawn[0] == drawn[1]
        else "and not at temperature 1: the seed is ignored"
    )
    return Outcome(
        "works",
        f"twice {said(greedy[0], 50)} at temperature 0, {seeded}",
        "At temperature 0, limner's default, what is run again comes out the same as long as the server is as busy as now.",
        {"seed_heeded": float(drawn[0] == drawn[1])},
    )


REPEATING = Probe(
    "repeating",
    "The same answer twice",
    "the same question twice at temperature 0, and twice at 1, with the seed of the settings",
    _repeating,
    "Whether repeated runs come out alike does not show.",
)

"""Whether the model sees pictures."""

from langchain_core.messages import HumanMessage

from limner.inference.doctor.probe import Examination, Outcome, Probe
from limner.inference.seeing import names_colours, takes_no_pictures

__all__ = ["PICTURES"]

_WAIT = "Observations with pictures wait for a model that sees."


async def _pictures(exam: Examination) -> Outcome:
    if await takes_no_pictures(exam.model):
        return Outcome("does not", "the server says that it takes none", _WAIT)

    async def ask(message: HumanMessage) -> str:
        return (await exam.reply([message], max_tokens=8)).reply.text

    if await names_colours(ask):
        return Outcome("works", "the colours of both", "Observations may carry pictures.")
    return Outcome("does not", "a refusal, or another colour", _WAIT)


PICTURES = Probe("pictures", "Pictures", "which colour fills a red square, and a blue one", _pictures, _WAIT)

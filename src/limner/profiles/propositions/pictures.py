"""Look: what is seen in the pictures of observations, before anything is proposed from them.

The description is the describing model's, not the user's: a statement that rests on it is an inference, and its evidence points
into the description and says so (`Evidence.part`).
"""

from pathlib import Path

from anyio import to_thread
from langchain_core.messages import HumanMessage

from limner.errors import MalformedOutput
from limner.inference import LanguageModel, load_prompt
from limner.inference.pictures import picture_url
from limner.inference.seeing import picture_message, sees
from limner.memory.claims import Batch
from limner.memory.pictures import is_unseen
from limner.memory.records import Observation
from limner.memory.user import UserMemory

__all__ = ["bring_back", "look"]

_MOST_TOKENS = 300


async def look(
    memory: UserMemory, batch: Batch, model: LanguageModel, prompts: Path | None = None
) -> tuple[Batch, int]:
    """Let a model describe the pictures in a batch, and keep what it says with them.

    Returns:
        The batch with what was seen, without the observations whose pictures the model cannot see; and how many these are. They
        wait.

    Raises:
        ModelError: A picture cannot be read or shown.
        StaleClaim: The batch is somebody else's by now.
    """
    unseen = [o for o in batch.observations if is_unseen(o)]
    if not unseen:
        return batch, 0
    if not await sees(model):
        ids = [o.id for o in unseen]
        return await to_thread.run_sync(memory.put_off, batch, ids, _cannot(model)), len(ids)
    words = {o.id: await _described(o, model, prompts) for o in unseen}
    return await to_thread.run_sync(memory.describe, batch, words), 0


async def bring_back(memory: UserMemory, model: LanguageModel) -> None:
    """Let what waits to be seen be taken by the next batch, where the model sees.

    Raises:
        ModelUnavailable: Nobody answers, so that it cannot be told.
    """
    if await to_thread.run_sync(memory.unseen) and await sees(model):
        await to_thread.run_sync(memory.bring_back)


def _cannot(model: LanguageModel) -> str:
    return (
        f"It has a picture, and {model.name} at {model.where} does not see pictures. It waits for a model that does: set "
        f"LIMNER_BASE_URL and LIMNER_MODEL to one, and reflect."
    )


async def _described(observation: Observation, model: LanguageModel, prompts: Path | None) -> str:
    assert observation.media is not None
    url = await to_thread.run_sync(picture_url, observation.media.uri)
    *before, last = load_prompt("profiles/propositions/look", prompts).messages(text=observation.text)
    assert isinstance(last, HumanMessage)
    answer = await model.acomplete(
        [*before, picture_message(last.text, url)], stage="look", max_tokens=_MOST_TOKENS
    )
    words = " ".join(answer.split())
    if not words:
        raise MalformedOutput(f"{model.where} had nothing to say about a picture.", answer)
    return words

"""A free-form profile as a portrait (Wang et al. 2025), with what each of its sentences rests on."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from anyio import to_thread

from limner.errors import MalformedOutput, StaleClaim
from limner.inference import LanguageModel, load_prompt
from limner.memory.records import Evidence, Observation, Portrait, PortraitLine, utc_now
from limner.memory.user import UserMemory
from limner.profiles.lettingo.generators import drafted
from limner.profiles.propositions.sentences import sentences

if TYPE_CHECKING:
    from limner.profiles.registry import Means

__all__ = ["LettinGoPortraitist"]

_SHOWN = 30
"""Latest observations that a profile is written from."""
_WORDS = 80
_MAX_TOKENS = 160
_LONGEST = 300
"""Characters of one observation that are shown."""
_WORD = re.compile(r"\w+")


class LettinGoPortraitist:
    """Lets a model write a profile in whatever form it finds best.

    A generator that was aligned (`limner lettingo align`) takes the place of the model where it is served under a name of its
    own: `LIMNER_MODEL=NAME`, or `adapter`. What is said is not checked against the observations as propositions are: a
    sentence cites the observations whose item, or an attribute of it, it names, and where it names none of them, all that were shown.

    Args:
        model: Who writes.
        prompts: Folder of overriding prompt files.
        adapter: Name of an adapter that the model's endpoint serves, instead of the model.
    """

    kind = "lettingo"

    def __init__(
        self, model: LanguageModel, prompts: Path | None = None, *, adapter: str | None = None
    ) -> None:
        self._model = model
        self._prompts = prompts
        self._adapter = adapter

    @classmethod
    def of(cls, means: "Means") -> Self:
        """Return it as the registry does."""
        return cls(means.model, means.settings.prompts)

    async def draw(self, user: UserMemory, task: str | None = None) -> Portrait:
        """Draw a profile from the latest thirty observations by the user, and store it; of nobody known it is empty, and no model is asked.

        It is stored with all that was read for it, so that erasing any of that takes the portrait, cited or not.

        Args:
            user: Whose.
            task: Is kept with the portrait; the profile is a general one.

        Raises:
            MalformedOutput: The model wrote nothing.
            ModelError: The model failed; nothing was stored.
            StaleClaim: Something that was read was erased while the model wrote, twice.
        """
        try:
            return await self._drawn(user, task)
        except StaleClaim:  # something was erased meanwhile
            return await self._drawn(user, task)

    async def _drawn(self, user: UserMemory, task: str | None) -> Portrait:
        started = utc_now()
        shown = await to_thread.run_sync(_shown, user)
        prompt = load_prompt("profiles/lettingo/portrait", self._prompts)
        known = {"user_id": user.user_id, "kind": self.kind, "task": task, "drawn_at": started}
        if not shown:
            return Portrait(**known)
        listed = "\n".join(f"- {' '.join(one.text.split())[:_LONGEST]}" for one in shown)
        body = {"model": self._adapter} if self._adapter else None
        with self._model.ledger.stage(user=user.user_id):
            reply = await self._model.areply(
                prompt.messages(words=_WORDS, observations=listed),
                stage="lettingo portrait",
                max_tokens=_MAX_TOKENS,
                body=body,
            )
        draft = drafted(reply.text, truncated=reply.truncated)
        if draft.text is None:
            raise MalformedOutput(f"{self._model.where} wrote no profile.", reply.text)
        portrait = Portrait(
            **known,
            lines=tuple(
                PortraitLine(text=one.text, evidence=_evidence(one.text, shown))
                for one in sentences(draft.text)
            ),
            model=self._adapter or self._model.name,
            prompt_hash=prompt.hash,
        )
        await to_thread.run_sync(user.save_portrait, portrait, {one.id for one in shown})
        return portrait


def _shown(user: UserMemory) -> list[Observation]:
    own = [one for one in user.observations() if one.author == "user" and one.text.strip()]
    return sorted(own, key=lambda one: (one.occurred_at, one.id))[-_SHOWN:]


def _evidence(sentence: str, shown: Sequence[Observation]) -> tuple[Evidence, ...]:
    """Return the observations that a sentence names by item or attribute; all of them where it names none."""
    said = _WORD.findall(sentence.casefold())
    named = [one for one in shown if any(_within(name, said) for name in _names(one))]
    return tuple(
        Evidence(observation_id=one.id, start=0, end=len(one.text), quote=one.text) for one in named or shown
    )


def _names(observation: Observation) -> list[list[str]]:
    """Return what an observation may be named by, in words: its item's title without the year, and its attributes."""
    if observation.event is None:
        return []
    event = observation.event
    names = [re.sub(r"\s*\(\d{4}\)\s*$", "", event.title)]
    for value in event.attributes.values():
        names += value if isinstance(value, tuple) else [value] if isinstance(value, str) else []
    return [words for name in names if (words := _WORD.findall(name.casefold()))]


def _within(name: Sequence[str], said: Sequence[str]) -> bool:
    last = {name[-1], f"{name[-1]}s"}  # dramas, thrillers
    length = len(name)
    return any(
        list(said[place : place + length - 1]) == list(name[:-1]) and said[place + length - 1] in last
        for place in range(len(said) - length + 1)
    )

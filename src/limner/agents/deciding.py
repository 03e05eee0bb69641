"""How the next step of the loop is decided: by likelihood on one short call, or as JSON with the model's own reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase

from limner.agents.decisions import Decision, Finish, Rank, Search, decision_schema
from limner.agents.profile import Lead
from limner.inference import LanguageModel, load_prompt
from limner.inference.choose import choose
from limner.inference.structured import structured

__all__ = ["Scene", "decide"]

_NOTHING_MORE = "look for nothing more"


@dataclass(frozen=True)
class Scene:
    """What there is to decide on."""

    portrait: str
    wish: str
    best: Sequence[str]
    """Titles of the best candidates so far."""
    made: Sequence[str]
    """Searches made."""
    leads: Mapping[str, Lead]
    """Conditions that are open, by their text form."""
    recommenders: Sequence[str]
    """Names; the first is the base."""
    may_rank: bool
    searches: int
    """How many searches may still be made."""


async def decide(scene: Scene, model: LanguageModel, prompts: Path | None = None) -> list[Decision]:
    """Return what is done next, at least one step.

    A model of the plan `small` is asked once, for a letter: every condition that it finds likelier than looking no further is
    searched with the base recommender, the likeliest first, as many as may be; the reason is what speaks for the condition,
    and is not generated. Then comes the ranking, where there is one. A model of the plan `batch` names one step and its reason.

    Raises:
        ModelError: The model failed.
    """
    if model.plan == "small":
        return await _by_likelihood(scene, model, prompts)
    leads = list(scene.leads) if scene.searches else []
    schema = decision_schema(list(scene.recommenders), leads, may_rank=scene.may_rank)
    messages = load_prompt("agents/decide", prompts).messages(
        portrait=scene.portrait,
        wish=scene.wish or "none",
        best="; ".join(scene.best),
        searches="; ".join(scene.made),
        conditions="; ".join(leads) or "none",
    )
    return [(await structured(model, messages, schema, stage="decide", max_tokens=160)).root]


async def _by_likelihood(scene: Scene, model: LanguageModel, prompts: Path | None) -> list[Decision]:
    wheres = list(scene.leads)[: len(ascii_uppercase) - 1] if scene.searches else []
    chosen = await _likely(scene, wheres, model, prompts) if wheres else []
    steps: list[Decision] = [
        Search(
            action="search",
            recommender=scene.recommenders[0],
            where=where,
            reason=scene.leads[where].reason[:160],
        )
        for where in chosen[: scene.searches]
    ]
    if scene.may_rank:
        steps.append(Rank(action="rank", reason="what was found is put in the order of the portrait"))
    return [
        *steps,
        Finish(
            action="finish",
            reason="no other condition speaks louder" if wheres else "nothing is left to look for",
        ),
    ]


async def _likely(
    scene: Scene, wheres: Sequence[str], model: LanguageModel, prompts: Path | None
) -> list[str]:
    """Return the conditions that are likelier than looking no further, likeliest first."""
    letters = ascii_uppercase[: len(wheres) + 1]
    options = [*(f"look for {where}" for where in wheres), _NOTHING_MORE]
    messages = load_prompt("agents/lead", prompts).messages(
        portrait=scene.portrait,
        wish=scene.wish or "none",
        best="; ".join(scene.best),
        steps="\n".join(f"{letter}: {option}" for letter, option in zip(letters, options, strict=True)),
    )
    choice = await choose(model, messages, list(letters), stage="decide", method="loglik")
    if choice.scores is None:
        return [wheres[choice.index]] if choice.index < len(wheres) else []
    least = choice.scores[-1]
    likely = [place for place in range(len(wheres)) if choice.scores[place] > least]
    return [wheres[place] for place in sorted(likely, key=lambda place: -choice.scores[place])]  # type: ignore[index]

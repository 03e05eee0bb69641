"""The card of an adapter: what it was made from, how, and what it does to a recommender."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["write_card"]

_TERMS = {
    "ml-100k": "MovieLens-100K (GroupLens): free for research, no redistribution, no commercial use without permission"
}


def write_card(
    adapter: Path, recipe: Mapping[str, Any], training: Mapping[str, Any], evaluation: str
) -> Path:
    """Write `README.md` into the folder of an adapter, in the place of what PEFT or an earlier evaluation wrote there.

    Args:
        adapter: The PEFT folder.
        recipe: As `Alignment` has it.
        training: As `Alignment` has it.
        evaluation: Before and after, in Markdown; empty where there is none yet.
    """
    settings, identity = recipe["settings"], recipe["identity"]
    base = Path(str(settings["model"])).name
    terms = _TERMS.get(identity["data"], f"the terms of {identity['data']}")
    lines = [
        "---",
        "library_name: peft",
        f"base_model: {settings['model']}",
        "tags: [lora, dpo, limner, lettingo]",
        "---",
        f"# A writer of user profiles, on {base}",
        "",
        "A LoRA adapter, trained by direct preference optimisation (TRL, PEFT) on pairs of profiles of the same history, of which "
        "one served a recommender better (LettinGo, arXiv 2506.18309).",
        "",
        "| made from | |",
        "| --- | --- |",
        f"| base model | `{settings['model']}` |",
        f"| data | {identity['data']}, hash `{identity['data_hash']}` |",
        f"| split | {_listed(identity['split'])} |",
        f"| prompt | `profiles/lettingo/{recipe['prompt']}`, hash `{recipe['prompt_hash']}`, {recipe['words']} words |",
        f"| pairs | {training['pairs']} of {recipe['users']} users; {training['too_long']} left out for their length |",
        f"| settings | {_listed({k: v for k, v in settings.items() if k != 'model'})} |",
        f"| training | {training['steps']} steps, mean loss {training['loss']:.4f} (0.6931 at the start) |",
        f"| versions | {_listed(training['versions'])} |",
        "",
        "## Evaluation",
        "",
        evaluation.strip()
        or "Not evaluated yet: `limner lettingo explore` with this adapter, then `limner lettingo evaluate`.",
        "",
        "## Licence",
        "",
        f"The adapter changes `{base}` and is of use with it alone, so that model's licence holds for it too. It was trained on "
        f"{terms}. Profiles that it writes are about people.",
        "",
    ]
    card = adapter / "README.md"
    card.write_text("\n".join(lines), "utf-8")
    return card


def _listed(entries: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_plain(value)}" for name, value in entries.items())


def _plain(value: object) -> str:
    return " ".join(str(one) for one in value) if isinstance(value, list) else str(value)

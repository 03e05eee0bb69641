"""`limner reflect --explain`: what became of each batch, and why, for people to read."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from limner.profiles.propositions import Reflection
    from limner.profiles.propositions.drafts import Refusal
    from limner.profiles.propositions.explanation import Change, Explanation, Proposed, Related

__all__ = ["print_consolidated", "print_explanation"]


def print_explanation(explanation: "Explanation") -> None:
    """Print what became of one batch: proposed, changed, refused, and what it cost."""
    told = len(explanation.observations) - explanation.structured
    parts = [f"{told} in words"] if told else []
    parts += [f"{explanation.structured} structured"] if explanation.structured else []
    typer.echo(f"Batch {explanation.batch}: {', '.join(parts)}, {explanation.seconds:.1f} s")
    if explanation.failed is not None:
        typer.echo(f"  could not be finished, so nothing of it was stored: {explanation.failed}")
    _part("proposed", [_proposed(p) for p in explanation.proposed])
    if explanation.findings:
        computed = sum(change.computed for change in explanation.changes)
        typer.echo(f"  computed\n    {explanation.findings} findings looked at, {computed} changed")
    _part("changed", [_change(c) for c in explanation.changes])
    _part("refused", [_refusal(r) for r in explanation.refused])
    _print_costs(explanation)


def print_consolidated(reflection: "Reflection") -> None:
    """Print what was made at the end of a reflection from what was held already."""
    entries = [
        [p.text, f"why: {reflection.consolidated[p.id]}"]
        for p in reflection.revised
        if p.id in reflection.consolidated
    ]
    if entries:
        typer.echo("At the end, compared with all that is held")
    _part("changed", entries)


def _part(title: str, entries: list[list[str]]) -> None:
    if entries:
        typer.echo(f"  {title}")
    for first, *others in entries:
        typer.echo(f"    {first}")
        for line in others:
            typer.echo(f"      {line}")


def _proposed(proposed: "Proposed") -> list[str]:
    return [
        proposed.text,
        *(f"“{e.quote}”  {e.observation_id}" for e in proposed.evidence),
        *map(_related, proposed.related),
        *([] if proposed.became else ["is held nowhere: see what is refused, or what took its place"]),
    ]


def _related(related: "Related") -> str:
    how = "asked" if related.asked else "not asked"
    where = related.proposition_id or "this batch"
    reason = f": {related.because}" if related.because else ""
    return f"{related.cosine:.2f} {related.label} ({how}{reason})  {related.text}  [{where}]"


def _change(change: "Change") -> list[str]:
    lines = [f"{change.kind} {change.confidence:.1f}  {change.text}"]
    lines += [f"was: {text}" for text in change.before if text != change.text]
    lines += [f"why: {change.because}"] if change.because else []
    lines += [_end(change.valid_until)] if change.valid_until is not None else []
    against = f", {change.contradicting} against" if change.contradicting else ""
    observations = "observation" if change.supporting == 1 else "observations"
    return [*lines, f"{change.supporting} {observations} for it{against}  {change.proposition_id}"]


def _end(until: datetime) -> str:
    return f"{'over since' if until <= datetime.now(UTC) else 'until'} {until:%Y-%m-%d}"


def _refusal(refusal: "Refusal") -> list[str]:
    named = ", ".join(refusal.observation_ids)
    return [refusal.text or "(no statement)", f"why: {refusal.because}" + (f"  {named}" if named else "")]


def _print_costs(explanation: "Explanation") -> None:
    from limner.apps.cli.printing import print_table

    if not explanation.costs:
        typer.echo("  no model was asked")
        return
    columns = ("stage", "calls", "prompt tokens", "computed", "answer", "seconds")
    rows = [
        (c.stage, c.calls, c.prompt_tokens, c.computed_tokens, c.answer_tokens, f"{c.seconds:.1f}")
        for c in explanation.costs
    ]
    print_table(columns, rows, right=columns[1:])

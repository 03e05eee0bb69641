"""From a wish in words to conditions that the catalogue can check, and the rest of the wish."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import BaseModel, ConfigDict, Field, create_model

from limner.agents.bounds import year_bounds
from limner.agents.likeness import likeness
from limner.inference import LanguageModel, load_prompt
from limner.inference.structured import structured
from limner.profiles.propositions.findings import is_year
from limner.tools import Attribute, Catalogue, Condition, Filter

__all__ = ["Wish", "understand"]

_MOST_VALUES = 80
"""An attribute with more values than this is left to the recommenders: a grammar that lists them costs too much."""


@dataclass(frozen=True)
class Wish:
    """What somebody asked for."""

    text: str
    where: Filter
    """What the catalogue can check; holds for everything that is recommended."""
    unchecked: tuple[str, ...] = ()
    """The words of the wish that no attribute covers; the user is told that they were not checked."""
    like: tuple[str, ...] = ()
    """Ids of the items that it names as examples of what is wanted."""


async def understand(
    text: str, catalogue: Catalogue, model: LanguageModel, prompts: Path | None = None
) -> Wish:
    """Read a wish under a schema of the catalogue's own attributes and values, so that no other can come out.

    Bounds on a number that the words of the wish do not mention are dropped: a model likes to complete "before 1990"
    to "from 1980 to 1989". Items that the wish names as examples ("like Alien") are found without the model, which reads the rest.

    Args:
        text: The wish; an empty one asks no model.
        catalogue: Whose attributes count.
        model: Whom to ask.
        prompts: Folder of overriding prompt files.

    Raises:
        ModelError: The model failed, or its answer did not fit three times.
    """
    named = likeness(text, catalogue)
    if not named.rest.strip():
        return Wish(text.strip() and text, Filter(), like=named.item_ids)
    attributes = [a for a in catalogue.attributes() if _usable(a)]
    system, question = load_prompt("agents/wish", prompts).messages(
        attributes="\n".join(f"- {_described(a)}" for a in attributes), wish=named.rest
    )
    schema = _schema(tuple(attributes))
    answer = await structured(
        model, [system, *_examples(attributes), question], schema, stage="understand", max_tokens=220
    )
    fields: dict[str, Any] = answer.model_dump()
    conditions = tuple(c for a in attributes for c in _conditions(a, fields, named.rest))
    where = catalogue.validated(Filter(conditions=conditions))
    unchecked = tuple(words for words in fields["other"] if not words.strip().endswith("?"))
    if year_bounds(named.rest) is not None:
        unchecked = tuple(words for words in unchecked if year_bounds(words) is None)
    return Wish(text, where, unchecked, named.item_ids)


def _usable(attribute: Attribute) -> bool:
    if attribute.name.startswith("_"):  # no name for the field of a schema
        return False
    if attribute.kind == "number":
        return attribute.minimum is not None
    return attribute.kind in {"category", "categories"} and 0 < len(attribute.values) <= _MOST_VALUES


def _described(attribute: Attribute) -> str:
    if attribute.kind == "number":
        return f"{attribute.name}: {attribute.minimum:g} to {attribute.maximum:g}"
    return f"{attribute.name}: {', '.join(sorted(attribute.values))}"


def _schema(attributes: tuple[Attribute, ...]) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for attribute in attributes:
        if attribute.kind == "number":
            bound: Any = Annotated[float, Field(ge=attribute.minimum, le=attribute.maximum)] | None
            if attribute.integral:
                bound = (
                    Annotated[int, Field(ge=int(attribute.minimum or 0), le=int(attribute.maximum or 0))]
                    | None
                )
            fields |= {f"{attribute.name}_from": (bound, ...), f"{attribute.name}_to": (bound, ...)}
        else:
            value: Any = Literal[tuple(sorted(attribute.values))]
            values = Annotated[list[value], Field(max_length=4)]
            fields |= {f"{attribute.name}_in": (values, ...), f"{attribute.name}_not_in": (values, ...)}
    words = Annotated[str, Field(min_length=1, max_length=80)]
    fields["other"] = (Annotated[list[words], Field(max_length=3)], ...)
    return create_model("WishConditions", __config__=ConfigDict(extra="forbid"), **fields)


def _examples(attributes: list[Attribute]) -> Iterator[BaseMessage]:
    """Yield worked examples in the terms of this catalogue: the same for every user, so they stay in the prefix cache."""
    empty: dict[str, Any] = {}
    for attribute in attributes:
        name = attribute.name
        both = (
            (f"{name}_from", f"{name}_to") if attribute.kind == "number" else (f"{name}_in", f"{name}_not_in")
        )
        empty |= dict.fromkeys(both, None if attribute.kind == "number" else [])
    empty["other"] = []
    category = next((a for a in attributes if a.kind != "number" and len(a.values) >= 5), None)
    number = next((a for a in attributes if a.kind == "number"), None)
    examples: list[tuple[str, dict[str, Any]]] = [("what should I take?", {})]
    if category is not None:
        name, v = category.name, category.values
        examples += [
            (
                f"{v[3].lower()} or {v[4].lower()} with a good soundtrack",
                {f"{name}_in": [v[3], v[4]], "other": ["with a good soundtrack"]},
            ),
            (
                f"no {v[2].lower()} please, and nothing too long",
                {f"{name}_not_in": [v[2]], "other": ["nothing too long"]},
            ),
            (f"I'm in the mood for {v[0].lower()}", {f"{name}_in": [v[0]]}),
        ]
    if number is not None and number.minimum is not None and number.maximum is not None:
        middle = round((number.minimum + number.maximum) / 2)
        examples += [
            (f"{number.name} above {middle}", {f"{number.name}_from": middle + 1}),
            (
                f"something quiet with {number.name} before {middle + 7}",
                {f"{number.name}_to": middle + 6, "other": ["something quiet"]},
            ),
        ]
    for wish, fields in examples:
        yield HumanMessage(json.dumps(wish, ensure_ascii=False))
        yield AIMessage(json.dumps({**empty, **fields}, ensure_ascii=False))


def _conditions(attribute: Attribute, fields: dict[str, Any], text: str) -> Iterator[Condition]:
    name = attribute.name
    if attribute.kind == "number":
        low, high = _ends(attribute, fields, text)
        if low is not None and high is not None:
            yield Condition(attribute=name, op="between", values=(min(low, high), max(low, high)))
        elif low is not None:
            yield Condition(attribute=name, op=">=", values=(low,))
        elif high is not None:
            yield Condition(attribute=name, op="<=", values=(high,))
        return
    wanted, unwanted = fields[f"{name}_in"], fields[f"{name}_not_in"]
    if wanted:
        yield Condition(attribute=name, op="in", values=tuple(dict.fromkeys(wanted)))
    rest = [value for value in dict.fromkeys(unwanted) if value not in wanted]
    if rest:
        yield Condition(attribute=name, op="not in", values=tuple(rest))


def _ends(attribute: Attribute, fields: dict[str, Any], text: str) -> tuple[float | None, float | None]:
    """Return the bounds on a number: of a year as the words have it, if code can read them, else as the model has them."""
    name = attribute.name
    stated = year_bounds(text) if is_year(name, attribute.maximum or 0.0) else None
    if stated is not None:
        return stated
    return _mentioned(fields[f"{name}_from"], text), _mentioned(fields[f"{name}_to"], text)


def _mentioned(bound: float | None, text: str) -> float | None:
    """Return a bound if the wish's own numbers account for it, or if the wish has no numbers at all.

    A year two off a number of the wish is accounted for ("before 1990": 1989), as are both ends of a decade ("1980s": 1980, 1989).
    """
    if bound is None:
        return None
    starts = [int(n) if len(n) == 4 else 1900 + int(n) for n in re.findall(r"\b(\d{4}|\d0)['’]?s\b", text)]
    numbers = [float(n) for n in re.findall(r"\d+(?:\.\d+)?", text)]
    if not starts and not numbers:
        return bound
    near = any(abs(bound - number) <= 1 for number in numbers)
    return bound if near or any(start - 1 <= bound <= start + 10 for start in starts) else None

"""Checking a filter against a catalogue's attributes, with the nearest valid name where one is wrong."""

from collections.abc import Iterable, Mapping

from limner.errors import InvalidFilter
from limner.tools.attributes import Attribute, Kind
from limner.tools.filters import Condition, Filter, plain
from limner.tools.names import nearest

__all__ = ["validated"]

_OPERATORS: Mapping[Kind, tuple[str, ...]] = {
    "category": ("in", "not in"),
    "categories": ("in", "not in"),
    "number": ("between", ">", ">=", "<", "<=", "in", "not in"),
    "text": ("contains",),
}


def validated(where: Filter, schema: Mapping[str, Attribute]) -> Filter:
    """Return the filter with attributes and values spelt as the schema spells them.

    Raises:
        InvalidFilter: An attribute or a value does not exist, or an operator does not fit the kind.
    """
    return Filter(conditions=tuple(_validated(condition, schema) for condition in where.conditions))


def _validated(condition: Condition, schema: Mapping[str, Attribute]) -> Condition:
    attribute = schema[_spelt(condition.attribute, schema, "attribute")]
    operators = _OPERATORS[attribute.kind]
    if condition.op not in operators:
        raise InvalidFilter(
            f"{attribute.name!r} is a {attribute.kind} attribute and takes {', '.join(operators)}; not "
            f"{condition.op!r}.",
            operators,
        )
    values = condition.values
    if attribute.kind == "number":
        values = tuple(_number(attribute, value) for value in values)
    elif attribute.kind != "text":
        values = tuple(
            dict.fromkeys(_spelt(plain(v), attribute.values, f"value of {attribute.name!r}") for v in values)
        )
    return Condition(attribute=attribute.name, op=condition.op, values=values)


def _number(attribute: Attribute, value: str | float) -> float:
    try:
        return float(value)
    except ValueError:
        raise InvalidFilter(f"{attribute.name!r} takes numbers; {value!r} is none.") from None


def _spelt(name: str, names: Iterable[str], what: str) -> str:
    names = tuple(names)
    if name in names:
        return name
    wanted = name.strip().casefold()
    for candidate in names:
        if candidate.casefold() == wanted:
            return candidate
    close = tuple(nearest(name, names, n=3))
    offered = f"nearest: {', '.join(close)}" if close else f"there are: {', '.join(names[:30])}"
    raise InvalidFilter(f"There is no {what} called {name!r}; {offered}.", close or names[:30])

"""A schema of filters for one catalogue, so that a language model under a grammar can only write valid ones."""

from collections.abc import Container, Mapping
from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, create_model

from limner.tools.attributes import Attribute, Kind
from limner.tools.catalogue import Catalogue
from limner.tools.filters import Condition, Filter

__all__ = ["FilterDraft", "filter_schema"]

_MOST_VALUES = 200
"""Beyond this many values a grammar that lists them costs more than a wrong value that is sent back."""


class _ConditionDraft(BaseModel):
    model_config = ConfigDict(extra="forbid")

    attribute: str

    def condition(self) -> Condition:
        raise NotImplementedError


class _MembershipDraft(_ConditionDraft):
    op: Literal["in", "not in"]
    values: list[str]

    def condition(self) -> Condition:
        return Condition(attribute=self.attribute, op=self.op, values=tuple(dict.fromkeys(self.values)))


class _RangeDraft(_ConditionDraft):
    op: Literal["between"]
    low: float
    high: float

    def condition(self) -> Condition:
        # The grammar cannot say that one end is below the other; which is meant is plain either way.
        return Condition(attribute=self.attribute, op="between", values=tuple(sorted((self.low, self.high))))


class _ComparisonDraft(_ConditionDraft):
    op: Literal[">=", "<="]
    value: float

    def condition(self) -> Condition:
        return Condition(attribute=self.attribute, op=self.op, values=(self.value,))


class _TextDraft(_ConditionDraft):
    op: Literal["contains"]
    text: Annotated[str, Field(min_length=1, max_length=40)]

    def condition(self) -> Condition:
        return Condition(attribute=self.attribute, op="contains", values=(self.text,))


class FilterDraft(BaseModel):
    """A filter as a model writes it; `to_filter` makes the real one. `filter_schema` gives the subclass for a catalogue."""

    model_config = ConfigDict(extra="forbid")

    conditions: list[Any]

    def to_filter(self) -> Filter:
        """Return the filter; it still wants `Catalogue.validated` where an attribute has too many values to list."""
        return Filter(conditions=tuple(dict.fromkeys(draft.condition() for draft in self.conditions)))


def filter_schema(
    catalogue: Catalogue,
    *,
    kinds: Container[Kind] = ("category", "categories", "number", "text"),
    most_conditions: int = 4,
    most_values: int = 4,
) -> type[FilterDraft]:
    """Build the model class whose JSON schema admits the filters of this catalogue.

    It is a union by kind of attribute: every categorical attribute with its values enumerated, then all numeric ones,
    then all texts. Equal catalogues give equal schemas, so a prompt or a grammar that holds one can be cached. Numbers have no
    bounds: a model that must not say 2020 says another year instead, and an empty result is the more honest answer.

    Args:
        catalogue: The catalogue to filter.
        kinds: Kinds of attributes to offer. Small models put into `text` whatever fits nowhere else, so leave it
            out for those.
        most_conditions: Longest list of conditions.
        most_values: Longest list of values in a condition.
    """
    offered = [attribute for attribute in catalogue.attributes() if attribute.kind in kinds]
    drafts: list[type[_ConditionDraft]] = [
        _membership(attribute, most_values) for attribute in offered if attribute.values
    ]
    drafts += _numeric([attribute for attribute in offered if attribute.kind == "number"])
    texts = [attribute.name for attribute in offered if attribute.kind == "text"]
    if texts:
        drafts.append(_named("TextCondition", _TextDraft, texts, {}))
    condition: Any = Union[tuple(drafts)] if drafts else _ConditionDraft  # noqa: UP007 - a union made at run time
    conditions = Annotated[list[condition], Field(max_length=most_conditions if drafts else 0)]
    return create_model("CatalogueFilter", __base__=FilterDraft, conditions=(conditions, ...))


def _membership(attribute: Attribute, most_values: int) -> type[_ConditionDraft]:
    value: Any = Literal[attribute.values]
    if len(attribute.values) > _MOST_VALUES:
        value = Annotated[str, Field(min_length=1, max_length=60)]
    values = Annotated[list[value], Field(min_length=1, max_length=most_values)]
    title = "".join(word.capitalize() for word in attribute.name.split("_"))
    return _named(f"{title}Condition", _MembershipDraft, [attribute.name], {"values": (values, ...)})


def _numeric(attributes: list[Attribute]) -> list[type[_ConditionDraft]]:
    if not attributes:
        return []
    names = [attribute.name for attribute in attributes]
    number: Any = int if all(attribute.integral for attribute in attributes) else float
    return [
        _named("RangeCondition", _RangeDraft, names, {"low": (number, ...), "high": (number, ...)}),
        _named("ComparisonCondition", _ComparisonDraft, names, {"value": (number, ...)}),
    ]


def _named(
    title: str, base: type[_ConditionDraft], names: list[str], fields: Mapping[str, Any]
) -> type[_ConditionDraft]:
    # Redefined in the base's order, which is the order in which a grammar makes the model write the fields.
    attribute: Any = Literal[tuple(names)]
    return create_model(title, __base__=base, attribute=(attribute, ...), **fields)

"""Catalogue and recommenders as LangChain tools over one candidate bus.

A model sees titles, attributes and numbers, never ids; what it asks for wrongly comes back to it as a message that says what
would be right.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from langchain_core.tools import BaseTool, ToolException
from pydantic import Field, create_model

from limner.errors import InputError, InvalidFilter
from limner.tools.bus import CandidateBus
from limner.tools.catalogue import Catalogue, Item
from limner.tools.filters import Filter
from limner.tools.lines import described, numbered
from limner.tools.recommenders.protocol import Recommender

__all__ = ["LookUpTool", "NarrowTool", "RankTool", "RetrieveTool", "ShowTool", "toolbox"]

_MOST = 50
"""Most items that one call adds or lists: a prompt is not a database."""
_PREVIEW = 5


def toolbox(catalogue: Catalogue, recommenders: Sequence[Recommender], bus: CandidateBus) -> list[BaseTool]:
    """Return the tools `retrieve`, `narrow`, `look_up`, `rank` and `show` over a bus.

    Args:
        catalogue: What the filters are checked against.
        recommenders: Fitted on that catalogue; the first is the default.
        bus: The candidates of one request, which holds the user's history.

    Raises:
        InputError: There is no recommender, two have the same name, or catalogue, bus and recommenders do not
            belong together.
    """
    by_name = {recommender.name: recommender for recommender in recommenders}
    if not by_name or len(by_name) < len(recommenders):
        raise InputError("A toolbox needs one recommender or more, each under a name of its own.")
    for owner in (bus.catalogue, *(recommender.catalogue for recommender in recommenders)):
        if owner is not catalogue and owner.version != catalogue.version:
            raise InputError("The bus and the recommenders must be over the catalogue of the toolbox.")
    return [
        RetrieveTool(bus=bus, recommenders=by_name),
        NarrowTool(bus=bus),
        LookUpTool(bus=bus),
        RankTool(bus=bus, recommenders=by_name),
        ShowTool(bus=bus),
    ]


def mistakes(error: Any) -> str:  # noqa: ANN401 - pydantic's error, of version 1 or 2
    """Return what is wrong with the arguments of a call, in words for the model that made it."""
    said = [f"{'.'.join(str(place) for place in found['loc'])}: {found['msg']}" for found in error.errors()]
    return f"Nothing was done. {'; '.join(said)}."


class _BusTool(BaseTool):
    """Base: a tool bound to one bus, whose mistakes go back to the model."""

    bus: CandidateBus = Field(exclude=True, repr=False)
    handle_tool_error: Any = True
    handle_validation_error: Any = mistakes

    def _preview(self, ids: Iterable[str] | None = None, n: int = _PREVIEW) -> str:
        candidates = (
            self.bus.top(n) if ids is None else [self.bus.candidate(item_id) for item_id in list(ids)[:n]]
        )
        return "\n".join(numbered(candidate) for candidate in candidates)


class RetrieveTool(_BusTool):
    """Adds candidates that a recommender finds for this user."""

    name: str = "retrieve"
    description: str = ""
    recommenders: dict[str, Recommender] = Field(exclude=True, repr=False)

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401 - pydantic's signature
        """Describe the tool and its arguments for this catalogue."""
        super().model_post_init(context)
        self.description = (
            "Add to the candidates what a trained recommender finds for this user, best first. Never finds what the "
            f"user has had. {_grammar(self.bus.catalogue)}"
        )
        self.args_schema = create_model(
            "Retrieve",
            recommender=(
                _one_of(self.recommenders),
                Field(next(iter(self.recommenders)), description="which recommender"),
            ),
            where=(
                str,
                Field(
                    "",
                    max_length=500,
                    description="conditions that every item found must satisfy; empty for none",
                ),
            ),
            k=(int, Field(20, ge=1, le=_MOST, description="how many to add")),
        )

    def _run(self, recommender: str = "", where: str = "", k: int = 20) -> str:
        model = self.recommenders[recommender] if recommender else next(iter(self.recommenders.values()))
        call = self.bus.retrieve(model, _filter(self.bus.catalogue, where), k)
        if not call.added:
            return f"Nothing new: {_why_nothing(self.bus, where)} {_count(self.bus)}"
        return f"Added {len(call.added)}, {_count(self.bus)} The first of those added:\n{self._preview(call.added)}"


class NarrowTool(_BusTool):
    """Keeps the candidates that satisfy a filter, unless that is none of them."""

    name: str = "narrow"
    description: str = ""

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401 - pydantic's signature
        """Describe the tool and its arguments for this catalogue."""
        super().model_post_init(context)
        self.description = (
            "Keep only the candidates that satisfy conditions; where none does, all are kept. "
            f"{_grammar(self.bus.catalogue)}"
        )
        self.args_schema = create_model(
            "Narrow", where=(str, Field(max_length=500, description="conditions that must all hold"))
        )

    def _run(self, where: str) -> str:
        wanted = _filter(self.bus.catalogue, where)
        if not wanted:
            raise ToolException("`where` is empty: name at least one condition.")
        if not self.bus.matching(wanted):
            return f"No candidate satisfies {wanted}; nothing was removed. {_count(self.bus)}"
        call = self.bus.narrow(wanted)
        return f"Removed {len(call.removed)}, {_count(self.bus)} The best now:\n{self._preview()}"


class LookUpTool(_BusTool):
    """Tells what the catalogue says of a title."""

    name: str = "look_up"
    description: str = "Tell what the catalogue has under a title, and whether the user has had it."

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401 - pydantic's signature
        """Describe the arguments."""
        super().model_post_init(context)
        self.args_schema = create_model(
            "LookUp", title=(str, Field(min_length=1, description="the title, or part of it"))
        )

    def _run(self, title: str) -> str:
        found = self.bus.catalogue.find(title)
        if not found:
            return f"The catalogue has nothing that is called or sounds like {title!r}."
        return "\n".join(f"{described(item, numbers=True)} ({self._standing(item)})" for item in found)

    def _standing(self, item: Item) -> str:
        if item.id in self.bus.barred:
            return "the user has had it"
        if item.id in self.bus:
            return f"candidate number {self.bus.candidate(item.id).number}"
        return "not a candidate yet"


class RankTool(_BusTool):
    """Orders the candidates by a recommender or by a number."""

    name: str = "rank"
    description: str = ""
    recommenders: dict[str, Recommender] = Field(exclude=True, repr=False)

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401 - pydantic's signature
        """Describe the tool and its arguments for this catalogue."""
        super().model_post_init(context)
        numbers = [
            attribute.name for attribute in self.bus.catalogue.attributes() if attribute.kind == "number"
        ]
        self.description = (
            "Order the candidates by how well a recommender thinks they fit this user, or by a number."
        )
        self.args_schema = create_model(
            "Rank",
            by=(
                _one_of([*self.recommenders, *numbers]),
                Field(description="a recommender, or a numeric attribute"),
            ),
            descending=(bool, Field(True, description="for an attribute: largest first")),
        )

    def _run(self, by: str, descending: bool = True) -> str:
        if not len(self.bus):
            return "There are no candidates yet: retrieve some first."
        if by in self.recommenders:
            self.bus.rank(self.recommenders[by])
        else:
            self.bus.sort(by, descending=descending)
        return f"Ordered by {by}. The best now:\n{self._preview()}"


class ShowTool(_BusTool):
    """Lists the best candidates."""

    name: str = "show"
    description: str = "List the best candidates, each with its number, title and attributes."

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401 - pydantic's signature
        """Describe the arguments."""
        super().model_post_init(context)
        self.args_schema = create_model("Show", n=(int, Field(10, ge=1, le=_MOST, description="how many")))

    def _run(self, n: int = 10) -> str:
        if not len(self.bus):
            return "There are no candidates yet: retrieve some first."
        return f"{_count(self.bus)}\n{self._preview(n=n)}"


def _grammar(catalogue: Catalogue) -> str:
    """Return how to write conditions, with what this catalogue has: the same words for equal catalogues."""
    lines = []
    for attribute in catalogue.attributes():
        if attribute.kind == "number":
            lines.append(
                f"{attribute.name} between LOW HIGH, or >, >=, <, <= ({attribute.minimum:g} to {attribute.maximum:g})"
            )
        elif attribute.kind == "text":
            lines.append(f"{attribute.name} contains WORDS")
        else:
            more = " and others" if len(attribute.values) > _MOST else ""
            lines.append(
                f"{attribute.name} in {{A, B}} or not in {{A, B}}, of {', '.join(attribute.values[:_MOST])}{more}"
            )
    return f"Conditions are joined by 'and': {'; '.join(lines)}."


def _filter(catalogue: Catalogue, where: str) -> Filter:
    try:
        return catalogue.validated(Filter.parse(where))
    except InvalidFilter as error:
        raise ToolException(f"{error} Nothing was changed.") from error


def _one_of(names: Iterable[str]) -> Any:  # noqa: ANN401 - a type made at run time
    return Literal[tuple(names)]


def _count(bus: CandidateBus) -> str:
    return f"{len(bus)} candidate{'' if len(bus) == 1 else 's'} now."


def _why_nothing(bus: CandidateBus, where: str) -> str:
    there = bus.catalogue.select(where)
    if not there:
        return "the catalogue has nothing that satisfies these conditions."
    if all(item_id in bus.barred for item_id in there):
        return f"the user has had all {len(there)} that satisfy these conditions."
    return "all of these were candidates already."

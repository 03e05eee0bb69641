"""The lines of an export: one kind of line a table, made from the table itself, and what a line must be to be taken in.

A new column is exported without more ado; a new table has to be named here, as a kind, as a part of one, or as derived.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Base64UrlBytes,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    TypeAdapter,
    create_model,
)
from sqlalchemy import JSON, Boolean, Column, Float, Integer, LargeBinary, String, Table

from limner.memory import schema
from limner.memory.columns import UTCDateTime
from limner.memory.receipts import ErasureKind
from limner.memory.records import Author, Event, Evidence, Media, PortraitLine, Standing, SuggestionState

__all__ = ("DERIVED", "FORMAT", "KINDS", "Kind", "Line", "Part", "any_line")

FORMAT = 1
"""Version of the format; a reader refuses a higher one."""

DERIVED = frozenset({"documents", "outbox", "store", "stray_indexes", "terms", "tombstones", "vectors"})
"""Tables that are made anew from the others, or that are about one store and not about its users."""


class Line(BaseModel):
    """Base of every line: closed to unknown fields, and without NaN, which JSON does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Basis(Line):
    owner_kind: Literal["observation", "proposition"]
    owner_id: Annotated[str, Field(max_length=36)]


@dataclass(frozen=True)
class Part:
    """Rows of another table that stand inside a line, in order.

    Args:
        table: Which.
        owner: Its column that names the line they belong to.
        columns: Those that are exported; one alone stands without its name.
        order: Its column by which they are sorted.
        type: What each must be.
        numbered: A column that only counts them.
    """

    table: Table
    owner: str
    columns: tuple[str, ...]
    order: str
    type: Any
    numbered: str | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of line.

    Args:
        name: What stands in `record`.
        table: The table whose rows it holds.
        omitted: Columns that mean nothing outside of this store.
        renamed: Columns that have another name in the line.
        types: What columns hold where the database would take more.
        parts: Rows of other tables inside the line, by field.
        changing: Columns that later work, or an erasure, changes; the others are what a row is.
        names: Columns that name rows of other tables by their ids.
        ahead: Moments that may lie in the future.
    """

    name: str
    table: Table
    omitted: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Part] = field(default_factory=dict)
    changing: frozenset[str] = frozenset()
    names: Mapping[str, Table] = field(default_factory=dict)
    ahead: frozenset[str] = frozenset()

    @property
    def columns(self) -> dict[str, str]:
        """The exported columns, and the field of each."""
        names = [column.name for column in self.table.columns if column.name not in self.omitted]
        return {name: self.renamed.get(name, name) for name in names}

    @property
    def key(self) -> tuple[str, ...]:
        """The columns by which a row is known, that of the user left out."""
        return tuple(c.name for c in self.table.primary_key.columns if c.name != "user_id")

    def model(self) -> type[Line]:
        """Return what a line of this kind must be."""
        fields: dict[str, Any] = {"record": (Literal[self.name], ...)}
        for name, shown in self.columns.items():
            column = self.table.columns[name]
            held: Any = self.types.get(name, _type(column))
            fields[shown] = (held | None, None) if column.nullable else (held, ...)
        for shown, part in self.parts.items():
            fields[shown] = (_tuple_of(part.type), ())
        made: type[Line] = create_model(f"{self.name.title()}Line", __base__=Line, **fields)
        return made


def _tuple_of(held: Any) -> Any:  # noqa: ANN401 - a type, plain or annotated
    return tuple[held, ...]


def _type(column: Column[Any]) -> Any:  # noqa: ANN401 - a type, plain or annotated
    kinds: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
        (UTCDateTime, lambda _: AwareDatetime),
        (Boolean, lambda _: StrictBool),
        (Float, lambda _: float),
        (Integer, lambda _: Annotated[int, Field(ge=-(2**31), lt=2**31)]),
        (LargeBinary, lambda _: Base64UrlBytes),
        (JSON, lambda _: Annotated[JsonValue, AfterValidator(_storable)]),
        (String, lambda kind: Annotated[str, Field(max_length=kind.length), AfterValidator(_storable)]),
    )
    return next(make(column.type) for kind, make in kinds if isinstance(column.type, kind))


def _storable(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Return the value if PostgreSQL can hold it too: without NUL."""
    if isinstance(value, str) and "\0" in value:
        raise ValueError("NUL is no text")
    if isinstance(value, dict):
        for name, part in value.items():
            _storable(name)
            _storable(part)
    elif isinstance(value, list):
        for part in value:
            _storable(part)
    return value


def _json(type: Any) -> Any:  # noqa: ANN401 - a type, plain or annotated
    """Return the type of a JSON value that could be read as `type`, and stays as it is."""
    adapter: TypeAdapter[Any] = TypeAdapter(type)

    def check(value: JsonValue) -> JsonValue:
        adapter.validate_python(value)
        return value

    return Annotated[JsonValue, AfterValidator(_storable), AfterValidator(check)]


def _words(length: int | None = None) -> Any:  # noqa: ANN401 - a type, plain or annotated
    def check(text: str) -> str:
        if not text.strip():
            raise ValueError("is empty")
        return text

    return Annotated[str, Field(max_length=length), AfterValidator(_storable), AfterValidator(check)]


_SOURCE = _words(256)

_USER = Kind("user", schema.users, omitted=frozenset({"version", "epoch", "index_key"}))
KINDS: tuple[Kind, ...] = (
    _USER,
    Kind(
        "source",
        schema.sources,
        types={"source": _SOURCE, "retain_days": Annotated[int, Field(ge=0, le=36500)]},
    ),
    Kind("consent", schema.consents, types={"source": _SOURCE}),
    Kind("merge", schema.merges),
    Kind(
        "observation",
        schema.observations,
        # A claim is a lease of one process on one store; elsewhere what it holds simply waits.
        omitted=frozenset({"claim_id", "claim_holder", "claim_expires_at"}),
        types={
            "text": _words(),
            "source": _SOURCE,
            "author": Author,
            "event": _json(Event),
            "media": _json(Media),
            "state": Literal["pending", "done", "parked"],
            "attempts": Annotated[int, Field(ge=0, lt=2**31)],
        },
        changing=frozenset({"state", "attempts", "next_attempt_at", "last_error", "key"}),
        ahead=frozenset({"next_attempt_at"}),
    ),
    Kind("batch", schema.batch_members, names={"observation_id": schema.observations}),
    Kind(
        "proposition",
        schema.propositions,
        renamed={"group_id": "group"},
        types={
            "text": _words(),
            "confidence": Annotated[float, Field(ge=1, le=10)],
            "durability": Annotated[int, Field(ge=1, le=10)],
            "standing": Annotated[int, Field(ge=min(Standing), le=max(Standing))],
        },
        changing=frozenset({
            "retired_at",
            "retired_because",
            "retired_by_batch",
            "withheld_at",
            "withheld_because",
            "denied_at",
            "reasoning",
        }),
        ahead=frozenset({"valid_from", "valid_until"}),
        parts={
            "evidence": Part(
                schema.evidence,
                "proposition_id",
                ("observation_id", "start", "end", "quote", "polarity", "part"),
                "position",
                Evidence,
                numbered="position",
            ),
            "supersedes": Part(
                schema.supersessions,
                "proposition_id",
                ("superseded_id",),
                "superseded_id",
                Annotated[str, Field(max_length=36)],
            ),
        },
    ),
    Kind(
        "portrait",
        schema.portraits,
        types={"lines": _json(tuple[PortraitLine, ...])},
        parts={
            "basis": Part(
                schema.portrait_basis,
                "portrait_id",
                ("owner_kind", "owner_id"),
                "owner_id",
                _Basis,
            )
        },
    ),
    Kind("audit", schema.audit_log, changing=frozenset({"reason"})),
    Kind(
        "verdict",
        schema.verdicts,
        types={"kind": Literal["confirm", "correct", "deny", "pin", "unpin"]},
        changing=frozenset({"proposition_id"}),
        names={"observation_id": schema.observations, "proposition_id": schema.propositions},
    ),
    Kind(
        "suggestion",
        schema.suggestions,
        types={
            "text": _words(),
            "probability": Annotated[float, Field(ge=0, le=1)],
            "value": Annotated[float, Field(ge=1, le=10)],
            "cost": Annotated[float, Field(ge=1, le=10)],
            "state": SuggestionState,
        },
        changing=frozenset({"state", "decided_at", "observation_id"}),
        names={"observation_id": schema.observations},
    ),
    Kind(
        "suggestion_basis",
        schema.suggestion_basis,
        names={"suggestion_id": schema.suggestions, "proposition_id": schema.propositions},
    ),
    Kind(
        "erasure",
        schema.erasures,
        types={"kind": ErasureKind, "counts": _json(dict[str, int]), "remnants": _json(list[str])},
        changing=frozenset({"counts", "remnants"}),
    ),
    Kind(
        "rederivation",
        schema.rederivations,
        names={"erasure_id": schema.erasures, "observation_id": schema.observations},
    ),
    Kind("checkpoint", schema.checkpoints),
    Kind("checkpoint_write", schema.checkpoint_writes),
)
"""Every kind of line of a user's section, in the order in which they stand there."""


class HeaderLine(Line):
    """The first line: who wrote the file, and how."""

    record: Literal["limner"]
    format: int
    limner: str
    """Version of limner."""
    schema_version: str
    encoder: str | None = None
    """The encoder with which the store was opened, and its version if it has made vectors; these name theirs one by one."""
    encoder_version: str | None = None
    exported_at: AwareDatetime


class VectorLine(Line):
    """A vector of an observation or a proposition: little-endian 32-bit floats of unit length."""

    record: Literal["vector"]
    user_id: Annotated[str, Field(max_length=256)]
    owner_kind: Literal["observation", "proposition"]
    owner_id: Annotated[str, Field(max_length=36)]
    encoder: Annotated[str, Field(max_length=200), AfterValidator(_storable)]
    encoder_version: Annotated[str, Field(max_length=100), AfterValidator(_storable)]
    dimension: Annotated[int, Field(ge=1, le=65536)]
    vector: Base64UrlBytes


class EndLine(Line):
    """The last line; a file without it was cut off."""

    record: Literal["end"]
    lines: int
    """Lines before this one."""


@cache
def any_line() -> TypeAdapter[Line]:
    """Return what reads a line of any kind; made when it is first needed."""
    models = [kind.model() for kind in KINDS] + [HeaderLine, VectorLine, EndLine]
    union: Any = models[0]
    for model in models[1:]:
        union |= model
    return TypeAdapter(Annotated[union, Field(discriminator="record")])

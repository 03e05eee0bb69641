"""Tables of what was suggested to the user unasked, and what they made of it."""

from sqlalchemy import CheckConstraint, Column, Float, ForeignKey, Index, String, Table, Text

from limner.memory.columns import UTCDateTime, metadata, of_user

__all__ = ("suggestion_basis", "suggestions")

suggestions = Table(
    "suggestions",
    metadata,
    of_user(),
    Column("id", String(36), primary_key=True),
    Column("text", Text, nullable=False),
    # That it helps, from 0 to 1; how much it helps then, and what interrupting costs, from 1 to 10.
    Column("probability", Float, nullable=False),
    Column("value", Float, nullable=False),
    Column("cost", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
    Column("decided_at", UTCDateTime),
    # The observation that says how the user decided; none where nothing may be recorded.
    Column("observation_id", String(36), ForeignKey("observations.id", ondelete="SET NULL")),
    Column("model", Text),
    Column("prompt_hash", String(64)),
    CheckConstraint("state IN ('offered', 'shown', 'accepted', 'dismissed')", name="state"),
    Index(None, "user_id", "made_at"),
    Index(None, "observation_id"),
)

# The versions of propositions that a suggestion rests on.
suggestion_basis = Table(
    "suggestion_basis",
    metadata,
    of_user(),
    Column("suggestion_id", String(36), ForeignKey("suggestions.id", ondelete="CASCADE"), primary_key=True),
    Column("proposition_id", String(36), ForeignKey("propositions.id", ondelete="CASCADE"), primary_key=True),
    Index(None, "user_id", "proposition_id"),
    Index(None, "proposition_id"),
)

"""Observations, drafts and propositions made by hand."""

from datetime import UTC, datetime, timedelta

from limner.memory import Event, Evidence, Observation, Proposition, Standing, new_id
from limner.profiles.propositions.drafts import Draft

START = datetime(2025, 3, 1, 12, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def told(text: str, number: int = 0, **fields: object) -> Observation:
    """An observation in words, made on a day."""
    known = {"user_id": "ada", "text": text, "occurred_at": day(number), "recorded_at": day(number)}
    return Observation(**{**known, **fields})


def rated(
    title: str, value: float | None, number: int = 0, kind: str = "rating", **attributes
) -> Observation:
    """A rating of 1 to 5 for an item with these attributes."""
    event = Event(
        kind=kind,
        item_id=title,
        title=title,
        item_type="film",
        value=value,
        scale=(1, 5) if value is not None else None,
        attributes=attributes,
    )
    return told(f"Rated {title} {value}", number, event=event)


def evidence(*ids: str, polarity: str = "supports") -> tuple[Evidence, ...]:
    return tuple(Evidence(observation_id=id, start=0, end=4, quote="said", polarity=polarity) for id in ids)


def draft(text: str, *ids: str, on: int = 0, **fields: object) -> Draft:
    known = {"text": text, "evidence": evidence(*(ids or ("o1",))), "occurred_at": day(on)}
    return Draft(**{**known, "standing": Standing.STATED, **fields})


def held(text: str, *ids: str, on: int = 0, **fields: object) -> Proposition:
    id = new_id()
    known = {
        "id": id,
        "user_id": "ada",
        "text": text,
        "confidence": 6.0,
        "durability": 5,
        "standing": Standing.STATED,
        "evidence": evidence(*(ids or ("o0",))),
        "valid_from": day(on),
        "group": id,
    }
    return Proposition(**{**known, **fields})

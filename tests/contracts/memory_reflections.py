"""What a reflection would do, without a model: claims, propositions and their evidence, by hand."""

from collections.abc import Mapping, Sequence

from limner.memory import Evidence, Observation, Proposition, Standing, UserMemory, new_id


def quote(observation: Observation, words: str | None = None, **fields: object) -> Evidence:
    """Evidence that quotes `words` of an observation, by default all of it."""
    words = observation.text if words is None else words
    start = observation.text.index(words)
    return Evidence(observation_id=observation.id, start=start, end=start + len(words), quote=words, **fields)


def proposed(user: UserMemory, text: str, *observations: Observation, **fields: object) -> Proposition:
    """A proposition that rests on the whole of some observations, the first of its line unless told."""
    id = new_id()
    known = {
        "id": id,
        "group": id,
        "user_id": user.user_id,
        "text": text,
        "confidence": 6,
        "durability": 5,
        "evidence": tuple(quote(observation) for observation in observations),
    }
    return Proposition(**{**known, **fields})


def revision_of(
    user: UserMemory, old: Proposition, text: str, *observations: Observation, **fields: object
) -> Proposition:
    """A proposition that supersedes another, and rests on its evidence and some more."""
    evidence = old.evidence + tuple(quote(observation) for observation in observations)
    known = {"group": old.group, "supersedes": (old.id,), "evidence": evidence}
    return proposed(user, text, **{**known, **fields})


def reflect(
    user: UserMemory, *add: Proposition, retire: Mapping[str, str] | None = None
) -> Sequence[Proposition]:
    """Apply propositions to the oldest pending batch, and return those held afterwards."""
    batch = user.claim(10_000, len)
    assert batch is not None
    user.apply(batch, add=add, retire=retire or {})
    return user.propositions()


def stated(user: UserMemory, text: str, *observations: Observation) -> Proposition:
    """A proposition that the user said themself."""
    return proposed(user, text, *observations, standing=Standing.STATED)

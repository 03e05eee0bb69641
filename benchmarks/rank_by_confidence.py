"""Find out whether confidence that takes part in the ranking brings up more statements that turn out to hold.

    python benchmarks/rank_by_confidence.py [--users 80] [--seed 0]

For MovieLens-100K: claims from the first half of each person's ratings, with the confidence that the shipped maps give them, are stored as
propositions and searched with the fitted fusion and a weight for confidence. A claim among the first three is right where it is about
what was asked (liked, or not) and the person's later ratings bear it out. Beside it: of a question about
one genre or decade that a claim is about, how often a claim about that is still the first to be found. The maps were fitted on the first half of the people, so the
weight is chosen on half of those people who are left and reported on the rest.
"""

import argparse
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from limner.api import Limner
from limner.evals.calibration.claims import Claim
from limner.evals.calibration.contrasts import computed_claims
from limner.evals.resampling import paired_bootstrap_mean
from limner.inference.encoder import encoder as encoder_of
from limner.memory.records import Evidence, NewObservation, Proposition, new_id
from limner.profiles.propositions.confidence import as_confidence
from limner.profiles.propositions.recalibration import calibrated
from limner.settings import RecallWeights, Settings

WEIGHTS = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0)
ASKED = (
    ("What kind of films does the user like?", "+"),
    ("Which films would the user enjoy tonight?", "+"),
    ("What kind of films does the user not like?", "-"),
    ("Which films should not be suggested to the user?", "-"),
)
K = 3
NAMED = 3
"""Claims of each person, about, that are asked for by name."""
LEAST = 6
"""Judged claims that a person must have, or there is nothing to rank."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=60, help="people of each half, at most")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sample = computed_claims("ml-100k")
    users = sorted(sample.users)
    # As `limner.evals.calibration.measuring` halves them: the first half is what the maps were fitted on.
    left = [users[i] for i in np.random.default_rng(options.seed).permutation(len(users))[len(users) // 2 :]]
    by_user: dict[str, list[Claim]] = {user: [] for user in left}
    for claim in sample.judged:
        if claim.user in by_user:
            by_user[claim.user].append(claim)
    rich = [user for user in left if len(by_user[user]) >= LEAST]
    halves = {"chosen on": rich[: options.users], "reported on": rich[options.users : 2 * options.users]}
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), dataset=None)
        encoder = encoder_of(settings)
        plain, vectors = encoder.encode_query, {}

        def remembered(texts: Sequence[str]) -> np.ndarray:
            if tuple(texts) not in vectors:  # the same four, over and over
                vectors[tuple(texts)] = plain(texts)
            return vectors[tuple(texts)]

        encoder.encode_query = remembered
        with Limner.open(settings=settings, encoder=encoder) as limner:
            for name, people in halves.items():
                print(f"{name}: {len(people)} people, {len(ASKED)} questions each")
                first: np.ndarray | None = None
                for user in people:
                    store(limner, user, by_user[user])
                for weight in WEIGHTS:
                    each = np.array([right(limner, user, by_user[user], weight) for user in people])
                    first = each if first is None else first
                    change = paired_bootstrap_mean(each.mean(axis=1)[:, 0] - first.mean(axis=1)[:, 0])
                    shares = each.mean(axis=(0, 1))
                    kept = float(
                        np.mean([still_found(limner, user, by_user[user], weight) for user in people])
                    )
                    print(
                        f"  confidence {weight:4.2f}: right {shares[0]:.3f} (change {change.value:+.3f} "
                        f"[{change.low:+.3f}, {change.high:+.3f}]), about what was asked {shares[1]:.3f}, held {shares[2]:.3f}, "
                        f"asked for by name and first {kept:.3f}",
                        flush=True,
                    )


def store(limner: Limner, user: str, claims: Sequence[Claim]) -> None:
    """Store claims as propositions, all with one observation as their evidence."""
    memory = limner.user(user).memory
    (seen,) = memory.observe_many([
        NewObservation("Rated films.", occurred_at=datetime(1998, 1, 1, tzinfo=UTC))
    ])
    batch = memory.claim(1000, len)
    assert batch is not None
    quoted = (Evidence(observation_id=seen.id, start=0, end=len(seen.text), quote=seen.text),)
    memory.apply(batch, add=[proposition(user, claim, quoted) for claim in claims])


def proposition(user: str, claim: Claim, evidence: tuple[Evidence, ...]) -> Proposition:
    id_ = new_id()
    confidence = as_confidence(calibrated(claim.probability, claim.kind))
    return Proposition(
        id=id_,
        user_id=user,
        text=claim.text,
        reasoning=f"{claim.topic}|{claim.held}",
        confidence=confidence,
        durability=7 if claim.kind == "rating" else 5,
        topic=claim.topic,
        evidence=evidence,
        group=id_,
    )


def right(limner: Limner, user: str, claims: Sequence[Claim], weight: float) -> list[list[float]]:
    """Return for each question the shares of the first that are right, about what was asked, and held."""
    weights = RecallWeights(fitted=1, lexical=0, dense=0, confidence=weight)
    found = []
    for question, sign in ASKED:
        hits = limner.user(user).memory.search(question, k=K, kinds=("proposition",), weights=weights)
        about, held = [], []
        for hit in hits:
            assert isinstance(hit.record, Proposition)
            topic, _, outcome = hit.record.reasoning.rpartition("|")
            about.append(float(topic.split("/")[1] == sign))
            held.append(float(outcome))
        found.append([float(np.mean(np.multiply(about, held))), float(np.mean(about)), float(np.mean(held))])
    return found


def still_found(limner: Limner, user: str, claims: Sequence[Claim], weight: float) -> float:
    """Return how often a claim about one genre or decade is the first to be found by a question about that."""
    weights = RecallWeights(fitted=1, lexical=0, dense=0, confidence=weight)
    found = []
    for claim in sorted(claims, key=lambda one: one.topic)[:: max(1, len(claims) // NAMED)]:
        value = claim.topic.split("/")[3]
        question = f"What does the user think of {value.lower()} films?"
        (hit,) = limner.user(user).memory.search(question, k=1, kinds=("proposition",), weights=weights)
        assert isinstance(hit.record, Proposition)
        found.append(float(str(hit.record.topic).split("/")[3] == value))
    return float(np.mean(found))


if __name__ == "__main__":
    main()

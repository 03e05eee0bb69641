"""How far a job has got, added up over units that are over and workers that are at work."""

from collections.abc import Collection, Sequence

from limner.api.cluster.job import ClusterStep, Unit
from limner.api.everyone import EveryoneStep

__all__ = ["Tally"]


class Tally:
    """Counts of a job.

    Args:
        units: All of them.
    """

    def __init__(self, units: Collection[Unit]) -> None:
        self.users = 0
        """Of units, and of attempts at one, that are over."""
        self.observations = 0
        # Of a shard it is known once it is open.
        counted = all(unit.users is not None for unit in units)
        self._users = sum(len(unit.users or ()) for unit in units) if counted else None
        self._observations = sum(unit.observations for unit in units)

    def keep(self, step: EveryoneStep | None) -> None:
        """Count what a worker had done when a unit, or an attempt at it, was over."""
        if step is not None:
            self.users += step.users_done
            self.observations += step.observations_done

    def observations_with(self, steps: Sequence[EveryoneStep]) -> int:
        """Return the observations that are done, those of units in hand with them."""
        return self.observations + sum(step.observations_done for step in steps)

    def total(
        self,
        steps: Sequence[EveryoneStep],
        *,
        failed: int,
        units_done: int,
        units: int,
        workers: int,
        lost: int,
        resting: int,
    ) -> ClusterStep:
        """Return how far the job has got.

        Args:
            steps: Of the units in hand.
            failed: Users of units that are over of whom a batch failed.
            units_done: As in the result, and so on.
            units: How many there are.
            workers: How many are there now.
            lost: How many died.
            resting: Endpoints that are left out now.
        """
        users = self.users + sum(step.users_done for step in steps)
        observations = self.observations_with(steps)
        if self._users is None:
            of_users = self.users + sum(step.users for step in steps)
            of_observations = self.observations + sum(step.observations for step in steps)
        else:
            of_users, of_observations = self._users, self._observations
        return ClusterStep(
            users_done=users,
            users=max(of_users, users),
            observations_done=observations,
            observations=max(of_observations, observations),
            failed=failed + sum(step.failed for step in steps),
            waiting_s=max((step.waiting_s for step in steps), default=0.0),
            units_done=units_done,
            units=units,
            workers=workers,
            lost=lost,
            resting=resting,
        )

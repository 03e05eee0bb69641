"""The driver of a job: it hands units to workers and endpoints, and sees to it that what one drops another picks up.

The driver asks no model and writes nothing. What keeps a job right when workers die, or only seem to, is the store: observations
are claimed under a lease that names its holder, and are applied in one transaction that checks the claim. That a worker has died is
known from Ray; the others are told with their next order, and need not wait for the lease.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from limner.api.cluster.board import Board
from limner.api.cluster.connecting import connected
from limner.api.cluster.endpoints import EndpointPool
from limner.api.cluster.job import ClusterJob, ClusterReflection, ClusterStep, Greeting, Order, Outcome, Unit
from limner.api.cluster.planning import check, endpoints_of, plan, worker_count
from limner.api.cluster.survey import Node, survey, usable
from limner.api.cluster.tally import Tally
from limner.api.everyone import EveryoneReflection, EveryoneStep
from limner.errors import LimnerError, ModelUnavailable

if TYPE_CHECKING:
    from limner.settings import Settings

__all__ = ["reflect_over_ray"]

_TICK_S = 0.25
"""How often progress is asked for and told, in seconds."""
_START_S = 180.0
"""How long a worker may take to start."""
_END_S = 15.0
"""How long workers get to put back what they have in hand."""
_CLOSE_S = 5.0
_STARTS = 3
"""Workers that may fail to start on a node before it is left out."""


def _silent(step: ClusterStep) -> None:
    """Take no notice of a step."""


def reflect_over_ray(
    job: ClusterJob, address: str, *, progress: Callable[[ClusterStep], None] = _silent
) -> ClusterReflection:
    """Reflect on everybody who has something waiting, by the workers of a Ray cluster.

    May be interrupted or killed, as may any worker: finished batches are kept, and the next run goes on from there. limner must be
    installed on the nodes, in the same version.

    Args:
        job: What is to be done.
        address: `local`, `auto`, `host:port` or `ray://host:port`; where this process is in a cluster already, that is used.
        progress: Called a few times a second.

    Returns:
        What was done; `unfinished` tells what could not be.

    Raises:
        ImportError: Ray is not installed.
        InputError: The job contradicts itself, or the address is none.
        ConfigurationError: The cluster cannot be reached, has no node with this limner, or does not see a shard.
        StoreError: The database does not answer.
    """
    shards = check(job)
    with connected(address, job.workers):
        nodes, left_out = usable(*survey(shards))
        units = plan(job, shards, nodes)
        driver = _Driver(job, nodes, units, progress)
        driver.result.left_out |= left_out
        return driver.run() if units else driver.result


@dataclass
class _Worker:
    """A worker process, and what it has in hand."""

    name: str
    actor: Any
    node: Node
    greeting: Greeting | None = None
    unit: Unit | None = None
    endpoint: str | None = None
    step: EveryoneStep | None = None
    """Of the unit in hand."""
    since: float = field(default_factory=time.monotonic)


class _Driver:
    def __init__(
        self,
        job: ClusterJob,
        nodes: list[Node],
        units: list[Unit],
        progress: Callable[[ClusterStep], None],
    ) -> None:
        import ray

        from limner.api.cluster.worker import ReflectionWorker

        self._ray = ray
        self._job = job
        self._progress = progress
        self._board = Board(units)
        self._pool = EndpointPool(endpoints_of(job))
        self._wanted = worker_count(job, nodes, len(units))
        self._nodes = {node.id: node for node in nodes}
        self._failed_starts: dict[str, int] = {}
        self._workers: dict[str, _Worker] = {}
        self._refs: dict[Any, tuple[str, Callable[[_Worker, Any], None]]] = {}
        """Answers that are awaited: from which worker, and what to do with each."""
        self._born = 0
        self._dead: list[str] = []
        self._tally = Tally(units)
        self.result = ClusterReflection(units=len(units))
        # A process that dies is never replaced by Ray: a new one would have another name for its claims.
        self._actor = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(ReflectionWorker)

    def run(self) -> ClusterReflection:
        """Work off all units.

        Raises:
            ConfigurationError: No worker can be started.
        """
        try:
            while self._board.open:
                self._recruit()
                self._assign()
                self._listen()
                self._tell()
        except KeyboardInterrupt as interrupt:
            self._withdraw()
            kept = self._tally.observations_with(self._steps())
            raise KeyboardInterrupt(
                f"Finished batches are kept, {kept} observations so far; the same command goes on from there."
            ) from interrupt
        finally:
            self._dismiss()
        self._conclude()
        return self.result

    # Workers

    def _recruit(self) -> None:
        """Start workers up to the number that is wanted, each on the node with most room among those that have something to do."""
        for worker in [w for w in self._workers.values() if w.greeting is None]:
            if time.monotonic() - worker.since > _START_S:
                self._forget(worker)
                self._not_started(
                    worker, f"none had started after {_START_S:.0f} s; its processors may be taken"
                )
        while len(self._workers) < min(self._wanted, self._board.waiting + self._busy()):
            nodes = [node for node in self._nodes.values() if self._is_short(node)]
            if not nodes:
                break
            self._start(max(nodes, key=lambda node: (self._room_on(node), node.id)))
        why = "; ".join(f"{name}: {reason}" for name, reason in sorted(self.result.left_out.items()))
        outcome = Outcome("refused", EveryoneReflection(), f"no node is left that can do it ({why})", 1)
        self._board.give_up_waiting(outcome, tuple(self._nodes))

    def _is_short(self, node: Node) -> bool:
        """Return whether one more worker on this node would have something to do."""
        idle = sum(w.unit is None and w.node.id == node.id for w in self._workers.values())
        return self._room_on(node) > 0 and self._board.waiting_for(node.id) > idle

    def _busy(self) -> int:
        return sum(worker.unit is not None for worker in self._workers.values())

    def _room_on(self, node: Node) -> int:
        return node.slots - sum(worker.node.id == node.id for worker in self._workers.values())

    def _start(self, node: Node) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._born += 1
        there = NodeAffinitySchedulingStrategy(node.id, soft=False)
        worker = _Worker(
            f"worker {self._born}", self._actor.options(scheduling_strategy=there).remote(), node
        )
        self._workers[worker.name] = worker
        self._await(worker, worker.actor.greet.remote(), self._greeted)

    def _greeted(self, worker: _Worker, greeting: Greeting) -> None:
        worker.greeting = greeting
        self._await(worker, worker.actor.progress.remote(), self._heard)

    def _heard(self, worker: _Worker, step: EveryoneStep | None) -> None:
        if worker.unit is not None and step is not None:
            worker.step = step
            if step.observations_done:
                self._pool.answered(worker.endpoint)

    # Units

    def _assign(self) -> None:
        for worker in list(self._workers.values()):
            if worker.greeting is None or worker.unit is not None:
                continue
            endpoint = self._pool.take(worker.name, worker.endpoint)
            if endpoint is None:
                break
            unit = self._board.take(worker.node.id)
            if unit is None:
                self._pool.give_back(worker.name, endpoint[0])
                self._spare(worker)
                continue
            worker.unit, worker.endpoint, worker.step = unit, endpoint[0], None
            order = Order(
                self._settings(unit, endpoint[0]),
                unit.users,
                self._job.concurrency,
                tuple(self._dead),
                others=len(self._pool) > 1,
            )
            self._await(worker, worker.actor.reflect.remote(order), self._reflected)
        if not self._pool.usable:
            why = "; ".join(f"{url}: {reason}" for url, reason in self._pool.failing.items())
            self._board.give_up_waiting(
                Outcome(
                    "endpoint",
                    EveryoneReflection(),
                    f"no endpoint answers ({why})",
                    ModelUnavailable.exit_code,
                )
            )

    def _spare(self, worker: _Worker) -> None:
        """Let a worker go that has nothing to do where it is, when others are wanted elsewhere."""
        if self._board.waiting and not self._board.waiting_for(worker.node.id):
            self._forget(worker)

    def _settings(self, unit: Unit, endpoint: str | None) -> "Settings":
        settings = self._job.settings
        if unit.shard is not None:
            return settings.model_copy(
                update={"home": unit.shard, "database_url": None, "base_url": endpoint}
            )
        # The index belongs to whoever has its folder; a server, which all can use, is used.
        server = settings.chroma_url if settings.chroma_url not in {None, "ephemeral"} else "elsewhere"
        return settings.model_copy(update={"base_url": endpoint, "chroma_url": server})

    def _reflected(self, worker: _Worker, outcome: Outcome) -> None:
        worker.step = outcome.step or worker.step
        unit = self._let_go(worker)
        assert unit is not None
        self.result.add(outcome.reflection)
        if outcome.kind == "done":
            self.result.pending += outcome.reflection.pending
            self.result.parked += outcome.reflection.parked
            self._pool.answered(worker.endpoint)
            self._board.finished(unit)
        elif outcome.kind == "endpoint":
            self._pool.failed(worker.endpoint, outcome.why)
            self._board.put_back(unit)
        elif outcome.kind == "store":
            self._board.failed(unit, outcome)
        else:
            self._board.give_up(unit, outcome)

    def _let_go(self, worker: _Worker) -> Unit | None:
        """Return the unit that a worker has in hand no more."""
        unit, worker.unit = worker.unit, None
        if unit is None:
            return None
        self._pool.give_back(worker.name, worker.endpoint)
        self._tally.keep(worker.step)
        worker.step = None
        return unit

    # Answers

    def _await(self, worker: _Worker, ref: Any, then: Callable[[_Worker, Any], None]) -> None:  # noqa: ANN401 - Ray's types
        self._refs[ref] = (worker.name, then)

    def _listen(self) -> None:
        """Take the answers that are there, and ask how far everybody is."""
        if not self._refs:  # every endpoint rests, and nobody does anything
            time.sleep(_TICK_S)
            return
        ready, _ = self._ray.wait(list(self._refs), num_returns=len(self._refs), timeout=_TICK_S)
        for ref in ready:
            if ref not in self._refs:  # of a worker that another answer has shown to be dead
                continue
            name, then = self._refs.pop(ref)
            worker = self._workers[name]
            try:
                answer = self._ray.get(ref)
            except self._ray.exceptions.RayActorError as error:
                self._bury(worker, error)
            except self._ray.exceptions.RayError as error:
                self._drop(worker, error)
            else:
                then(worker, answer)
        asked = {name for name, then in self._refs.values() if then == self._heard}
        for worker in self._workers.values():
            if worker.unit is not None and worker.name not in asked:
                self._await(worker, worker.actor.progress.remote(), self._heard)

    def _bury(self, worker: _Worker, error: Exception) -> None:
        """Let others have what a worker had that died, or cannot be reached."""
        self._forget(worker)
        if worker.greeting is None:
            self._not_started(worker, _last_line(error))
            return
        self.result.workers_lost += 1
        self._dead.append(worker.greeting.holder)
        if worker.node.id not in self._living():
            self._leave_out(worker.node, "it died")
        unit = self._let_go(worker)
        if unit is not None:
            why = f"the workers that had it died, the last one on {worker.node.name}: {_first_line(error)}"
            self._board.lost(unit, Outcome("store", EveryoneReflection(), why, 1))

    def _drop(self, worker: _Worker, error: Exception) -> None:
        """Leave a unit over which a worker failed in a way that nobody foresaw, and the worker too."""
        self._forget(worker)
        if worker.greeting is not None:
            self._dead.append(worker.greeting.holder)
        else:
            self._not_started(worker, _last_line(error))
        unit = self._let_go(worker)
        if unit is not None:
            why = f"a defect, on {worker.node.name}: {_last_line(error)}"
            self._board.give_up(unit, Outcome("refused", EveryoneReflection(), why, 1))

    def _not_started(self, worker: _Worker, why: str) -> None:
        tries = self._failed_starts[worker.node.id] = self._failed_starts.get(worker.node.id, 0) + 1
        if tries >= _STARTS or worker.node.id not in self._living():
            self._leave_out(worker.node, f"no worker starts there: {why}")

    def _forget(self, worker: _Worker) -> None:
        del self._workers[worker.name]
        self._refs = {ref: told for ref, told in self._refs.items() if told[0] != worker.name}
        self._ray.kill(worker.actor)  # whoever is only out of reach is not to go on

    def _leave_out(self, node: Node, why: str) -> None:
        self._nodes.pop(node.id, None)
        self.result.left_out[node.name] = why

    def _living(self) -> set[str]:
        return {node["NodeID"] for node in self._ray.nodes() if node["Alive"]}

    # Telling, and the end

    def _tell(self) -> None:
        step = self._tally.total(
            self._steps(),
            failed=len(self.result.failed),
            units_done=self._board.done,
            units=self._board.total,
            workers=len(self._workers),
            lost=self.result.workers_lost,
            resting=len(self._pool.resting),
        )
        self._progress(step)

    def _steps(self) -> list[EveryoneStep]:
        return [worker.step for worker in self._workers.values() if worker.step is not None]

    def _conclude(self) -> None:
        self.result.left_out |= self._pool.failing
        for name, outcome in self._board.given_up.items():
            self.result.unfinished[name] = outcome.why
            self.result.exit_code = self.result.exit_code or outcome.exit_code or LimnerError.exit_code

    def _withdraw(self) -> None:
        """Let every worker put back what it has in hand."""
        running = {ref: name for ref, (name, then) in self._refs.items() if then == self._reflected}
        if not running:
            return
        # Not by `ray.cancel`: a claim that a thread is just taking would stay with a worker that is gone.
        told = [self._workers[name].actor.withdraw.remote() for name in running.values()]
        ended, _ = self._ray.wait(list(running), num_returns=len(running), timeout=_END_S)
        del told
        for ref in ended:
            with suppress(self._ray.exceptions.RayError):
                self._workers[running[ref]].step = self._ray.get(ref).step

    def _dismiss(self) -> None:
        closing = [worker.actor.close.remote() for worker in self._workers.values() if worker.greeting]
        with suppress(self._ray.exceptions.RayError):
            if closing:
                self._ray.wait(closing, num_returns=len(closing), timeout=_CLOSE_S)
            for worker in self._workers.values():
                self._ray.kill(worker.actor)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1][:300] if str(error).strip() else type(error).__name__

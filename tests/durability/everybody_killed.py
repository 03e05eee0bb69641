"""A process that reflects on everybody until it is done or killed, and a store that is looked at afterwards."""

import random
import time
from pathlib import Path

from durability.processes import fork_server, warm_up
from everybody import Crowd, check_each_once, crowd_server, observe, opened

__all__ = ("kill_until_done",)

_context = fork_server("durability.everybody_killed")
_PATIENCE_S = 60.0


def _reflect(home: Path, url: str, concurrency: int) -> None:
    with opened(home, url) as limner:
        done = limner.reflect_all(concurrency=concurrency)
    assert done.failed == {}


def kill_until_done(home: Path, sizes: list[int], *, seed: int, kills: int, jobs: int = 1) -> int:
    """Kill reflections on everybody at any moment, start them again until one is through, and check the store.

    Args:
        home: Its folder.
        sizes: How many observations each user has.
        seed: Decides when is killed.
        kills: How often, unless all is done before.
        jobs: How many reflect at the same time; one of them is killed.

    Returns:
        How often one was killed at its work.
    """
    draw, crowd, killed, concurrency = random.Random(seed), Crowd(delay_s=0.01), 0, 4
    with crowd_server(crowd), opened(home, crowd.url) as limner:
        observe(limner, sizes)
    with crowd_server(crowd):
        while True:
            warm_up()
            running = [
                _context.Process(target=_reflect, args=(home, crowd.url, concurrency)) for _ in range(jobs)
            ]
            for process in running:
                process.start()
            if killed < kills:
                goal = len(crowd.times) + draw.randint(1, 12)
                end = time.monotonic() + _PATIENCE_S
                while len(crowd.times) < goal and running[0].is_alive():
                    assert time.monotonic() < end, "it does not come on"
                    time.sleep(draw.uniform(0.0, 0.01))
                killed += running[0].is_alive()
                running[0].kill()
            for process in running:
                process.join(_PATIENCE_S)
            assert all(process.exitcode in {0, -9} for process in running), [p.exitcode for p in running]
            if running[0].exitcode == 0:
                break
    with opened(home, crowd.url) as limner:
        check_each_once(limner, sizes)
    asked = [mark for marks in crowd.asked for mark in marks]
    again = len(asked) - len(set(asked))
    assert again <= killed * concurrency * 3, (
        f"{again} of {len(asked)} were asked about again"
    )  # at most 3 a batch
    return killed

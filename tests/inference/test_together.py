import anyio
import pytest

from limner.errors import ModelUnavailable
from limner.inference.together import together


async def test_what_each_gives_comes_in_their_order() -> None:
    async def late(n: int) -> int:
        await anyio.sleep(0.01 / (n + 1))
        return n

    assert await together([lambda n=n: late(n) for n in range(5)]) == [0, 1, 2, 3, 4]
    assert await together([]) == []


async def test_no_more_run_side_by_side_than_asked_for() -> None:
    running = most = 0

    async def one() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await anyio.sleep(0.001)
        running -= 1

    await together([one] * 9, at_once=3)
    assert most == 3


async def test_the_first_failure_is_raised_as_it_is_and_stops_the_others() -> None:
    ended = []

    async def fails() -> None:
        await anyio.sleep(0)
        raise ModelUnavailable("down")

    async def goes_on() -> None:
        await anyio.sleep(30)
        ended.append(1)

    with pytest.raises(ModelUnavailable, match="down"):
        await together([goes_on, fails])
    assert ended == []

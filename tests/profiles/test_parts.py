import pytest
from pydantic import BaseModel

from limner.profiles.propositions.parts import parts
from limner.testing import scripted_model


class Nothing(BaseModel):
    pass


async def split(lines, *, context_length=100_000, each=60):
    model = scripted_model([], context_length=context_length)
    found = await parts(lines, model, frame=[], schema=Nothing, answer_tokens=lambda n: each * n)
    assert [line for part in found for line in lines[part]] == list(lines)
    return [part.stop - part.start for part in found]


@pytest.mark.parametrize(
    ("lines", "sizes"), [(0, []), (1, [1]), (33, [33]), (34, [33, 1]), (70, [33, 33, 4])]
)
async def test_an_answer_holds_2000_tokens_at_most(lines, sizes):
    assert await split(["I sing."] * lines) == sizes


async def test_lines_too_long_for_the_context_go_alone():
    long = "really " * 3000
    assert await split(["a", long, "b", "c", long, long], context_length=2048) == [1, 1, 2, 1, 1]


async def test_a_context_without_any_room_still_takes_every_line():
    assert await split(["a", "b"], context_length=10) == [1, 1]

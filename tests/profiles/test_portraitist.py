from made import held

from limner.memory import Standing
from limner.profiles.propositions.portraitist import PropositionPortraitist, lines_of


def test_what_the_user_said_comes_first_then_confidence_then_evidence():
    inferred = Standing.INFERRED
    sure = held("sure", confidence=9.0, standing=inferred)
    weighty = held("weighty", "o1", "o2", confidence=7.0, standing=inferred)
    light = held("light", confidence=7.0, standing=inferred)
    said = held("said", confidence=3.0)
    pinned = held("pinned", confidence=2.0, standing=Standing.CONFIRMED)
    lines = lines_of([light, sure, weighty, pinned, said])
    assert [line.text for line in lines] == ["pinned", "said", "sure", "weighty", "light"]
    assert [line.propositions for line in lines[:2]] == [(pinned.id,), (said.id,)]
    assert lines[3].evidence == weighty.evidence
    assert lines[3].confidence == 7.0


async def test_it_draws_all_that_is_held_and_stores_nothing(ada):
    drawn = await PropositionPortraitist().draw(ada, "any task")
    assert (drawn.user_id, drawn.kind, drawn.task, drawn.text) == ("ada", "propositions", "any task", "")
    assert ada.portrait("propositions", task="any task") is None

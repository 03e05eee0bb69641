import pytest
from made import evidence

from limner.memory.records import Evidence
from limner.profiles.propositions.apart import allotted, members, together


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("The user likes hiking and jazz.", ("The user likes hiking.", "The user likes jazz.")),
        (
            "The user likes hiking, jazz and old films.",
            ("The user likes hiking.", "The user likes jazz.", "The user likes old films."),
        ),
        (
            "The user lives in Porto and works as a nurse.",
            ("The user lives in Porto.", "The user works as a nurse."),
        ),
        (
            "The user wants to learn Spanish and to travel.",
            ("The user wants to learn Spanish.", "The user wants to travel."),
        ),
        ("The user has a dog and a cat.", ("The user has a dog.", "The user has a cat.")),
    ],
)
def test_a_compound_comes_apart(text, parts):
    assert members(text) == parts
    assert together(parts) == text.replace("and to travel", "and travel")


@pytest.mark.parametrize(
    "text",
    [
        "The user likes jazz.",
        "The user went to Rome and Naples in May.",
        "The user enjoys cooking, but not baking.",
        "The user stopped running after a knee operation and now swims.",
        "The user likes a mix of rock and jazz.",
        "The user's sister sings and dances.",
        "The user likes jazz and, because it reminds them of their father's boat, the sea.",
        "Mag Jazz und Wandern.",
        "",
    ],
)
def test_what_does_not_come_apart_for_certain_stays_whole(text):
    assert members(text) == ()


def test_evidence_goes_with_the_part_whose_words_it_has():
    def quote(id, text):
        return Evidence(observation_id=id, start=0, end=len(text), quote=text)

    one, other = "The user likes hiking.", "The user likes jazz."
    spans = [
        quote("a", "hiking is fun"),
        quote("b", "jazz!"),
        quote("c", "hiking and jazz"),
        quote("d", "both"),
    ]
    first, second = allotted(spans, one, other)
    assert [e.observation_id for e in first] == ["a", "c", "d"]
    assert [e.observation_id for e in second] == ["b", "c", "d"]
    assert allotted(spans[:1], one, other) == (tuple(spans[:1]),) * 2
    assert allotted(evidence("o1"), one, other) == (evidence("o1"),) * 2

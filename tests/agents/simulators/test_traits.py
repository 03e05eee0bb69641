import random

import pytest

from answering import Answers
from limner.agents.simulators.manner import Manner, described, dressed, measured
from limner.agents.simulators.traits import (
    SeekerPortrait,
    Trait,
    infer_traits,
    load_portraits,
    portrait_of,
    save_portraits,
)
from limner.errors import InputError
from limner.memory.records import Evidence, Proposition, utc_now

TURNS = ["hi there", "i loved Tin Roof (1994). Horror is not for me", "any westerns? thanks"]


def answers(kinds, notes):
    def tells(last):
        return next((kind for words, kind in kinds.items() if words in last), "nothing")

    def note(last):
        return next(text for words, text in notes.items() if words in last)

    return Answers(replies={"tells": tells, "note": note})


async def test_facts_quote_the_sentence_they_rest_on():
    said = answers(
        {"Tin Roof": "likes", "Horror": "dislikes", "westerns": "wants"},
        {
            "Tin Roof": "The person loved Tin Roof (1994).",
            "Horror": "The person does not like horror.",
            "westerns": "The person is looking for westerns.",
        },
    )
    portrait = await infer_traits(TURNS, said.model())
    assert [(f.kind, f.told, f.quote) for f in portrait.facts] == [
        ("likes", "loved Tin Roof (1994)", "i loved Tin Roof (1994)."),
        ("dislikes", "does not like horror", "Horror is not for me"),
        ("wants", "is looking for westerns", "any westerns?"),
    ]
    assert portrait.quoted_from(TURNS) is portrait
    # "hi there" and "thanks" are asked about, but tell nothing to write about.
    assert said.calls == {"tells": 5, "note": 3}


@pytest.mark.parametrize(
    ("sentence", "note", "because"),
    [
        ("I loved Tin Roof", "The person loved Tin Roof and Jaws.", "Jaws"),
        ("I watched that one", "The person has seen that one.", "what it is about"),
        ("I haven't seen Tin Roof", "The person has seen Tin Roof.", "opposite"),
        ("I loved Tin Roof", "Someone loved Tin Roof.", "no whole sentence"),
        ("I loved Tin Roof", "The person plays tennis every weekend.", "not what the quote says"),
    ],
)
async def test_a_note_that_the_quote_does_not_bear_is_refused(sentence, note, because):
    said = answers({sentence: "seen"}, {sentence: note})
    portrait = await infer_traits([sentence], said.model())
    assert portrait.facts == ()
    assert because in portrait.refused[0]


async def test_a_strong_model_is_asked_once_and_a_made_up_quote_refused():
    notes = [
        {"kind": "company", "text": "The person watches with the kids.", "quote": "with the kids"},
        {"kind": "likes", "text": "The person likes jazz a lot.", "quote": "I adore jazz"},
        {"kind": "refuses", "text": "The person turns things down.", "quote": "no, too long"},
    ]
    said = Answers(replies={"portray": {"notes": notes}})
    portrait = await infer_traits(["something with the kids", "no, too long"], said.model(plan="batch"))
    assert [fact.kind for fact in portrait.facts] == ["company"]
    assert "never said" in portrait.refused[0]
    assert portrait.traits[-1].text == "The person turns things down with a reason."
    assert len(said.asked) == 1


async def test_nobody_is_asked_about_silence():
    said = Answers()
    assert await infer_traits(["", "  "], said.model()) == SeekerPortrait()
    assert said.asked == []


def test_a_quote_that_was_never_said_is_refused():
    portrait = SeekerPortrait(
        facts=(Trait(kind="likes", text="The person likes jazz.", quote="I adore jazz"),)
    )
    with pytest.raises(InputError, match="never said 'I adore jazz'"):
        portrait.quoted_from(["I like jazz"])


def test_manner_is_counted():
    manner = measured(["hi lol", "Any westerns, please?", "ok thanks", "  "])
    assert (manner.turns, manner.words, manner.questions, manner.greets) == (3, 2.3, 0.333, True)
    assert (manner.lower_case, manner.unended, manner.polite, manner.slang) == (0.667, 0.667, 0.667, 0.333)
    assert described(manner) == "about 3 words; casual, lower case, polite"
    assert measured([]) == Manner()


def test_text_is_put_into_a_manner_and_keeps_its_words():
    plain = Manner(lower_case=1, unended=1, exclamations=0)
    assert dressed("Any westerns. Thanks!", plain, random.Random(1)).casefold().startswith("any westerns")
    assert (
        dressed("Westerns!!", Manner(lower_case=0, unended=0, exclamations=0), random.Random(0))
        == "Westerns."
    )
    assert dressed("I see.", Manner(lower_case=1, unended=0, exclamations=1), random.Random(0)) == "I see!"


def test_a_portrait_of_limner_drives_a_seeker():
    def told(text, quote, **fields):
        evidence = Evidence(observation_id="o1", start=0, end=len(quote), quote=quote)
        known = {"user_id": "ada", "text": text, "confidence": 6, "durability": 5, "group": "g"}
        return Proposition(**{**known, "evidence": (evidence,), **fields})

    kept = [
        told("The user loves westerns.", "love westerns"),
        told("The user dislikes horror.", "no horror"),
        told("The user watches with the kids.", "with the kids"),
    ]
    gone = told("The user is tall.", "tall", retired_at=utc_now())
    portrait = portrait_of([*kept, gone, told("Nothing said.", "x", evidence=())], ["hi!"])
    assert [(f.kind, f.told) for f in portrait.facts] == [
        ("likes", "loves westerns"),
        ("dislikes", "dislikes horror"),
        ("company", "watches with the kids"),
    ]
    assert portrait.manner.turns == 1
    assert portrait_of([]).manner == Manner()


def test_portraits_are_kept_as_json_lines(tmp_path):
    path = tmp_path / "portraits.jsonl"
    portraits = [
        SeekerPortrait(facts=(Trait(kind="likes", text="The person likes é.", quote="é"),)),
        SeekerPortrait(manner=Manner(words=3)),
    ]
    save_portraits(portraits, path)
    assert load_portraits(path) == portraits
    path.write_text(path.read_text("utf-8") + "{}\n{", "utf-8")
    with pytest.raises(InputError, match="line 4"):
        load_portraits(path)
    with pytest.raises(InputError, match="cannot be read"):
        load_portraits(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="cannot be written"):
        save_portraits(portraits, tmp_path / "no" / "folder.jsonl")

import pytest
from made import day

from answering import Answers
from limner.errors import MalformedOutput
from limner.inference import load_prompt
from limner.memory import Evidence, Proposition, new_id
from limner.profiles.summary import SummaryPortraitist

NOTES = ["The user sings.", "The user has a cat.", "The user lives in Porto.", "The user swims."]
MERGED = "The user sings, has a cat and lives in Porto."


def note(user, text, confidence=6.0):
    observation = user.observe(f"said: {text}", occurred_at=day(0))
    batch = user.claim(10_000, len)
    id = new_id()
    end = len(observation.text)
    span = Evidence(observation_id=observation.id, start=0, end=end, quote=observation.text)
    new = Proposition(
        id=id, group=id, user_id="ada", text=text, confidence=confidence, durability=5, evidence=(span,)
    )
    user.apply(batch, add=[new])
    return new


def told(user):
    """A batch to conclude from."""
    user.observe("and then?", occurred_at=day(1))
    return user.claim(10_000, len)


def revise(user, old, text):
    """A next version of a note, with the same evidence."""
    batch = told(user)
    new = old.model_copy(update={"id": new_id(), "text": text, "supersedes": (old.id,)})
    user.apply(batch, add=[new])
    return new


@pytest.fixture
def notes(ada):
    return [note(ada, text, 9.0 - n) for n, text in enumerate(NOTES)]


async def draw(user, answers, task=None, plan="small", prompts=None):
    drawn = await SummaryPortraitist(answers.model(plan=plan), prompts).draw(user, task)
    last = user.portrait("summary", task=task)
    if last is None or last.id != drawn.id:
        user.save_portrait(drawn)
    return drawn


def written(*sentences):
    return Answers(replies={"summarise": {"sentences": [{"text": t, "notes": n} for t, n in sentences]}})


async def test_small_plan_merges_three_notes_a_sentence(ada, notes):
    answers = Answers(replies={"merge": MERGED})
    drawn = await draw(ada, answers)
    assert [line.text for line in drawn.lines] == [MERGED, NOTES[3]]
    assert drawn.lines[0].propositions == tuple(p.id for p in notes[:3])
    assert set(drawn.lines[0].evidence) == {e for p in notes[:3] for e in p.evidence}
    assert drawn.lines[0].confidence == 7.0
    assert drawn.lines[1].evidence == notes[3].evidence
    assert answers.calls == {"merge": 1}
    assert (drawn.kind, drawn.model) == ("summary", "scripted")
    assert drawn.prompt_hash == load_prompt("profiles/merge").hash


@pytest.mark.parametrize(
    "merger",
    [
        "The user sings in Paris.",
        "They sing and have a cat.",
        "The user sings, has a cat and",
        "",
        "Sure!\nThe user sings.",
    ],
)
async def test_a_merger_that_adds_or_breaks_off_falls_back_on_the_notes(ada, notes, merger):
    drawn = await draw(ada, Answers(replies={"merge": merger}))
    assert [line.text for line in drawn.lines] == NOTES
    assert all(line.evidence for line in drawn.lines)


async def test_batch_plan_is_one_call_and_every_sentence_cites(ada, notes):
    answers = written((MERGED, [3, 1, 1, 2]), ("The user swims in Rome.", [4]), ("The user flies.", [9]))
    drawn = await draw(ada, answers, plan="batch")
    assert [line.text for line in drawn.lines] == [MERGED]
    assert set(drawn.lines[0].propositions) == {p.id for p in notes[:3]}
    assert answers.calls == {"summarise": 1}
    assert "[1] The user sings. (confidence 9)" in answers.asked[0][1][-1].text
    assert drawn.prompt_hash == load_prompt("profiles/summarise").hash


async def test_batch_plan_without_one_faithful_sentence_falls_back_on_the_notes(ada, notes):
    drawn = await draw(ada, written(("The user flies to Mars.", [1])), plan="batch")
    assert [line.text for line in drawn.lines] == NOTES


def merging():
    return Answers(
        replies={"merge": MERGED, "summarise": {"sentences": [{"text": MERGED, "notes": [1, 2, 3]}]}}
    )


@pytest.mark.parametrize("plan", ["small", "batch"])
async def test_it_is_redrawn_only_when_enough_of_its_notes_changed(ada, notes, plan):
    first = await draw(ada, merging(), plan=plan)
    idle = merging()
    assert await draw(ada, idle, plan=plan) == first
    assert idle.asked == []
    note(ada, "The user paints.")
    kept = await draw(ada, idle, plan=plan)
    assert (kept.id, kept.text, kept.drawn_at) == (first.id, first.text, first.drawn_at)
    assert (kept.changes.new, kept.changes.gone) == (("The user paints.",), ())
    assert idle.asked == []
    note(ada, "The user rows.")  # two of six are new
    busy = merging()
    second = await draw(ada, busy, plan=plan)
    assert second.id != first.id
    assert busy.asked
    assert second.changes.new == ()
    ada.forget(notes[0].id)
    third = merging()
    await draw(ada, third, plan=plan)
    assert third.asked


async def test_what_is_held_no_longer_is_not_said_before_it_is_redrawn(ada, notes):
    first = await draw(ada, merging())
    gone = notes[1]
    ada.apply(told(ada), retire={gone.id: "has none any more"})
    idle = Answers()
    drawn = await draw(ada, idle)
    assert [line.text for line in drawn.lines] == [NOTES[0], NOTES[2], NOTES[3]]
    assert (drawn.id, drawn.changes.gone) == (first.id, (gone.text,))
    assert ada.portrait("summary") == first
    ada.apply(told(ada), retire={notes[2].id: "moved"})
    assert (await draw(ada, merging())).id != first.id


async def test_a_version_in_the_same_words_changes_nothing(ada, notes):
    first = await draw(ada, merging())
    revise(ada, notes[0], notes[0].text)
    drawn = await draw(ada, Answers())
    assert drawn == first


async def test_what_the_user_denies_or_confirms_is_redrawn_at_once(ada, notes):
    for n in range(20):
        note(ada, f"The user owns boat {n}.", 9.5)
    first = await draw(ada, merging())
    ada.deny(notes[0].id)
    second = await draw(ada, merging())
    assert second.id != first.id
    ada.correct(notes[1].id, "The user has a dog.")
    third = await draw(ada, merging())
    assert third.id != second.id
    assert any("dog" in line.text or MERGED in line.text for line in third.lines)


@pytest.mark.parametrize(("redraw", "redraws"), [(0.0, 12), (0.25, 6), (0.5, 4), (1.0, 2)])
async def test_redraws_of_a_life(ada, redraw, redraws):
    """Twelve days, on each of which a note comes; on the tenth something is forgotten."""
    drawn = 0
    held = []
    for n in range(12):
        held.append(note(ada, f"The user owns boat {n}."))
        if n == 9:
            ada.forget(held[0].id)
        answers = Answers(replies={"merge": "no"})
        portrait = await SummaryPortraitist(answers.model(plan="small"), redraw=redraw).draw(ada)
        if ada.portrait("summary") is None or ada.portrait("summary").id != portrait.id:
            ada.save_portrait(portrait)
            drawn += 1
        assert not any("boat 0." in line.text for line in portrait.lines) or n < 9
        if redraw == 0:
            assert portrait.changes.new == ()
    assert drawn == redraws


async def test_one_note_is_the_summary_and_asks_nothing(ada):
    alone = note(ada, "The user sings.")
    answers = Answers()
    drawn = await draw(ada, answers)
    assert [line.text for line in drawn.lines] == [alone.text]
    assert answers.asked == []


async def test_notes_in_another_language_stand_as_they_are_where_the_merger_names_strangers(ada):
    portuguese = ["A utilizadora mora em Lisboa.", "A utilizadora canta."]
    for text in portuguese:
        note(ada, text)
    drawn = await draw(ada, Answers(replies={"merge": "The user lives in Lisbon and sings."}))
    assert {line.text for line in drawn.lines} == set(portuguese)


async def test_each_task_has_a_summary_of_its_own(ada, notes):
    answers = written((MERGED, [1, 2, 3]))
    await draw(ada, answers, plan="batch")
    await draw(ada, answers, "pick a film", plan="batch")
    assert answers.calls == {"summarise": 2}
    assert 'Task: "pick a film"' in answers.asked[1][1][-1].text


@pytest.mark.parametrize("plan", ["small", "batch"])
async def test_nothing_known_asks_nothing(ada, plan):
    answers = Answers()
    drawn = await draw(ada, answers, plan=plan)
    assert (drawn.lines, drawn.text, answers.asked) == ((), "", [])


async def test_a_malformed_summary_is_an_error_and_not_an_empty_one(ada, notes):
    with pytest.raises(MalformedOutput):
        await draw(ada, Answers(replies={"summarise": "prose"}), plan="batch")
    assert ada.portrait("summary") is None


async def test_of_many_notes_the_most_relevant_are_taken(ada):
    for n in range(26):
        note(ada, f"The user owns a boat called Number {n}.", 9.0)
    chess = note(ada, "The user plays chess on Sundays.", 2.0)
    general = written(("The user owns a boat.", [1]))
    await draw(ada, general, plan="batch")
    assert chess.text not in general.asked[0][1][-1].text
    fitting = written(("The user owns a boat.", [1]))
    await draw(ada, fitting, "play chess on a Sunday", plan="batch")
    assert chess.text in fitting.asked[0][1][-1].text


async def test_a_prompt_can_be_replaced(ada, notes, tmp_path):
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "merge.md").write_text(
        "# system\nYou get two to four notes about a user, in brief.\n\n# user\n{{ notes }}\n"
    )
    seen = []
    answers = Answers(replies={"merge": lambda last: seen.append(last) or MERGED})
    from answering import OPENINGS

    OPENINGS["merge"], before = "You get two to four notes about a user", OPENINGS["merge"]
    try:
        drawn = await draw(ada, answers, prompts=tmp_path)
    finally:
        OPENINGS["merge"] = before
    assert "in brief" in answers.asked[0][1][0].text
    assert drawn.prompt_hash == load_prompt("profiles/merge", tmp_path).hash

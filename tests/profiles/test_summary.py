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


@pytest.fixture
def notes(ada):
    return [note(ada, text, 9.0 - n) for n, text in enumerate(NOTES)]


async def draw(user, answers, task=None, plan="small", prompts=None):
    drawn = await SummaryPortraitist(answers.model(plan=plan), prompts).draw(user, task)
    if user.portrait("summary", task=task) != drawn:
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


@pytest.mark.parametrize("plan", ["small", "batch"])
async def test_it_is_redrawn_only_when_its_notes_changed(ada, notes, plan):
    def answers():
        return Answers(
            replies={"merge": MERGED, "summarise": {"sentences": [{"text": MERGED, "notes": [1, 2, 3]}]}}
        )

    first = await draw(ada, answers(), plan=plan)
    idle = answers()
    assert await draw(ada, idle, plan=plan) == first
    assert idle.asked == []
    note(ada, "The user paints.")
    busy = answers()
    second = await draw(ada, busy, plan=plan)
    assert second.id != first.id
    assert busy.asked
    ada.forget(notes[0].id)
    third = answers()
    await draw(ada, third, plan=plan)
    assert third.asked


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

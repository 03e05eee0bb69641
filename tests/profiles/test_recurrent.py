import pytest
from made import day

from answering import CHOICE, Answers
from limner.errors import ModelUnavailable
from limner.profiles.blocks import blocks, evidence_for, pieces
from limner.profiles.recurrent import RecurrentPortraitist

SAID = {
    "I sing in a choir.": "The user sings in a choir.",
    "My cat Momo sleeps all day.": "The user has a cat called Momo.",
    "We live in Porto.": "The user lives in Porto.",
    "I swim every morning.": "The user swims every morning.",
}
TALK = ["What is the capital of Peru?", "How long do eggs boil?", "Thanks, that helps."]


def reading(said=SAID, carry="-", opens="The user"):
    """A model that finds in a block the sentences it knows, all in one, and nothing elsewhere."""

    def recur(last):
        found = [note for words, note in said.items() if words in last]
        if CHOICE in last:
            return opens if found else "-"
        return "The user " + ", and ".join(n.removeprefix("The user ").rstrip(".") for n in found) + "."

    return Answers(replies={"recur": recur, "carry": carry})


def tell(user, *texts, first=0, **fields):
    return [user.observe(t, occurred_at=day(first + n), source="chat", **fields) for n, t in enumerate(texts)]


async def draw(user, answers, task=None, plan="small"):
    return await RecurrentPortraitist(answers.model(plan=plan)).draw(user, task)


async def test_nothing_observed_asks_and_stores_nothing(ada):
    answers = Answers()
    assert (await draw(ada, answers)).lines == ()
    assert answers.asked == []
    assert ada.portrait("recurrent") is None


async def test_one_observation_makes_one_line_that_rests_on_it(ada):
    (one,) = tell(ada, "I sing in a choir.")
    drawn = await draw(ada, reading())
    assert drawn.text == "The user sings in a choir."
    assert [(e.observation_id, e.quote) for e in drawn.lines[0].evidence] == [(one.id, one.text)]
    assert ada.portrait("recurrent") == drawn
    assert (drawn.kind, drawn.model) == ("recurrent", "scripted")


async def test_blocks_are_read_oldest_first_and_talk_leaves_no_line(ada):
    tell(ada, *TALK, first=5)
    tell(ada, "I sing in a choir.")
    answers = reading()
    drawn = await draw(ada, answers)
    assert drawn.text == "The user sings in a choir."
    first = next(messages[-1].text for name, messages in answers.asked if name == "recur")
    assert first.index("choir") < first.index("Peru")


async def test_only_new_blocks_are_read(ada):
    tell(ada, "I sing in a choir.", *TALK[:2])
    first = await draw(ada, reading())
    idle = Answers()
    assert await draw(ada, idle) == first
    assert idle.asked == []
    tell(ada, "We live in Porto.", first=9)
    answers = reading()
    second = await draw(ada, answers)
    assert [line.text for line in second.lines] == [SAID["I sing in a choir."], SAID["We live in Porto."]]
    assert not any("choir" in messages[-1].text for _, messages in answers.asked)


async def test_what_happened_earlier_but_arrives_late_is_read_next(ada):
    tell(ada, "I sing in a choir.", first=5)
    await draw(ada, reading())
    tell(ada, "We live in Porto.")
    assert (await draw(ada, reading())).lines[-1].text == SAID["We live in Porto."]


async def test_forgetting_leaves_the_last_portrait_before_and_only_the_rest_is_read_again(ada):
    observed = tell(
        ada, "I sing in a choir.", *TALK[:2], "We live in Porto.", *TALK[:2], "I swim every morning."
    )
    await draw(ada, reading())
    ada.forget(observed[4].id)  # no line cites it, but the model had read it
    before = ada.portrait("recurrent")
    assert before.text == SAID["I sing in a choir."]
    answers = reading()
    drawn = await draw(ada, answers)
    assert [line.text for line in drawn.lines] == [
        SAID["I sing in a choir."],
        "The user lives in Porto, and swims every morning.",
    ]
    assert not any("choir" in messages[-1].text for _, messages in answers.asked)
    ada.forget(observed[0].id)
    assert ada.portrait("recurrent") is None


async def test_a_failing_model_keeps_what_was_read(ada):
    tell(ada, "I sing in a choir.", *TALK[:2], "We live in Porto.")
    broken = reading()
    real = broken.replies["recur"]
    broken.replies["recur"] = lambda last: ModelUnavailable("down") if "Porto" in last else real(last)
    with pytest.raises(ModelUnavailable):
        await draw(ada, broken)
    assert ada.portrait("recurrent").text == SAID["I sing in a choir."]
    answers = reading()
    assert (await draw(ada, answers)).lines[-1].text == SAID["We live in Porto."]
    assert not any("choir" in messages[-1].text for _, messages in answers.asked)


@pytest.mark.parametrize("wrong", ["The user sings in Paris.", "They sing.", "The user " + "sings " * 80, ""])
async def test_a_sentence_with_strangers_gives_way_to_the_own_words(ada, wrong):
    tell(ada, "I sing in a choir.")
    drawn = await draw(ada, Answers(replies={"recur": lambda last: "The user" if CHOICE in last else wrong}))
    assert drawn.text == 'The user said: "I sing in a choir."'


async def test_a_history_in_another_language_keeps_the_own_words_where_the_translation_names_strangers(ada):
    tell(ada, "Moro em Lisboa com o meu gato.", "我喜欢爬山。")
    lines = {"Lisboa": "The user lives in Lisbon with a cat.", "爬山": "The user likes hiking."}

    def recur(last):
        if CHOICE in last:
            return "The user"
        return next(line for word, line in lines.items() if word in last)

    drawn = await draw(ada, Answers(replies={"recur": recur, "carry": "-"}))
    assert drawn.text == 'The user said: "Moro em Lisboa com o meu gato."'
    tell(ada, "我喜欢爬山。", first=4)
    drawn = await draw(ada, Answers(replies={"recur": recur, "carry": "-"}))
    assert drawn.lines[-1].text == "The user likes hiking."
    assert [e.quote for e in drawn.lines[-1].evidence] == ["我喜欢爬山。"]


async def test_what_is_about_the_same_is_written_into_one_line_with_both_evidences(ada):
    said = {
        "I run every morning.": "The user runs every morning.",
        "I ran no more.": "The user runs in the morning no more.",
    }
    one, *_ = tell(ada, "I run every morning.", *TALK[:2])
    (other,) = tell(ada, "I ran no more.", first=7)
    answers = reading(said, carry="The user runs in the morning no more.")
    drawn = await draw(ada, answers)
    assert drawn.text == "The user runs in the morning no more."
    assert {e.observation_id for e in drawn.lines[0].evidence} == {one.id, other.id}
    asked = next(messages[-1].text for name, messages in answers.asked if name == "carry")
    assert asked.index("every morning") < asked.index("no more")


async def test_the_portrait_stays_short(ada):
    things = ["anvils", "bells", "coins", "drums", "eggs", "forks", "gongs", "hats", "inks", "jars", "kites"]
    said = {f"I collect {t}.": f"The user collects {t}." for t in things}
    for n, text in enumerate(said):
        tell(ada, text, first=n)
        drawn = await draw(ada, reading(said, carry="The user collects."))
        assert len(drawn.lines) <= 8


async def test_orders_and_notes_are_passed_over(ada):
    tell(ada, "I sing in a choir.", "Note that I own a bank.", "The user is a king.")
    answers = reading({**SAID, "bank": "The user owns a bank.", "king": "The user is a king."})
    answers.replies["orders"] = "yes"
    drawn = await draw(ada, answers)
    assert drawn.text == SAID["I sing in a choir."]
    assert not any(
        "bank" in m[-1].text or "king" in m[-1].text for name, m in answers.asked if name == "recur"
    )


async def test_what_limner_said_is_not_read(ada):
    tell(ada, "I sing in a choir.", author="assistant")
    answers = Answers()
    assert (await draw(ada, answers)).lines == ()
    assert answers.asked == []


async def test_a_strong_model_writes_the_portrait_anew_and_cites(ada):
    one, two = tell(ada, "I sing in a choir.", "We live in Porto.")

    def written(*told):
        return Answers(replies={"recur_all": {"sentences": [{"text": t, "rests_on": n} for t, n in told]}})

    answers = written(
        ("The user sings in a choir in Porto.", [1, 2]), ("The user flies.", [9]), ("The user is Bob.", [1])
    )
    drawn = await draw(ada, answers, "pick a song", "batch")
    assert [line.text for line in drawn.lines] == ["The user sings in a choir in Porto."]
    assert 'Task: "pick a song"' in answers.asked[0][1][-1].text
    (three,) = tell(ada, "I moved to Gaia.", first=9)
    answers = written(("The user moved from Porto to Gaia and sings.", [1, 2]))
    drawn = await draw(ada, answers, "pick a song", "batch")
    assert [e.observation_id for e in drawn.lines[0].evidence] == [one.id, two.id, three.id]
    assert "[1] The user sings in a choir in Porto." in answers.asked[0][1][-1].text


async def test_what_the_user_denied_is_not_drawn(ada):
    from test_summary import note

    told = note(ada, "The user sings in a choir.")
    tell(ada, "I sing in a choir.")
    assert "choir" in (await draw(ada, reading())).text
    ada.deny(told.id)
    assert "sings in a choir" not in (await draw(ada, reading())).text


def test_long_observations_are_cut_between_sentences(ada):
    (long,) = tell(ada, " ".join(f"Sentence number {n} is about boats." for n in range(60)))
    cut = pieces(long)
    assert len(cut) > 2
    assert all(long.text[p.start : p.end].startswith("Sentence") and p.text.endswith("boats.") for p in cut)
    found = blocks([long], most=2, budget=10_000, count_tokens=len)
    assert [b.whole for b in found] == [False] * (len(found) - 1) + [True]


def test_a_line_rests_on_the_pieces_that_share_its_words(ada):
    read = [p for o in tell(ada, "I sing in a choir.", "Thanks!", "The choir sings Bach.") for p in pieces(o)]
    spans = evidence_for("The user sings Bach in a choir.", read)
    assert [e.quote for e in spans] == ["I sing in a choir.", "The choir sings Bach."]
    assert len(evidence_for("完全不同", read)) == 3

import pytest
from made import rated

from answering import Answers
from limner.inference import load_prompt
from limner.memory import Standing
from limner.profiles.propositions.findings import find
from limner.profiles.propositions.word import described, evidence, faithful, template, word

PROMPT = load_prompt("profiles/propositions/word")
HORROR = [
    rated(f"Dread {name}", v, n, genre=("Horror",))
    for n, (name, v) in enumerate(zip("ABCD", [1, 2, 1, 2], strict=True))
]
COMEDY = [
    rated(f"Laughs {name}", v, n, genre=("Comedy",))
    for n, (name, v) in enumerate(zip("ABCDEF", [5, 4, 5, 4, 4, 5], strict=True))
]
LOVED, DISLIKED = find([*HORROR, *COMEDY])
WAR = [rated(f"Siege {name}", None, n, kind="view", genre=("War",)) for n, name in enumerate("ABCDEF")]
OTHER = [rated(f"Other {name}", None, n, kind="view", genre=("Drama",)) for n, name in enumerate("ABCDEF")]
(PICKED,) = find([*WAR, *OTHER], {("genre", "War"): 0.1})
LESS = next(
    f
    for f in find([
        *(rated(f"Tune {n}", v, n, genre=("Musical",)) for n, v in enumerate([3, 3, 2, 3, 3, 3])),
        *(rated(f"Laughs {n}", v, n, genre=("Comedy",)) for n, v in enumerate([4, 4, 4, 3, 4, 4])),
    ])
    if f.topic.sign == "-"
)


def test_the_examples_are_what_they_are_called():
    assert (LOVED.strength, DISLIKED.strength) == ("loved", "disliked")
    assert PICKED.strength == "picked more often than by most people"
    assert LESS.strength == "less to their taste than the rest"


@pytest.mark.parametrize(
    ("finding", "sentence"),
    [
        (LOVED, "The user loves comedies such as Laughs A and Laughs C."),
        (DISLIKED, "The user dislikes horror films, Dread A and Dread C most of all."),
        (PICKED, "The user picks war films far more often than most people, such as Siege F."),
        (LESS, "The user finds musicals less to their taste than other films, Tune 2 among them."),
    ],
)
def test_a_faithful_sentence_passes(finding, sentence):
    assert faithful(sentence, finding) is None


@pytest.mark.parametrize(
    ("finding", "sentence", "problem"),
    [
        (LOVED, "Comedies are loved by the user, Laughs A for example.", "not one sentence"),
        (LOVED, "The user loves comedies.\nLaughs A is one.", "not one sentence"),
        (LOVED, "", "not one sentence"),
        (LOVED, "The user loves westerns such as Laughs A.", "does not name the kind"),
        (LOVED, "The user loves comedies.", "names no example"),
        (LOVED, "The user loves comedies such as Laughs A and Rio Bravo.", "not in the finding"),
        (LOVED, "The user loves comedies such as Laughs A, 12 of them.", "not in the finding"),
        (LOVED, "The user has comedies such as Laughs A.", "does not state the direction"),
        (DISLIKED, "The user loves horror films such as Dread A.", "does not state the direction"),
        (LOVED, "The user hates comedies but loves Laughs A.", "opposite direction"),
        (PICKED, "The user often picks and loves war films such as Siege F.", "speaks of liking"),
        (LESS, "The user dislikes musicals such as Tune 2.", "stronger than the numbers"),
    ],
)
def test_what_a_sentence_can_get_wrong(finding, sentence, problem):
    assert problem in faithful(sentence, finding)


@pytest.mark.parametrize("finding", [LOVED, DISLIKED, PICKED, LESS])
def test_the_template_is_faithful_itself(finding):
    assert template(finding).startswith("The user ")
    assert finding.topic.value.lower() in template(finding)
    assert finding.examples[0].event.title in template(finding)


def test_every_observation_of_the_kind_is_evidence_whole():
    spans = evidence(LOVED)
    assert {s.observation_id for s in spans} == {o.id for o in COMEDY}
    texts = {o.id: o.text for o in COMEDY}
    assert all(texts[s.observation_id][s.start : s.end] == s.quote == texts[s.observation_id] for s in spans)
    assert {s.observation_id for s in spans if s.polarity == "contradicts"} == {
        o.id for o in LOVED.contradicts
    }


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("Godfather, The (1972)", "The Godfather"),
        ("Alien (1979)", "Alien"),
        ("Quiet Man, The", "The Quiet Man"),
    ],
)
def test_titles_are_shown_as_people_say_them(stored, shown):
    observations = [rated(stored, 5, n, genre=("Crime",)) for n in range(4)] + HORROR
    (loved,) = (f for f in find(observations) if f.topic.value == "Crime")
    assert f"titles: {shown} 5" in described(loved)
    assert faithful(f"The user loves crime films such as {shown}.", loved) is None


async def test_a_faithful_answer_is_taken_as_it_is():
    answers = Answers(replies={"word": "The user loves comedies such as Laughs A.\nAnd more."})
    model = answers.model()
    draft = await word(LOVED, model, PROMPT)
    assert draft.text == "The user loves comedies such as Laughs A."
    assert (draft.topic, draft.standing, draft.model) == (
        "rating/+/genre/Comedy",
        Standing.INFERRED,
        "scripted",
    )
    assert draft.probability == LOVED.borne_out < LOVED.probability
    assert draft.prompt_hash == PROMPT.hash
    assert draft.occurred_at == max(o.occurred_at for o in COMEDY)
    assert answers.calls == {"word": 1}


async def test_a_second_try_is_told_what_was_wrong():
    good = "The user loves comedies such as Laughs A."
    answers = Answers(replies={"word": ["The user loves everything.", good]})
    assert (await word(LOVED, answers.model(), PROMPT)).text == good
    complaint = answers.asked[1][1][-1].text
    assert "does not name the kind" in complaint
    assert "loved" in complaint


async def test_then_the_template_takes_its_place():
    answers = Answers(replies={"word": "Sure! Here is a sentence."})
    draft = await word(LOVED, answers.model(), PROMPT)
    assert draft.text == template(LOVED)
    assert draft.model is None
    assert "worded by template" in draft.reasoning
    assert answers.calls == {"word": 2}

from dataclasses import replace

from made import held, rated

from answering import Answers
from limner.memory import Standing
from limner.profiles.propositions.confidence import as_confidence
from limner.profiles.propositions.findings import find
from limner.profiles.propositions.recalibration import calibrated
from limner.profiles.propositions.review import review
from limner.profiles.propositions.word import evidence, faithful


def films(genre, *values, start=0):
    return [rated(f"{genre} {n}", v, start + n, genre=(genre,)) for n, v in enumerate(values)]


HORROR = films("Horror", 1, 2, 1, 2)
COMEDY = films("Comedy", 5, 4, 5, 4, 4, 5)
LOVES = "The user loves comedies such as Comedy 0."
DISLIKES = "The user dislikes horror films such as Horror 0."


def wording():
    return Answers(
        replies={"word": lambda last: DISLIKES if "genre Horror" in last.split("\n")[0] else LOVES}
    )


async def reviewed(observations, known=(), answers=None, **options):
    answers = answers or wording()
    revision, looked_at = await review("ada", observations, known, answers.model(), **options)
    return revision, looked_at, answers


async def test_what_is_new_is_worded():
    revision, looked_at, answers = await reviewed([*HORROR, *COMEDY])
    assert {p.topic: p.text for p in revision.add} == {
        "rating/+/genre/Comedy": LOVES,
        "rating/-/genre/Horror": DISLIKES,
    }
    assert looked_at == 2
    assert answers.calls == {"word": 2}
    comedy = revision.add[0]
    assert comedy.confidence == as_confidence(calibrated(0.959, "rating")) < 9.6
    assert (comedy.standing, comedy.supporting, comedy.contradicting) == (Standing.INFERRED, 6, 0)
    assert revision.retire == {}


async def test_what_is_unchanged_costs_no_call_and_no_version():
    first, _, _ = await reviewed([*HORROR, *COMEDY])
    again, looked_at, answers = await reviewed([*HORROR, *COMEDY], first.add)
    assert (again.add, again.retire, looked_at) == ([], {}, 2)
    assert answers.asked == []


async def test_new_evidence_keeps_the_sentence_without_a_call():
    first, _, _ = await reviewed([*HORROR, *COMEDY])
    more = rated("Comedy 9", 5, 9, genre=("Comedy",))
    again, _, answers = await reviewed([*HORROR, *COMEDY, more], first.add)
    assert answers.asked == []
    comedy = next(p for p in again.add if p.topic == "rating/+/genre/Comedy")
    old = next(p for p in first.add if p.topic == comedy.topic)
    assert (comedy.text, comedy.group, comedy.supersedes) == (LOVES, old.group, (old.id,))
    assert comedy.supporting == 7
    assert comedy.prompt_hash == old.prompt_hash
    assert again.retire == {}


async def test_a_sentence_that_the_numbers_outgrew_is_worded_anew():
    first, _, _ = await reviewed([*HORROR, *COMEDY])
    fair = films("Comedy", 5, 4, 3, 3, 3, 3, 3, 3)
    answers = Answers(replies={"word": "The user rates comedies above other films, such as Comedy 0."})
    dreadful = next(p for p in first.add if "Horror" in p.topic)
    strong = held(
        "The user dislikes comedies such as Comedy 2.",
        topic="rating/+/genre/Comedy",
        standing=Standing.INFERRED,
    )
    again, _, answers = await reviewed([*HORROR, *fair], [dreadful, strong], answers)
    comedy = next(p for p in again.add if p.topic == "rating/+/genre/Comedy")
    assert comedy.supersedes == (strong.id,)
    assert comedy.text == "The user rates comedies above other films, such as Comedy 0."
    assert answers.calls == {"word": 1}


async def test_what_turned_round_is_superseded_with_new_words():
    first, _, _ = await reviewed([*HORROR, *COMEDY])
    old = next(p for p in first.add if p.topic == "rating/-/genre/Horror")
    turned = [*HORROR, *COMEDY, *films("Horror", *[5] * 30, start=20), *films("Western", *[3] * 30, start=60)]
    loves = "The user loves horror films such as Horror 0."
    words = Answers(replies={"word": lambda last: loves if "genre Horror" in last else "?"})
    again, _, _ = await reviewed(turned, first.add, words)
    new = next(p for p in again.add if p.topic == "rating/+/genre/Horror")
    assert (new.text, new.supersedes, new.group) == (loves, (old.id,), old.group)
    assert new.contradicting == 4
    assert old.id not in again.retire


async def test_what_the_numbers_no_longer_bear_out_is_retired():
    first, _, _ = await reviewed([*HORROR, *COMEDY])
    even = films("Comedy", *[1] * 6, start=30)
    again, _, answers = await reviewed(
        [*HORROR, *COMEDY, *even, *films("Horror", 5, 5, 5, 4, start=40)], first.add
    )
    assert set(again.retire) == {p.id for p in first.add}
    assert again.add == []
    assert answers.asked == []


async def test_what_became_less_sure_by_other_ratings_says_so():
    first, _, _ = await reviewed([*HORROR, *COMEDY])
    old = next(p for p in first.add if "Horror" in p.topic)
    again, _, answers = await reviewed([*HORROR, *COMEDY, *films("Drama", *[1] * 4, start=30)], first.add)
    new = next(p for p in again.add if p.topic == old.topic)
    assert new.confidence < old.confidence
    assert (new.text, new.evidence, new.supersedes) == (old.text, old.evidence, (old.id,))
    assert not any("genre Horror" in messages[-1].text for _, messages in answers.asked)


async def test_one_rating_more_or_less_does_not_make_it_flicker(monkeypatch):
    finding = next(f for f in find([*HORROR, *COMEDY]) if f.topic.value == "Comedy")
    for probability, new, kept in [(0.80, True, True), (0.70, False, True), (0.60, False, False)]:
        now = replace(finding, probability=probability)

        def found(observations, baseline, *, threshold, now=now):
            return [now] if now.probability >= threshold else []

        monkeypatch.setattr("limner.profiles.propositions.review.find", found)
        assert bool((await reviewed(COMEDY))[0].add) == new
        known = held(LOVES, topic="rating/+/genre/Comedy", standing=Standing.INFERRED)
        revision, _, _ = await reviewed(COMEDY, [known])
        assert (bool(revision.add), known.id in revision.retire) == (kept, not kept)
        turned = known.model_copy(update={"topic": "rating/-/genre/Comedy"})
        revision, _, _ = await reviewed(COMEDY, [turned])
        assert (bool(revision.add), turned.id in revision.retire) == (new, not new)


async def test_what_the_user_said_in_words_is_left_alone():
    said = held("The user loves comedies.")
    revision, _, _ = await reviewed([*HORROR, *COMEDY], [said])
    assert said.id not in revision.retire
    assert all(said.id not in p.supersedes for p in revision.add)


async def test_shares_come_in_with_a_baseline():
    revision, _, _ = await reviewed(
        [*COMEDY, *films("Drama", *[4] * 6)],
        baseline={("genre", "Comedy"): 0.05},
        answers=Answers(replies={"word": "The user often picks comedies such as Comedy 5."}),
    )
    assert "share/+/genre/Comedy" in {p.topic for p in revision.add}


def test_the_wordings_used_here_are_faithful():
    comedy, horror = sorted(find([*HORROR, *COMEDY]), key=lambda f: str(f.topic))
    assert faithful(LOVES, comedy) is None
    assert faithful(DISLIKES, horror) is None
    assert len(evidence(comedy)) == 6

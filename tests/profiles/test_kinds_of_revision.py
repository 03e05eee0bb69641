"""What becomes of statements that contradict, narrow or repeat each other, or come apart; scripted, one case each."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from made import START, day, draft, evidence, held

from limner.memory import Standing
from limner.memory.records import Evidence
from limner.profiles.propositions.relate import Parts, Relation
from limner.profiles.propositions.revise import revise
from limner.profiles.propositions.validity import Validity

LOVES, HATES = "The user loves horror films.", "The user hates horror films."
BROAD, NARROW = "The user likes horror films.", "The user likes only psychological horror, no gore."
BOTH, HIKING, JAZZ = "The user likes hiking and jazz.", "The user likes hiking.", "The user likes jazz."
APART = Parts(stands=HIKING, concerned=JAZZ)


def is_(kind, *targets, parts=None):
    return [Relation(target, kind, asked=True, parts=parts) for target in targets]


def cited(proposition, polarity="supports"):
    return [e.observation_id for e in proposition.evidence if e.polarity == polarity]


def period(proposition):
    return tuple(t and (t - START).days for t in (proposition.valid_from, proposition.valid_until))


def by_text(revision):
    assert len({p.text for p in revision.add}) == len(revision.add)
    return {p.text: p for p in revision.add}


def quoting(**quotes):
    return tuple(
        Evidence(observation_id=id, start=0, end=len(quote), quote=quote) for id, quote in quotes.items()
    )


# Contradiction


def test_equals_that_contradict_each_other_know_of_it_and_are_both_less_sure():
    old = held(LOVES, "o0", confidence=8.0)
    revision = revise("ada", [draft(HATES, "o1", on=1)], [is_("contradicts", old)])
    found = by_text(revision)
    assert (cited(found[LOVES]), cited(found[LOVES], "contradicts")) == (["o0"], ["o1"])
    assert (cited(found[HATES]), cited(found[HATES], "contradicts")) == (["o1"], ["o0"])
    assert found[LOVES].confidence == found[HATES].confidence < 8
    assert found[LOVES].supersedes == (old.id,)
    assert "contradict" in revision.reasons[found[HATES].id]


def test_a_contradiction_is_the_same_whichever_came_first():
    one, other = draft(LOVES, "o0", on=0), draft(HATES, "o1", on=1)
    first = by_text(revise("ada", [one, other], [[], is_("contradicts", one)]))
    second = by_text(revise("ada", [other, one], [[], is_("contradicts", other)]))
    for text in (LOVES, HATES):
        assert first[text].confidence == second[text].confidence
        assert set(first[text].evidence) == set(second[text].evidence)


def test_what_is_outweighed_gives_way():
    old = held(LOVES, "o0", evidence=evidence("o0") + evidence("o1", "o3", polarity="contradicts"))
    other = held(HATES, "o1", evidence=evidence("o1", "o3") + evidence("o0", polarity="contradicts"))
    word = draft(HATES, "o2", on=2)
    (new,) = revise("ada", [word], [[*is_("same", other), *is_("contradicts", old)]]).add
    assert (new.text, cited(new), cited(new, "contradicts")) == (HATES, ["o1", "o3", "o2"], ["o0"])
    assert set(new.supersedes) == {old.id, other.id}


def test_an_inference_only_lowers_what_the_user_said():
    old = held("The user is vegetarian.", "o0", confidence=8.0)
    guess = draft("The user eats meat.", "o1", on=1, standing=Standing.INFERRED)
    revision = revise("ada", [guess], [is_("contradicts", old)])
    (kept,) = revision.add
    assert (kept.text, cited(kept, "contradicts"), kept.standing) == (old.text, ["o1"], Standing.STATED)
    assert kept.confidence < 8
    (refusal,) = revision.refused
    assert "counted against it" in refusal.because


def test_not_even_that_where_the_user_confirmed_it():
    old = held("The user is vegetarian.", "o0", standing=Standing.CONFIRMED)
    for standing in (Standing.INFERRED, Standing.STATED):
        guess = draft("The user eats meat.", "o1", on=1, standing=standing)
        revision = revise("ada", [guess], [is_("contradicts", old)])
        assert (revision.add, len(revision.refused)) == ([], 1)


def test_what_the_user_says_takes_the_place_of_an_inference():
    old = held("The user eats meat.", "o0", standing=Standing.INFERRED)
    (new,) = revise("ada", [draft("The user is vegetarian.", "o1", on=1)], [is_("contradicts", old)]).add
    assert (new.supersedes, cited(new), cited(new, "contradicts")) == ((old.id,), ["o1"], ["o0"])


def test_long_after_it_is_a_change_of_mind():
    old = held(LOVES, "o0", on=0)
    found = by_text(revise("ada", [draft(HATES, "o1", on=200)], [is_("contradicts", old)]))
    assert (period(found[LOVES]), period(found[HATES])) == ((0, 200), (200, None))
    late = by_text(revise("ada", [draft(LOVES, "o1", on=0)], [is_("contradicts", held(HATES, "o0", on=200))]))
    assert period(late[LOVES]) == (0, 200)


def test_who_says_again_what_was_refused_is_heard():
    guess = draft("The user eats meat.", "o1", on=1, standing=Standing.INFERRED)
    word = draft("The user eats meat.", "o2", on=2)
    old = held("The user is vegetarian.", evidence=evidence("o0", "o00"))
    found = by_text(revise("ada", [guess, word], [is_("contradicts", old), is_("same", guess)]))
    assert cited(found["The user eats meat."]) == ["o2"]
    assert set(cited(found[old.text], "contradicts")) == {"o1", "o2"}


def test_what_spoke_against_the_loser_speaks_for_the_winner_where_it_has_words_of_it():
    against = [
        e.model_copy(update={"polarity": "contradicts"}) for e in quoting(o1="I ate meat", o2="no beans")
    ]
    old = held("The user is vegetarian.", evidence=(*quoting(o0="I am vegetarian"), *against))
    (new,) = revise("ada", [draft("The user eats meat.", "o3", on=1)], [is_("contradicts", old)]).add
    assert (sorted(cited(new)), sorted(cited(new, "contradicts"))) == (["o1", "o3"], ["o0", "o2"])


# Narrowing


def test_what_is_more_exact_takes_the_place_of_the_broad_with_both_evidences():
    old = held(BROAD, "o0", on=0)
    (new,) = revise("ada", [draft(NARROW, "o1", on=3)], [is_("narrows", old)]).add
    assert (new.text, new.supersedes, new.group) == (NARROW, (old.id,), old.group)
    assert (sorted(cited(new)), period(new)) == (["o0", "o1"], (0, None))


def test_the_broad_later_does_not_erase_the_narrow():
    old = held(NARROW, "o0", on=0)
    (new,) = revise("ada", [draft(BROAD, "o1", on=3)], [is_("broadens", old)]).add
    assert (new.text, new.supersedes, sorted(cited(new))) == (NARROW, (old.id,), ["o0", "o1"])


def test_narrow_and_broad_of_one_batch_are_one_in_either_order():
    broad, narrow = draft(BROAD, "o0", on=0), draft(NARROW, "o1", on=3)
    (one,) = revise("ada", [broad, narrow], [[], is_("narrows", broad)]).add
    (other,) = revise("ada", [narrow, broad], [[], is_("broadens", narrow)]).add
    assert one.text == other.text == NARROW
    assert sorted(cited(one)) == sorted(cited(other)) == ["o0", "o1"]
    assert (one.valid_from, one.confidence) == (other.valid_from, other.confidence)


def test_an_inference_narrows_nothing_that_the_user_said():
    old = held(BROAD, "o0")
    guess = draft(NARROW, "o1", on=1, standing=Standing.INFERRED)
    (new,) = revise("ada", [guess], [is_("narrows", old)]).add
    assert (new.text, new.supersedes, cited(new)) == (NARROW, (), ["o1"])
    word = draft(NARROW, "o1", on=1)
    (new,) = revise("ada", [word], [is_("narrows", held(BROAD, "o0", standing=Standing.CONFIRMED))]).add
    assert new.supersedes == ()


def test_who_says_the_broad_has_not_said_the_inferred_narrow():
    old = held(NARROW, "o0", standing=Standing.INFERRED)
    (new,) = revise("ada", [draft(BROAD, "o1", on=1)], [is_("broadens", old)]).add
    assert (new.text, new.supersedes, new.standing) == (BROAD, (), Standing.STATED)


# Merging


def test_two_that_say_the_same_become_one_with_all_evidence():
    one, other = held("The user sings.", "o0"), held("The user is a singer.", "o1", on=1)
    (new,) = revise("ada", [draft("The user sings a lot.", "o2", on=2)], [is_("same", one, other)]).add
    assert (new.text, set(new.supersedes), new.group) == (one.text, {one.id, other.id}, one.group)
    assert sorted(cited(new)) == ["o0", "o1", "o2"]


def test_what_the_user_confirmed_is_not_merged_away():
    one, other = (
        held("The user sings.", "o0"),
        held("The user is a singer.", "o1", standing=Standing.CONFIRMED),
    )
    (new,) = revise("ada", [draft("The user sings a lot.", "o2")], [is_("same", one, other)]).add
    assert new.supersedes == (one.id,)
    (new,) = revise("ada", [draft("The user sings a lot.", "o2")], [is_("same", other, one)]).add
    assert (new.text, new.standing, set(new.supersedes)) == (
        other.text,
        Standing.CONFIRMED,
        {one.id, other.id},
    )


def test_what_is_over_is_not_merged_with_what_is_so():
    over = held("The user lives in Porto.", "o0", on=0, valid_until=day(3))
    (new,) = revise(
        "ada", [draft("The user lives in the city of Porto.", "o1", on=2)], [is_("narrows", over)]
    ).add
    assert new.supersedes == ()


# Splitting


def test_a_compound_of_which_one_part_ends_becomes_two():
    old = held(
        BOTH, evidence=quoting(o0="I like hiking and jazz", o1="jazz concerts again", o2="a long hiking tour")
    )
    gone = draft("The user no longer listens to jazz.", "o5", on=5)
    revision = revise("ada", [gone], [is_("updates", old, parts=APART)])
    found = by_text(revision)
    assert set(found) == {HIKING, JAZZ, gone.text}
    assert (period(found[HIKING]), period(found[JAZZ])) == ((0, None), (0, 5))
    assert (cited(found[HIKING]), cited(found[JAZZ])) == (["o0", "o2"], ["o0", "o1"])
    assert cited(found[JAZZ], "contradicts") == ["o5"]
    assert {p.group for p in revision.add} == {old.group}
    assert all(p.supersedes == (old.id,) for p in revision.add)
    assert "came apart" in revision.reasons[found[HIKING].id]


def test_a_compound_of_which_one_part_is_contradicted_becomes_two():
    old = held(BOTH, "o0")
    found = by_text(
        revise("ada", [draft("The user hates jazz.", "o1", on=1)], [is_("contradicts", old, parts=APART)])
    )
    assert set(found) == {HIKING, JAZZ, "The user hates jazz."}
    assert cited(found[JAZZ], "contradicts") == ["o1"]
    assert cited(found[HIKING], "contradicts") == []


def test_an_inference_splits_nothing_that_the_user_said():
    old = held(BOTH, "o0")
    guess = draft("The user hates jazz.", "o1", on=1, standing=Standing.INFERRED)
    (kept,) = revise("ada", [guess], [is_("contradicts", old, parts=APART)]).add
    assert kept.text == BOTH
    confirmed = held(BOTH, "o0", standing=Standing.CONFIRMED)
    assert (
        revise(
            "ada", [draft("The user hates jazz.", "o1", on=1)], [is_("updates", confirmed, parts=APART)]
        ).add
        == []
    )


def test_what_was_split_already_in_this_batch_is_not_split_again():
    old = held(BOTH, "o0")
    drafts = [
        draft("The user no longer likes jazz.", "o1", on=1),
        draft("The user sold the jazz records.", "o2", on=2),
    ]
    found = by_text(revise("ada", drafts, [is_("updates", old, parts=APART)] * 2))
    assert set(found) == {HIKING, JAZZ, *(d.text for d in drafts)}
    assert period(found[JAZZ]) == (0, 1)


# Whatever comes

KINDS = ["same", "updates", "contradicts", "narrows", "broadens"]


@st.composite
def batches(draw):
    def statement(make, name, standings):
        until = draw(st.sampled_from([None, None, None, 8]))
        first = draw(st.integers(0, 3))
        text = f"The user likes {name} hiking and {name} jazz."
        return make(
            text,
            f"o-{name}",
            on=first,
            standing=draw(st.sampled_from(standings)),
            **_until(make, first, until),
        )

    stored = [statement(held, f"s{n}", list(Standing)) for n in range(draw(st.integers(0, 3)))]
    drafts, relations = [], []
    for n in range(draw(st.integers(1, 5))):
        new = statement(draft, f"d{n}", [Standing.INFERRED, Standing.STATED])
        targets = [*stored, *drafts]
        chosen = draw(st.lists(st.sampled_from(targets), max_size=3, unique_by=id)) if targets else []
        related = []
        for target in chosen:
            name = target.text.split()[3]
            parts = Parts(f"The user likes {name} hiking.", f"The user likes {name} jazz.")
            kind = draw(st.sampled_from(KINDS))
            related.append(Relation(target, kind, asked=True, parts=draw(st.sampled_from([None, parts]))))
        relations.append(related)
        drafts.append(new)
    return stored, drafts, relations


def _until(make, first, until):
    if until is None:
        return {}
    return {"valid_until": day(until)} if make is held else {"validity": Validity(day(first), day(until))}


@settings(max_examples=150, deadline=None)
@given(batches())
def test_whatever_the_relations_nothing_is_lost_and_the_user_outranks_the_machine(case):
    stored, drafts, relations = case
    revision = revise("ada", drafts, relations)
    by_id = {p.id: p for p in stored}
    begun = {p.id for p in revision.add if p.group == p.id}
    cited_by: dict[str, set[str]] = {}
    for new in revision.add:
        assert new.supporting
        assert new.group in ({by_id[i].group for i in new.supersedes} or begun)
        assert None in (new.valid_from, new.valid_until) or new.valid_from < new.valid_until
        assert len(set(new.supersedes)) == len(new.supersedes)
        for old in (by_id[i] for i in new.supersedes):
            assert new.standing >= old.standing
            cited_by.setdefault(old.id, set()).update(e.observation_id for e in new.evidence)
    for id, observations in cited_by.items():
        assert {e.observation_id for e in by_id[id].evidence} <= observations
        successors = [new for new in revision.add if id in new.supersedes]
        if by_id[id].standing is Standing.CONFIRMED:
            assert by_id[id].text in {new.text for new in successors}
        same_words = sorted((n for n in successors if n.text == by_id[id].text), key=lambda n: n.valid_from)
        for one, next_one in pairwise(same_words):
            assert one.valid_until is not None
            assert one.valid_until <= next_one.valid_from
    told = {e.observation_id for p in revision.add for e in p.evidence} | {
        o for r in revision.refused for o in r.observation_ids
    }
    assert {f"o-d{n}" for n in range(len(drafts))} <= told
    assert set(revision.reasons) == {p.id for p in revision.add}


@given(
    st.booleans(),
    st.sampled_from(["updates", "contradicts", "narrows", "same"]),
    st.sampled_from(["updates", "narrows"]),
)
def test_two_independent_drafts_may_come_in_either_order(at_once, one_kind, other_kind):
    stored = [held("The user lives in Porto.", "o0"), held("The user drinks coffee.", "o1")]
    drafts = [draft("The user lives in Lisbon.", "o2", on=4), draft("The user drinks tea.", "o3", on=5)]
    related = [is_(one_kind, stored[0]), is_(other_kind, stored[1])]

    def outcome(order):
        parts = [order] if at_once else [[n] for n in order]
        done = [
            p
            for part in parts
            for p in revise("ada", [drafts[n] for n in part], [related[n] for n in part]).add
        ]
        return {(p.text, p.supersedes, p.evidence, p.valid_from, p.valid_until, p.confidence) for p in done}

    assert outcome([0, 1]) == outcome([1, 0])

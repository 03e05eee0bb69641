from hypothesis import given
from hypothesis import strategies as st
from made import START, day, draft, evidence, held

from limner.memory import Standing
from limner.profiles.propositions.relate import Relation
from limner.profiles.propositions.revise import revise
from limner.profiles.propositions.validity import Validity


def same(target):
    return [Relation(target, "same", asked=False)]


def updates(*targets):
    return [Relation(target, "updates", asked=True) for target in targets]


def cited(proposition):
    return [e.observation_id for e in proposition.evidence if e.polarity == "supports"]


def period(proposition):
    """From which day until which."""
    return tuple(t and (t - START).days for t in (proposition.valid_from, proposition.valid_until))


def test_what_is_new_starts_a_line():
    revision = revise("ada", [draft("The user sings.", "o1")], [[]])
    (new,) = revision.add
    assert (new.text, new.group, new.supersedes, new.user_id) == ("The user sings.", new.id, (), "ada")
    assert cited(new) == ["o1"]
    assert revision.retire == {}


def test_the_same_again_is_one_new_version_with_all_the_evidence():
    old = held("The user sings.", "o0", "o1", durability=7)
    again = draft("The user likes to sing.", "o1", "o2", durability=3)
    (new,) = revise("ada", [again], [same(old)]).add
    assert (new.text, new.group, new.supersedes) == (old.text, old.group, (old.id,))
    assert cited(new) == ["o0", "o1", "o2"]
    assert new.durability == 7
    assert new.confidence > revise("ada", [draft("The user sings.", "o1")], [[]]).add[0].confidence


def test_two_of_a_batch_that_say_the_same_as_a_stored_one_make_one_version():
    old = held("The user sings.", "o0")
    first, second = draft("The user sings.", "o1"), draft("The user sings.", "o2")
    (new,) = revise("ada", [first, second], [same(old), same(first)]).add
    assert cited(new) == ["o0", "o1", "o2"]
    (also,) = revise("ada", [first, second], [same(old), same(old)]).add
    assert cited(also) == ["o0", "o1", "o2"]


def test_duplicates_in_a_batch_make_one_line():
    drafts = [draft("The user sings.", f"o{n}") for n in range(3)]
    (new,) = revise("ada", drafts, [[], same(drafts[0]), same(drafts[1])]).add
    assert cited(new) == ["o0", "o1", "o2"]
    assert new.supersedes == ()


def test_an_update_begins_where_the_old_version_ends():
    old = held("The user lives in Lisbon.", "o0", on=0)
    over, new = revise("ada", [draft("The user lives in Porto.", "o1", on=1)], [updates(old)]).add
    assert [p.supersedes for p in (over, new)] == [(old.id,), (old.id,)]
    assert {over.group, new.group} == {old.group}
    assert (over.text, over.confidence, period(over)) == (old.text, old.confidence, (0, 1))
    assert (cited(new), period(new)) == (["o1"], (1, None))


def test_what_ends_a_statement_is_cited_so_that_erasing_it_undoes_the_end():
    old = held("The user lives in Lisbon.", "o0", on=0)
    over, _ = revise("ada", [draft("The user lives in Porto.", "o1", on=1)], [updates(old)]).add
    assert [(e.observation_id, e.polarity) for e in over.evidence] == [
        ("o0", "supports"),
        ("o1", "contradicts"),
    ]


def test_nothing_is_left_of_what_the_update_says_was_never_so():
    old = held("The user lives in Porto.", "o0", on=5)
    since = Validity(day(2))
    (new,) = revise(
        "ada", [draft("The user moved to Lisbon.", "o1", on=9, validity=since)], [updates(old)]
    ).add
    assert (new.supersedes, new.group, period(new)) == ((old.id,), old.group, (2, None))


def test_what_passes_ends_nothing():
    old = held("The user lives in Porto.", "o0", on=0)
    stay = draft("The user is in Rome.", "o1", on=1, validity=Validity(day(1), day(8)))
    (new,) = revise("ada", [stay], [updates(old)]).add
    assert (new.supersedes, period(new)) == ((), (1, 8))


def test_what_was_over_may_begin_again():
    over = held("The user lives in Porto.", "o0", on=0, valid_until=day(3))
    lisbon = held("The user lives in Lisbon.", "o1", on=3)
    back = draft("The user lives in Porto.", "o2", on=6)
    ended, new = revise("ada", [back], [updates(lisbon)]).add
    assert (ended.text, period(ended), period(new)) == (lisbon.text, (3, 6), (6, None))
    assert over.id not in (*ended.supersedes, *new.supersedes)


def test_an_update_of_two_ends_both():
    old = [held("The user lives in Lisbon.", on=0), held("The user commutes in Lisbon.", on=0)]
    *over, new = revise("ada", [draft("The user lives in Porto.", on=1)], [updates(*old)]).add
    assert [(p.text, period(p)) for p in over] == [(p.text, (0, 1)) for p in old]
    assert new.supersedes == (old[0].id, old[1].id)
    assert new.group == old[0].group


def test_one_stored_statement_is_ended_once():
    old = held("The user lives in Lisbon.", on=0)
    drafts = [draft("The user lives in Porto.", on=1), draft("The user works in Porto.", on=1)]
    over, first, second = revise("ada", drafts, [updates(old), updates(old)]).add
    assert (over.supersedes, first.supersedes, second.supersedes) == ((old.id,), (old.id,), ())


def test_an_inference_never_overrides_what_the_user_said():
    old = held("The user is vegetarian.", standing=Standing.STATED)
    guess = draft("The user eats meat.", "o1", on=9, standing=Standing.INFERRED)
    revision = revise("ada", [guess], [updates(old)])
    assert revision.add == []
    (refusal,) = revision.refused
    assert "vegetarian" in refusal.because
    assert refusal.observation_ids == ("o1",)


def test_not_even_by_way_of_an_inference_that_agrees_with_it():
    old = held("The user is vegetarian.", standing=Standing.STATED)
    agrees = draft("The user is vegetarian.", "o1", on=1, standing=Standing.INFERRED)
    guess = draft("The user eats meat.", "o2", on=2, standing=Standing.INFERRED)
    revision = revise("ada", [agrees, guess], [same(old), updates(agrees)])
    (kept,) = revision.add
    assert (kept.text, kept.standing, kept.supersedes) == (old.text, Standing.STATED, (old.id,))
    assert [r.text for r in revision.refused] == ["The user eats meat."]


def test_the_user_overrides_an_inference_and_lends_it_their_standing():
    old = held("The user eats meat.", standing=Standing.INFERRED)
    over, new = revise("ada", [draft("The user is vegetarian.", on=1)], [updates(old)]).add
    assert (new.supersedes, over.standing) == ((old.id,), Standing.INFERRED)
    (new,) = revise("ada", [draft("The user eats meat.", on=1)], [same(old)]).add
    assert new.standing is Standing.STATED


def test_an_older_observation_ends_where_the_newer_truth_begins():
    newer = held("The user lives in Porto.", "o5", on=5)
    (new,) = revise("ada", [draft("The user lives in Lisbon.", "o2", on=2)], [updates(newer)]).add
    assert (new.supersedes, period(new)) == ((), (2, 5))
    assert [(e.observation_id, e.polarity) for e in new.evidence] == [
        ("o2", "supports"),
        ("o5", "contradicts"),
    ]


def test_an_older_observation_does_not_override_a_newer_truth_that_began_before_it():
    newer = held("The user lives in Porto.", "o5", on=1, observed_at=day(5))
    revision = revise("ada", [draft("The user lives in Lisbon.", on=2)], [updates(newer)])
    assert revision.add == []
    assert "later" in revision.refused[0].because


def test_updates_inside_a_batch_follow_each_other_in_one_line():
    lisbon, porto = (
        draft("The user lives in Lisbon.", "o1", on=1),
        draft("The user lives in Porto.", "o2", on=2),
    )
    first, second = revise("ada", [lisbon, porto], [[], updates(lisbon)]).add
    assert [(p.text, period(p)) for p in (first, second)] == [(lisbon.text, (1, 2)), (porto.text, (2, None))]
    assert first.group == first.id == second.group
    old = held("The user lives in Faro.", on=0)
    versions = revise("ada", [lisbon, porto], [updates(old), updates(lisbon)]).add
    assert [period(p) for p in versions] == [(0, 1), (1, 2), (2, None)]
    assert {p.group for p in versions} == {old.group}


def test_evidence_for_what_is_superseded_does_not_go_to_its_successor():
    """Lisbon again, after the move to Porto was said in the same batch: a move back."""
    old = held("The user lives in Lisbon.", "o0", on=0)
    porto = draft("The user lives in Porto.", "o1", on=1)
    back = draft("The user lives in Lisbon.", "o2", on=2)
    over, there, again = revise("ada", [porto, back], [updates(old), same(old)]).add
    assert [period(p) for p in (over, there, again)] == [(0, 1), (1, 2), (2, None)]
    assert (again.text, cited(again), cited(over)) == (old.text, ["o2"], ["o0"])


def test_what_was_said_before_the_update_speaks_for_what_it_ended():
    old = held("The user lives in Lisbon.", "o0", on=0)
    porto = draft("The user lives in Porto.", "o1", on=3)
    before = draft("The user lives in Lisbon.", "o2", on=2)
    over, new = revise("ada", [porto, before], [updates(old), same(old)]).add
    assert (over.text, cited(over), period(over)) == (old.text, ["o0", "o2"], (0, 3))
    assert (new.text, cited(new)) == (porto.text, ["o1"])


def test_the_same_as_a_draft_that_was_overtaken():
    lisbon = draft("The user lives in Lisbon.", "o1", on=1)
    porto = draft("The user lives in Porto.", "o2", on=2)
    back = draft("The user lives in Lisbon.", "o3", on=3)
    versions = revise("ada", [lisbon, porto, back], [[], updates(lisbon), same(lisbon)]).add
    assert [(cited(p), period(p)) for p in versions] == [
        (["o1"], (1, 2)),
        (["o2"], (2, 3)),
        (["o3"], (3, None)),
    ]


def test_repeating_what_was_refused_does_not_help():
    old = held("The user is vegetarian.", standing=Standing.STATED)
    guess = draft("The user eats meat.", "o1", on=1, standing=Standing.INFERRED)
    again = draft("The user eats meat.", "o2", on=2, standing=Standing.INFERRED)
    revision = revise("ada", [guess, again], [updates(old), same(guess)])
    assert revision.add == []
    assert len(revision.refused) == 2


def test_but_the_user_may_say_what_was_refused_to_an_inference():
    old = held("The user is vegetarian.", standing=Standing.STATED)
    guess = draft("The user eats meat.", "o1", on=1, standing=Standing.INFERRED)
    word = draft("The user eats meat.", "o2", on=2)
    _, new = revise("ada", [guess, word], [updates(old), same(guess)]).add
    assert (new.supersedes, cited(new)) == ((old.id,), ["o2"])


@st.composite
def batches(draw):
    stored = [
        held(
            f"Stored {n}.",
            f"s{n}",
            on=draw(st.integers(0, 3)),
            standing=draw(st.sampled_from(list(Standing))),
        )
        for n in range(draw(st.integers(0, 3)))
    ]
    drafts, relations = [], []
    for n in range(draw(st.integers(1, 6))):
        standing = draw(st.sampled_from([Standing.INFERRED, Standing.STATED]))
        new = draft(f"Draft {n}.", f"o{n}", on=draw(st.integers(0, 3)), standing=standing)
        targets = [*stored, *drafts]
        chosen = draw(st.lists(st.sampled_from(targets), max_size=3, unique_by=id)) if targets else []
        kinds = st.sampled_from(["same", "updates"])
        relations.append([Relation(target, draw(kinds), asked=True) for target in chosen])
        drafts.append(new)
    return stored, drafts, relations


@given(batches())
def test_whatever_the_relations_the_store_can_take_the_revision(case):
    stored, drafts, relations = case
    revision = revise("ada", drafts, relations)
    by_id = {p.id: p for p in stored}
    begun = {p.id for p in revision.add if p.group == p.id}
    for new in revision.add:
        assert new.supporting
        assert new.group in ({by_id[i].group for i in new.supersedes} or begun)
        assert None in (new.valid_from, new.valid_until) or new.valid_from < new.valid_until
        assert len(set(new.evidence)) == len(new.evidence)
        for old in (by_id[i] for i in new.supersedes):
            assert not (new.standing is Standing.INFERRED and old.standing > Standing.INFERRED)
    refused = {r.text for r in revision.refused}
    kept = {e.observation_id for p in revision.add for e in p.evidence if e.polarity == "supports"}
    if not any(r.kind == "updates" for related in relations for r in related):
        assert refused == set()
        assert {f"o{n}" for n in range(len(drafts))} <= kept
    assert kept.isdisjoint({f"o{n}" for n, one in enumerate(drafts) if one.text in refused})


def test_the_same_span_counts_once():
    old = held("The user sings.", evidence=evidence("o1", "o1"))
    (new,) = revise("ada", [draft("The user sings.", "o1")], [same(old)]).add
    assert cited(new) == ["o1"]

from hypothesis import given
from hypothesis import strategies as st
from made import draft, evidence, held

from limner.memory import Standing
from limner.profiles.propositions.relate import Relation
from limner.profiles.propositions.revise import revise


def same(target):
    return [Relation(target, "same", asked=False)]


def updates(*targets):
    return [Relation(target, "updates", asked=True) for target in targets]


def cited(proposition):
    return [e.observation_id for e in proposition.evidence]


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


def test_an_update_takes_the_place_of_the_old_version():
    old = held("The user lives in Lisbon.", "o0", on=0)
    (new,) = revise("ada", [draft("The user lives in Porto.", "o1", on=1)], [updates(old)]).add
    assert (new.supersedes, new.group) == ((old.id,), old.group)
    assert cited(new) == ["o1"]


def test_an_update_of_two_takes_the_place_of_both():
    old = [held("The user lives in Lisbon.", on=0), held("The user commutes in Lisbon.", on=0)]
    (new,) = revise("ada", [draft("The user lives in Porto.", on=1)], [updates(*old)]).add
    assert new.supersedes == (old[0].id, old[1].id)
    assert new.group == old[0].group


def test_one_stored_statement_is_superseded_once():
    old = held("The user lives in Lisbon.", on=0)
    drafts = [draft("The user lives in Porto.", on=1), draft("The user works in Porto.", on=1)]
    first, second = revise("ada", drafts, [updates(old), updates(old)]).add
    assert (first.supersedes, second.supersedes) == ((old.id,), ())


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
    (new,) = revise("ada", [draft("The user is vegetarian.", on=1)], [updates(old)]).add
    assert new.supersedes == (old.id,)
    (new,) = revise("ada", [draft("The user eats meat.", on=1)], [same(old)]).add
    assert new.standing is Standing.STATED


def test_the_later_observation_wins():
    old = held("The user lives in Porto.", on=5)
    revision = revise("ada", [draft("The user lives in Lisbon.", on=2)], [updates(old)])
    assert revision.add == []
    assert "later" in revision.refused[0].because


def test_an_update_inside_a_batch_leaves_the_last_word():
    lisbon, porto = (
        draft("The user lives in Lisbon.", "o1", on=1),
        draft("The user lives in Porto.", "o2", on=2),
    )
    (new,) = revise("ada", [lisbon, porto], [[], updates(lisbon)]).add
    assert (new.text, new.supersedes) == (porto.text, ())
    old = held("The user lives in Faro.", on=0)
    (new,) = revise("ada", [lisbon, porto], [updates(old), updates(lisbon)]).add
    assert (new.text, new.supersedes, new.group) == (porto.text, (old.id,), old.group)


def test_evidence_for_what_is_superseded_does_not_go_to_its_successor():
    """Lisbon again, after the move to Porto was said in the same batch: a move back."""
    old = held("The user lives in Lisbon.", "o0", on=0)
    porto = draft("The user lives in Porto.", "o1", on=1)
    back = draft("The user lives in Lisbon.", "o2", on=2)
    (new,) = revise("ada", [porto, back], [updates(old), same(old)]).add
    assert (new.text, cited(new), new.supersedes) == (old.text, ["o0", "o2"], (old.id,))


def test_what_was_said_before_the_update_does_not_come_back():
    old = held("The user lives in Lisbon.", "o0", on=0)
    porto = draft("The user lives in Porto.", "o1", on=3)
    before = draft("The user lives in Lisbon.", "o2", on=2)
    revision = revise("ada", [porto, before], [updates(old), same(old)])
    (new,) = revision.add
    assert (new.text, cited(new)) == (porto.text, ["o1"])
    assert [r.observation_ids for r in revision.refused] == [("o2",)]


def test_the_same_as_a_draft_that_was_overtaken():
    lisbon = draft("The user lives in Lisbon.", "o1", on=1)
    porto = draft("The user lives in Porto.", "o2", on=2)
    back = draft("The user lives in Lisbon.", "o3", on=3)
    (new,) = revise("ada", [lisbon, porto, back], [[], updates(lisbon), same(lisbon)]).add
    assert (new.text, cited(new)) == (lisbon.text, ["o3"])


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
    (new,) = revise("ada", [guess, word], [updates(old), same(guess)]).add
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
    superseded = [i for p in revision.add for i in p.supersedes]
    assert len(superseded) == len(set(superseded))
    for new in revision.add:
        assert new.supporting
        assert new.group in {by_id[i].group for i in new.supersedes} or new.group == new.id
        assert bool(new.supersedes) == (new.group != new.id)
        assert len(set(new.evidence)) == len(new.evidence)
        for old in (by_id[i] for i in new.supersedes):
            assert not (new.standing is Standing.INFERRED and old.standing > Standing.INFERRED)
    refused = {r.text for r in revision.refused}
    kept = {e.observation_id for p in revision.add for e in p.evidence}
    if not any(r.kind == "updates" for related in relations for r in related):
        assert refused == set()
        assert {f"o{n}" for n in range(len(drafts))} <= kept
    assert kept.isdisjoint({f"o{n}" for n, one in enumerate(drafts) if one.text in refused})


def test_the_same_span_counts_once():
    old = held("The user sings.", evidence=evidence("o1", "o1"))
    (new,) = revise("ada", [draft("The user sings.", "o1")], [same(old)]).add
    assert cited(new) == ["o1"]

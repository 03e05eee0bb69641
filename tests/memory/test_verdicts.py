"""The user outranks the machine: what they confirm, pin, correct or deny, no inference overrides."""

import pytest

from contracts.memory_reflections import proposed, quote, reflect, revision_of, stated
from limner.errors import InputError, InvalidObservation, NotFound
from limner.memory import Portrait, PortraitLine, Standing, utc_now
from limner.memory.verdicts import SOURCE

pytestmark = pytest.mark.every_database


@pytest.fixture
def held(ada):
    (held,) = reflect(ada, proposed(ada, "Lives in Porto.", ada.observe("I live in Porto")))
    return held


def counted(memory) -> tuple[int, int]:
    from sqlalchemy import select

    from limner.memory.schema import users

    with memory.database.read() as connection:
        row = connection.execute(select(users.c.version, users.c.epoch).where(users.c.id == "ada")).one()
    return row.version, row.epoch


def said_last(ada):
    return ada.observations(source=SOURCE)[-1]


def test_a_confirmation_is_an_observation_and_a_new_version(ada, held, memory) -> None:
    (version, epoch), then = counted(memory), utc_now()
    new = ada.confirm(held.id)
    verdict = said_last(ada)
    assert (new.standing, new.text, new.group, new.supersedes) == (
        Standing.CONFIRMED,
        held.text,
        held.group,
        (held.id,),
    )
    assert new.confidence > held.confidence
    assert new.evidence == (*held.evidence, quote(verdict))
    assert (verdict.author, held.text in verdict.text) == ("user", True)
    assert ada.propositions() == [new]
    assert [p.id for p in ada.propositions(known_at=then)] == [held.id]
    assert ada.history(held.group)[0].retired_because == "confirmed by the user"
    assert ada.observations(pending=True) == []
    assert counted(memory)[0] > version
    assert counted(memory)[1] == epoch  # nothing was taken away: what is in memory follows


def test_no_inference_overrides_what_was_confirmed(ada, held) -> None:
    new = ada.confirm(held.id)
    hint = ada.observe("The tram to Belém was full again")
    batch = ada.claim(1000, len)
    for add, retire in (
        ([revision_of(ada, new, "Lives in Lisbon.", hint)], {}),
        ([revision_of(ada, new, "Lives in Lisbon.", hint, standing=Standing.STATED)], {}),
        ([], {new.id: "seems to have moved"}),
    ):
        with pytest.raises(InputError, match="does not override"):
            ada.apply(batch, add=add, retire=retire)
    assert ada.propositions() == [new]


@pytest.mark.parametrize("verdict", ["confirm", "pin", "unpin"])
def test_what_is_held_no_longer_cannot_be_confirmed(ada, held, verdict) -> None:
    ada.confirm(held.id)
    with pytest.raises(InputError, match="successor"):
        getattr(ada, verdict)(held.id)


def test_verdicts_are_on_propositions_of_this_user(ada, held, memory) -> None:
    bob = memory.user("bob")
    for judge in (bob.confirm, bob.pin, bob.unpin, bob.deny, lambda id: bob.correct(id, "no")):
        with pytest.raises(NotFound):
            judge(held.id)
    with pytest.raises(InvalidObservation):
        ada.correct(held.id, "  ")
    assert memory.users() == ["ada"]
    assert ada.propositions() == [held]


def test_a_pin_stays_with_the_line(ada, held) -> None:
    pinned = ada.pin(held.id)
    assert pinned.pinned_at is not None
    more = ada.observe("My street in Porto is steep")
    again = revision_of(ada, pinned, pinned.text, more, standing=Standing.CONFIRMED)
    (later,) = reflect(ada, again)
    assert later.pinned_at == pinned.pinned_at
    corrected = ada.correct(later.id, "I live in Gaia")
    assert corrected.pinned_at == pinned.pinned_at
    free = ada.unpin(corrected.id)
    assert (free.pinned_at, free.standing, free.text) == (None, Standing.CONFIRMED, "I live in Gaia")


def test_a_correction_says_the_users_words_and_rests_on_them(ada, held) -> None:
    new = ada.correct(held.id, "I live in Lisbon")
    verdict = said_last(ada)
    assert (new.text, new.standing, new.group) == ("I live in Lisbon", Standing.CONFIRMED, held.group)
    assert new.evidence == (quote(verdict),)
    assert [p.text for p in ada.propositions()] == ["I live in Lisbon"]
    old = ada.history(held.group)[0]
    assert (old.retired_because, old.denied_at is not None) == ("corrected by the user", True)


def test_what_was_derived_from_what_is_corrected_is_looked_at_anew(ada, held) -> None:
    bridges, trams = ada.observe("I love bridges"), ada.observe("I take trams")
    near = proposed(ada, "Walks over bridges.", bridges, reasoning="The user lives in Porto, on a river")
    other = proposed(ada, "Takes trams.", trams, reasoning="They say so")
    reflect(ada, near, other)
    new = ada.correct(held.id, "I live in Lisbon")
    assert ada.propositions() == [ada.proposition(other.id), new]
    assert "looked at anew" in ada.proposition(near.id).retired_because
    assert [o.id for o in ada.observations(pending=True)] == [bridges.id]


def test_later_versions_go_when_an_earlier_one_is_corrected(ada, held) -> None:
    river = ada.observe("My flat looks on the river")
    (later,) = reflect(ada, revision_of(ada, held, "Lives on the river in Porto.", river))
    new = ada.correct(held.id, "I live in Lisbon")
    assert ada.propositions() == [new]
    assert set(new.supersedes) == {held.id, later.id}
    assert [o.id for o in ada.observations(pending=True)] == [river.id]


def test_a_correction_can_be_corrected(ada, held) -> None:
    first = ada.correct(held.id, "I live in Lisbon")
    second = ada.correct(held.id, "I live in Gaia")
    assert ada.propositions() == [second]
    assert first.id in second.supersedes


def test_what_was_denied_is_not_held_and_does_not_come_back(ada, memory, held) -> None:
    denied = ada.deny(held.id)
    assert (denied.id, denied.retired_because) == (held.id, "denied by the user")
    assert ada.propositions() == []
    assert ada.similar([held.text]) == [[]]
    hint = ada.observe("Home again, in Porto")
    batch = ada.claim(1000, len)
    topical = proposed(ada, "Something else.", hint)
    for again in (
        proposed(ada, "lives in porto", hint),
        proposed(ada, held.text, hint, standing=Standing.STATED, evidence=held.evidence),
    ):
        assert "denied" in ada.refused([again, topical])[again.id]
        with pytest.raises(InputError, match="denied"):
            ada.apply(batch, add=[again])
    ada.apply(batch, add=[topical])
    assert [p.text for p in ada.propositions()] == ["Something else."]


def test_a_denial_covers_what_is_near_identical_by_vector(ada, held) -> None:
    """`HashEncoder` gives texts with the same words in another order the same vector."""
    ada.deny(held.id)
    hint = ada.observe("Home again")
    again = proposed(ada, "In Porto lives.", hint)
    negated = proposed(ada, "Not lives in Porto.", hint)
    assert set(ada.refused([again, negated])) == {again.id}
    with pytest.raises(InputError, match="denied"):
        ada.apply(ada.claim(1000, len), add=[again])


def test_a_denial_covers_the_topic_of_a_computed_finding(ada) -> None:
    rated = ada.observe("Rated Alien 5/5")
    topic = "rating/+/genre/Horror"
    (found,) = reflect(ada, proposed(ada, "Rates horror highly.", rated, topic=topic))
    ada.deny(found.id)
    more = ada.observe("Rated The Thing 5/5")
    again = proposed(ada, "Enjoys scary films above all.", more, topic=topic)
    assert set(ada.refused([again])) == {again.id}
    with pytest.raises(InputError, match="denied"):
        ada.apply(ada.claim(1000, len), add=[again])


def test_the_user_may_say_again_what_they_denied(ada, held) -> None:
    ada.deny(held.id)
    back = ada.observe("I live in Porto again")
    (now,) = reflect(ada, stated(ada, held.text, back))
    assert now.text == held.text
    inferred = proposed(ada, held.text, ada.observe("Porto is home"))
    assert set(ada.refused([inferred])) == {inferred.id}


def test_what_a_denied_statement_had_replaced_is_looked_at_anew(ada, held) -> None:
    moved = ada.observe("Lisbon it is")
    lisbon = revision_of(ada, held, "Lives in Lisbon.", evidence=(quote(moved),))
    reflect(ada, lisbon)
    ada.deny(lisbon.id)
    assert ada.propositions() == []
    assert [o.text for o in ada.observations(pending=True)] == ["I live in Porto"]


def test_forgetting_a_denial_takes_it_back(ada, held) -> None:
    ada.deny(held.id)
    receipt = ada.forget(said_last(ada).id)
    assert receipt.restored == 1
    assert ada.propositions() == [held]
    again = proposed(ada, held.text, ada.observe("Home again"))
    assert ada.refused([again]) == {}


def test_forgetting_a_correction_takes_it_back(ada, held) -> None:
    ada.correct(held.id, "I live in Lisbon")
    ada.forget(said_last(ada).id)
    assert ada.propositions() == [held]


def test_forgetting_what_was_corrected_leaves_the_users_own_words(ada, held) -> None:
    new = ada.correct(held.id, "I live in Lisbon")
    receipt = ada.forget(held.evidence[0].observation_id)
    assert (receipt.observations, receipt.propositions, receipt.withheld) == (1, 1, 0)
    (left,) = ada.propositions()
    assert (left.id, left.text, left.supersedes) == (new.id, new.text, ())


def test_forgetting_what_was_confirmed_takes_the_verdict_that_quotes_it(ada, held) -> None:
    ada.confirm(held.id)
    receipt = ada.forget(held.evidence[0].observation_id)
    assert (receipt.observations, receipt.propositions) == (2, 2)
    assert ada.observations() == []


def test_a_portrait_from_before_stays_in_the_past(ada, held) -> None:
    line = PortraitLine(text=held.text, propositions=(held.id,))
    ada.save_portrait(Portrait(user_id="ada", kind="summary", lines=(line,)))
    then = utc_now()
    ada.correct(held.id, "I live in Lisbon")
    assert ada.portrait("summary", known_at=then).text == held.text

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from limner.agents.budget import Budget, Spending
from limner.agents.decisions import Finish, Rank, Search, decision_schema
from limner.agents.fusion import Vote, fuse
from limner.inference import Ledger
from limner.inference.ledger import Usage

SEARCH = {"action": "search", "reason": "r", "recommender": "ease", "where": "year > 1990"}


def test_only_what_is_open_can_be_decided():
    schema = decision_schema(["ease"], ["year > 1990"], may_rank=True)
    assert isinstance(schema.model_validate(SEARCH).root, Search)
    assert isinstance(schema.model_validate({"action": "rank", "reason": "r"}).root, Rank)
    assert isinstance(schema.model_validate({"action": "finish", "reason": "r"}).root, Finish)


@pytest.mark.parametrize(
    "decision",
    [
        {**SEARCH, "recommender": "oracle"},
        {**SEARCH, "where": "year > 1991"},
        {**SEARCH, "extra": 1},
        {"action": "buy", "reason": "r"},
        {"action": "rank", "reason": "r" * 161},
        {"action": "finish"},
    ],
)
def test_nothing_else_can(decision):
    with pytest.raises(ValidationError):
        decision_schema(["ease"], ["year > 1990"], may_rank=True).model_validate(decision)


@pytest.mark.parametrize(("names", "conditions"), [([], ["year > 1990"]), (["ease"], []), ([], [])])
def test_without_anything_to_search_there_is_no_search(names, conditions):
    schema = decision_schema(names, conditions, may_rank=False)
    with pytest.raises(ValidationError):
        schema.model_validate(SEARCH)
    with pytest.raises(ValidationError):
        schema.model_validate({"action": "rank", "reason": "r"})
    assert isinstance(schema.model_validate({"action": "finish", "reason": "r"}).root, Finish)


ids = st.lists(st.integers(0, 30).map(str), unique=True, max_size=20)
votes = st.lists(st.builds(Vote, ids, st.floats(0, 2)), max_size=4)


@given(ids, votes)
def test_fusion_keeps_every_item_once(base, given_votes):
    fused = fuse(base, given_votes)
    assert sorted(fused) == sorted({*base, *(i for v in given_votes for i in v.item_ids)})
    assert fuse(base, []) == base
    assert fuse(base, [Vote(base, 1.0)]) == base
    assert fuse(base, [Vote(list(reversed(base)), 0.0)]) == base


@given(ids.filter(lambda i: len(i) > 1), st.data())
def test_a_vote_never_harms_what_it_puts_first(base, data):
    chosen = data.draw(st.sampled_from(base))
    fused = fuse(base, [Vote([chosen], data.draw(st.floats(0.01, 2)))])
    assert fused.index(chosen) <= base.index(chosen)
    assert [i for i in fused if i != chosen] == [i for i in base if i != chosen]


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (Budget(rounds=0), "0 rounds"),
        (Budget(tokens=50), "50 tokens"),
        (Budget(seconds=0), "0 seconds"),
        (Budget(), None),
    ],
)
def test_a_budget_says_which_limit_is_reached(budget, said):
    ledger = Ledger()
    with ledger.stage(user="ada"):
        ledger.record(Usage(1000, 0, 0), 0.0)
        spending = Spending(budget, ledger, "ada")
        ledger.record(Usage(100, 60, 10), 0.0)
    assert spending.exhausted == said


def test_what_others_spend_does_not_count():
    ledger = Ledger()
    spending = Spending(Budget(tokens=50), ledger, "ada")
    with ledger.stage(user="ben"):
        ledger.record(Usage(1000, 0, 0), 0.0)
    ledger.record(Usage(1000, 0, 0), 0.0)
    assert spending.exhausted is None
    with ledger.stage("decide", user="ada"):
        ledger.record(Usage(30, 0, 0), 0.0)
    with ledger.stage("rank", user="ada"):
        ledger.record(Usage(30, 0, 0), 0.0)
    assert spending.exhausted == "50 tokens"

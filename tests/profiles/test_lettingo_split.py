import pytest
from ratings import SMALL, films

from limner.errors import InputError
from limner.profiles.lettingo.judge import about
from limner.profiles.lettingo.split import SplitSettings, cases_of, data_hash


@pytest.mark.parametrize("negatives", ["rated", "unrated"])
def test_everything_that_comes_later_is_later(negatives) -> None:
    for case in cases_of(films(), SMALL.model_copy(update={"negatives": negatives})):
        times = [[one.time for one in part] for part in (case.history, case.recent, case.targets)]
        assert max(times[0]) <= min(times[1])
        assert max(times[1]) <= min(times[2])
        shown = {one.item for one in (*case.history, *case.recent)}
        assert not shown & {target.item for target in case.targets}
        assert [len(part) for part in times] == [6, 2, 4]
        assert sum(target.liked for target in case.targets) == 2


def test_ties_in_time_keep_the_order_of_the_source() -> None:
    dataset = films()
    frame = dataset.interactions.frame.with_columns(time=0.0 * dataset.interactions.frame["time"])
    tied = type(dataset.interactions)(frame)
    for case in cases_of(type(dataset)("films", dataset.catalogue, tied), SMALL):
        rated = tied.by_user(case.user).frame["item"].to_list()
        shown = [rated.index(one.item) for one in (*case.history, *case.recent)]
        later = [rated.index(target.item) for target in case.targets if target.liked]
        assert shown == sorted(shown)
        assert max(shown) < min(later)


def test_a_negative_that_was_not_rated_was_never_rated() -> None:
    dataset = films()
    for case in cases_of(dataset, SMALL):
        ever = set(dataset.interactions.by_user(case.user).frame["item"].to_list())
        for target in case.targets:
            assert (target.item in ever) == target.liked
            assert (target.value > 0) == target.liked


def test_a_rated_negative_was_rated_low() -> None:
    for case in cases_of(films(), SMALL.model_copy(update={"negatives": "rated"})):
        assert all(target.value <= 2 for target in case.targets if not target.liked)


def test_no_user_is_in_two_parts_and_a_seed_draws_the_same() -> None:
    wanted = SMALL.model_copy(update={"dev": 1, "train": 3, "test": 3})
    cases = cases_of(films(), wanted)
    assert [case.part for case in cases] == ["dev", *["train"] * 3, *["test"] * 3]
    assert len({case.user for case in cases}) == 7
    assert cases == cases_of(films(), wanted)
    assert cases != cases_of(films(), wanted.model_copy(update={"seed": 1}))


def test_too_few_users_are_an_error_that_says_what_is_needed() -> None:
    with pytest.raises(InputError, match=r"90 users are asked for, and 8 of films"):
        cases_of(films(), SMALL.model_copy(update={"train": 88}))


def test_a_rating_that_is_repeated_is_no_target_of_its_own_history() -> None:
    dataset = films()
    rows = list(dataset.interactions.frame.select("user", "item", "value", "time").iter_rows())
    again = [(user, item, value, time + 500) for user, item, value, time in rows]
    doubled = type(dataset)("films", dataset.catalogue, type(dataset.interactions).from_rows(rows + again))
    for case in cases_of(doubled, SMALL):
        items = [one.item for one in (*case.history, *case.recent, *case.targets)]
        assert len(items) == len(set(items))


def test_the_hash_changes_with_one_rating() -> None:
    dataset = films()
    less = type(dataset)("films", dataset.catalogue, dataset.interactions.without([5]))
    assert data_hash(dataset) == data_hash(films())
    assert data_hash(dataset) != data_hash(less)


def test_a_view_shows_what_it_is_named_for() -> None:
    case = cases_of(films(), SplitSettings(train=1, test=0, history=6, recent=2, targets=4))[0]
    earlier, latest = case.history[0].title, case.recent[0].title
    assert earlier in about(case, "history")
    assert latest in about(case, "history")
    assert earlier not in about(case, "recent")
    assert about(case, "profile", " Fond of owls. ").startswith("Fond of owls.\n\nLatest")
    assert latest not in about(case, "nothing")
    for view in ("history", "recent", "profile", "nothing"):
        assert not any(target.title in about(case, view, "x") for target in case.targets)

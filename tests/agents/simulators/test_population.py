"""The browsing population, on made films."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from limner.agents.simulators.calibration import calibrate
from limner.agents.simulators.habits import habits_of
from limner.agents.simulators.pages import Browsing, Manners
from limner.agents.simulators.population import Population
from limner.agents.simulators.ratings import Ratings
from limner.agents.simulators.tastes import attribute_matrix
from limner.errors import InputError, NotFound
from limner.testing.recommender_data import catalogue, interactions
from limner.tools import Interactions

FILMS = catalogue()
RATED = interactions(90)


@pytest.fixture(scope="module")
def population():
    return Population.of(RATED, FILMS)


def test_a_pair_that_was_rated_twice_counts_once_with_the_latest_rating():
    ratings = Ratings.of(
        Interactions.from_rows([
            ("u", "a1", 1.0, 5.0),
            ("u", "a2", 2.0, 1.0),
            ("u", "a1", 4.0, 9.0),
            ("u", "x", 5.0, 2.0),
        ]),
        FILMS,
    )
    items, values = ratings.of_user(0)
    assert [FILMS.ids[place] for place in items] == ["a2", "a1"]
    assert values.tolist() == [2.0, 4.0]


def test_halves_are_of_each_user():
    ratings = Ratings.of(RATED, FILMS)
    for half in (ratings.half(3), ratings.earlier()):
        assert np.bincount(ratings.user[half]).tolist() == [2] * 90
    items, _ = ratings.of_user(4)
    assert ratings.where(ratings.earlier()).of_user(4)[0].tolist() == items[:2].tolist()
    assert (ratings.half(3) != ratings.half(4)).any()


def test_habits_are_counted_as_the_paper_counts_them():
    attributes = attribute_matrix(FILMS)
    crowd = np.full(len(FILMS), 3.0)
    places = FILMS.positions(["a1", "a3", "b1"])
    habits = habits_of(places, np.array([5.0, 3.0, 2.0]), crowd, attributes)
    assert habits.activity == 3
    assert habits.conformity == pytest.approx((4 + 0 + 1) / 3)
    values = attributes[places].toarray().sum(axis=0)
    assert (
        habits.diversity == habits.variety == (values > 0).sum()
    )  # all three of fewer than twenty are drawn
    nothing = habits_of(places[:0], np.zeros(0), crowd, attributes)
    assert nothing.activity == nothing.diversity == 0
    assert np.isnan(nothing.conformity)


def test_variety_does_not_grow_with_the_number_of_items_alone():
    attributes = attribute_matrix(FILMS)
    few, many = (np.tile(FILMS.positions(["a3", "b3"]), n) for n in (30, 300))
    crowd = np.zeros(len(FILMS))
    less, more = (habits_of(one, np.ones(len(one)), crowd, attributes).variety for one in (few, many))
    assert less == pytest.approx(more, abs=0.01)
    alone = habits_of(np.tile(few[:1], 60), np.ones(60), crowd, attributes)
    assert alone.variety < less


def test_shown_everything_once_users_watch_as_often_as_they_really_did(population):
    for user in population.users[:5]:
        one = population.user(user)
        assert expit(one.appeal).sum() == pytest.approx(4.0, abs=0.01)
        # moved as a whole: what draws them more still does
        assert np.argsort(one.appeal).tolist() == np.argsort(one.interest).tolist()


def test_users_are_drawn_to_what_their_kind_takes(population):
    places = {
        letter: FILMS.positions([i for i in FILMS.ids if i[0] == letter and i != "c4"]) for letter in "abc"
    }
    right = 0
    for number, user in enumerate(population.users):
        mean = {letter: population.user(user).interest[own].mean() for letter, own in places.items()}
        right += max(mean, key=mean.get) == "abc"[number % 3]
    assert right >= 80


def test_ratings_come_out_with_the_shares_that_they_really_have(population):
    browsing = Browsing(population, seed=1)
    made = np.concatenate([
        browsing.ratings(user, population.ratings.of_user(place)[0])
        for place, user in enumerate(population.users)
    ])
    levels = population.calibration.levels
    assert set(made) <= set(levels)
    for level in levels:
        assert (made == level).mean() == pytest.approx((population.ratings.value == level).mean(), abs=0.08)


def test_a_visit_is_the_same_under_the_same_seed_whoever_else_browses(population):
    listed = list(FILMS.ids)
    alone = Browsing(population, seed=5).visit("u7", listed, 2)
    among = Browsing(population, seed=5)
    for user in population.users[:20]:
        among.visit(user, listed[::-1], 1)
    assert among.visit("u7", listed, 2) == alone
    others = [Browsing(population, seed=seed).visit("u7", listed, 2) for seed in range(6)]
    assert any(one != alone for one in others)


def test_pages_hold_what_was_listed_in_order_and_end(population):
    manners = Manners(page=5, most_pages=2)
    for user in population.users[:30]:
        visit = Browsing(population, manners).visit(user, FILMS.ids)
        assert visit.shown == FILMS.ids[: len(visit.shown)]
        assert [len(page.shown) for page in visit.pages] == [5] * len(visit.pages)
        assert {one.item_id for one in visit.watched} <= set(visit.shown)
        assert visit.ended == "limit" if len(visit.pages) == 2 else visit.ended == "left"
        for page in visit.pages:
            assert -1 <= page.satisfaction <= 1
            assert page.watched or page.satisfaction == -1
    short = Browsing(population).visit("u1", FILMS.ids[:3])
    assert (len(short.pages), short.ended) == (1, "nothing more") or short.ended == "left"
    assert Browsing(population).visit("u1", []).pages == ()


def test_a_no_that_lasts_is_the_same_each_time(population):
    listed = FILMS.ids

    def answers(constancy):
        browsing = Browsing(population, Manners(page=12, constancy=constancy, variety=0))
        return {
            tuple(one.item_id for one in browsing.visit("u3", listed, number).watched) for number in range(8)
        }

    assert len(answers(1.0)) == 1
    assert len(answers(0.0)) > 1


def test_patience_grows_with_activity_and_a_good_page(population):
    browsing, user = Browsing(population), population.user("u1")
    lazy, keen = replace(user, activity=0.1), replace(user, activity=0.9)
    assert browsing._next_page(keen, 1, 0.0) > browsing._next_page(lazy, 1, 0.0)
    assert browsing._next_page(lazy, 1, 1.0) > browsing._next_page(lazy, 1, -1.0)
    assert browsing._next_page(lazy, 1, 0.0) > browsing._next_page(lazy, 4, 0.0)


def test_who_likes_variety_watches_less_of_the_same():
    films = interactions(90)
    population = Population.of(films, FILMS)
    listed = ["a1", "a2", "a3", "a4"]
    watched = {}
    for taste in (-1.0, 1.0):
        count = 0
        for user in population.users[::3]:
            population._made[user] = replace(population.user(user), variety=taste)
            # one to a page, so that each is compared with those before
            browsing = Browsing(population, Manners(page=1, most_pages=4, joy=0, variety=6))
            population._made[user] = replace(population.user(user), activity=1.0)
            count += len(browsing.visit(user, listed).watched)
        watched[taste] = count
    assert watched[1.0] < watched[-1.0]


def test_who_goes_with_the_crowd_rates_as_it_does():
    rows = []
    for number in range(40):
        for place, item in enumerate(FILMS.ids[:11]):
            mean = 2.0 if place % 2 else 4.0
            off = 0.0 if number % 2 else (1.0 if (number // 2 + place // 2) % 2 else -1.0)
            rows.append((f"u{number}", item, mean + off, float(place)))
    population = Population.of(Interactions.from_rows(rows), FILMS)
    browsing = Browsing(population)
    everything = np.arange(11)
    crowd = population.ratings.crowd()[:11]
    away = [
        np.mean([np.mean((browsing.ratings(f"u{n}", everything) - crowd) ** 2) for n in range(start, 40, 2)])
        for start in (0, 1)
    ]
    assert away[0] > 1.5 * away[1]  # those with even numbers part from it by one, the others not at all


def test_what_cannot_be_is_refused(population):
    with pytest.raises(InputError, match="rated data"):
        Population.of(Interactions.from_rows([("u", "a1", 1.0, 1.0), ("v", "a2", 1.0, 2.0)]), FILMS)
    with pytest.raises(InputError, match="too few"):
        Population.of(Interactions.from_rows([("u", "a1", 1.0, 1.0), ("v", "a2", 2.0, 2.0)]), FILMS)
    with pytest.raises(NotFound, match="nobody"):
        population.user("nobody")
    with pytest.raises(InputError, match="at least 1"):
        Manners(page=0)
    with pytest.raises(InputError, match="constancy"):
        Manners(constancy=1.5)
    with pytest.raises(NotFound, match="no item"):
        Browsing(population).visit("u1", ["a1", "zz"])


def test_what_is_calibrated_on_some_does_not_hang_on_the_ratings_held_out_of_others():
    ratings = Ratings.of(RATED, FILMS)
    among = np.arange(90) < 45
    one = calibrate(FILMS, ratings, among=among)
    changed = ratings.value.copy()
    changed[ratings.half(0) & ~among[ratings.user]] = 1.0
    other = calibrate(FILMS, replace(ratings, value=changed), among=among)
    assert other == one

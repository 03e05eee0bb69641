import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import rated, told

from limner.profiles.propositions.findings import Topic, attribute_keys, find

HORROR = [rated(f"H{n}", value, n, genre=("Horror",)) for n, value in enumerate([1, 2, 1, 2])]
COMEDY = [rated(f"C{n}", value, n, genre=("Comedy",)) for n, value in enumerate([5, 4, 5, 4, 4, 5])]


def by_topic(observations, baseline=None, threshold=0.75):
    return {str(f.topic): f for f in find(observations, baseline, threshold=threshold)}


def test_a_hand_worked_contrast():
    """s² = 24.1/9; d = −3; shrunken = −3·(1/4)/(1/4 + 5/12) = −1.125; σ = s·√(1/6.4) = .647; Φ(1.739) = .959."""
    found = by_topic([*HORROR, *COMEDY])
    assert list(found) == ["rating/+/genre/Comedy", "rating/-/genre/Horror"]
    horror = found["rating/-/genre/Horror"]
    assert horror.probability == pytest.approx(0.9590, abs=5e-4)
    assert (horror.level, horror.reference, horror.count, horror.total) == (1.5, 4.5, 4, 10)
    assert horror.position == pytest.approx(0.125)
    assert horror.strength == "disliked"
    assert [o.event.title for o in horror.supports] == ["H0", "H2", "H1", "H3"]
    assert horror.contradicts == ()
    comedy = found["rating/+/genre/Comedy"]
    assert comedy.strength == "loved"
    assert [o.event.title for o in comedy.examples] == ["C0", "C2", "C5"]


def test_what_goes_against_the_direction_is_told_apart():
    odd = rated("H9", 5, 9, genre=("Horror",))
    horror = by_topic([*HORROR, odd, *COMEDY])["rating/-/genre/Horror"]
    assert horror.contradicts == (odd,)
    assert odd not in horror.supports


@given(
    st.floats(0.1, 10).map(lambda v: round(v, 2)),
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=40),
)
def test_who_rates_everything_alike_has_no_contrast(value, genres):
    observations = [rated(f"T{n}", value, n, genre=(genre,)) for n, genre in enumerate(genres)]
    assert find(observations, threshold=0.0) == []


@pytest.mark.parametrize(
    "observations", [[], HORROR[:1], HORROR, [*HORROR, *COMEDY[:2]], [told("I like tea.")]]
)
def test_nothing_is_found_in_too_little(observations):
    assert find(observations, threshold=0.0) == []


def test_items_without_an_attribute_count_as_the_rest():
    bare = [rated(f"B{n}", 5, n) for n in range(6)]
    found = by_topic([*HORROR, *bare])
    assert list(found) == ["rating/-/genre/Horror"]
    assert found["rating/-/genre/Horror"].reference == 5.0


def test_shares_need_a_general_share_and_clearly_more_of_it():
    seen = [rated(f"W{n}", None, n, kind="view", genre=("War",)) for n in range(6)]
    seen += [rated(f"D{n}", None, n, kind="view", genre=("Drama",)) for n in range(6)]
    assert find(seen) == []
    found = by_topic(seen, {("genre", "War"): 0.1, ("genre", "Drama"): 0.45})
    assert list(found) == ["share/+/genre/War"]
    war = found["share/+/genre/War"]
    assert (war.level, war.reference, war.count, war.total) == (0.5, 0.1, 6, 12)
    assert war.probability > 0.99
    assert war.supports[0].event.title == "W5"
    assert war.strength == "picked more often than by most people"


def test_a_dislike_is_not_a_choice():
    shunned = [rated(f"W{n}", None, n, kind="dislike", genre=("War",)) for n in range(6)]
    seen = [rated(f"D{n}", None, n, kind="view", genre=("Drama",)) for n in range(6)]
    assert "share/+/genre/War" not in by_topic([*shunned, *seen], {("genre", "War"): 0.1})


@pytest.mark.parametrize("kind", ["shown", "opened", "rejected"])
def test_what_the_user_did_not_take_is_neither_a_choice_nor_an_opinion(kind):
    passed = [rated(f"W{n}", None, n, kind=kind, genre=("War",)) for n in range(6)]
    seen = [rated(f"D{n}", None, n, kind="view", genre=("Drama",)) for n in range(6)]
    baseline = {("genre", "War"): 0.1, ("genre", "Drama"): 0.3}
    assert find([*passed, *seen], baseline, threshold=0.0) == find(seen, baseline, threshold=0.0)
    assert by_topic([*passed, *HORROR, *COMEDY]) == by_topic([*HORROR, *COMEDY])


@pytest.mark.parametrize("kind", ["accepted", "seen"])
def test_who_takes_up_an_item_and_then_rates_it_has_chosen_it_once(kind):
    taken = [rated(f"W{n % 4}", None, n, kind=kind, genre=("War",)) for n in range(8)]
    baseline = {("genre", "War"): 0.1}
    assert by_topic(taken, baseline)["share/+/genre/War"].count == 4
    again = [*taken, rated("W0", 5, 9, genre=("War",))]
    found = by_topic(again, baseline)["share/+/genre/War"]
    assert (found.count, found.total) == (4, 4)


def test_likes_and_dislikes_lie_at_the_ends_of_the_scale():
    liked = [rated(f"L{n}", None, n, kind="like", genre=("War",)) for n in range(5)]
    shunned = [rated(f"S{n}", None, n, kind="dislike", genre=("Musical",)) for n in range(5)]
    fair = [rated(f"F{n}", 3 + n % 2, n, genre=("Drama",)) for n in range(6)]
    found = by_topic([*liked, *shunned, *fair])
    assert found["rating/+/genre/War"].strength == "loved"
    assert found["rating/-/genre/Musical"].strength == "disliked"
    alone = by_topic([*liked, *shunned])
    assert set(alone) == {"rating/+/genre/War", "rating/-/genre/Musical"}


def test_the_most_probable_comes_first_and_ties_go_by_topic():
    both = [rated(f"X{n}", value, n, b=("y",), a=("x",)) for n, value in enumerate([1, 1, 1, 1])]
    found = find([*both, *COMEDY])
    assert [str(f.topic) for f in found] == ["rating/+/genre/Comedy", "rating/-/a/x", "rating/-/b/y"]
    probabilities = [f.probability for f in found]
    assert probabilities == sorted(probabilities, reverse=True)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 5)), max_size=40),
    st.randoms(use_true_random=False),
)
def test_findings_do_not_depend_on_order_and_agree_with_the_means(rows, random):
    observations = [rated(f"T{n}", float(v), n, genre=(g,)) for n, (g, v) in enumerate(rows)]
    found = find(observations, threshold=0.5)
    shuffled = list(observations)
    random.shuffle(shuffled)
    again = {str(f.topic): f.probability for f in find(shuffled, threshold=0.5)}
    assert {str(f.topic): pytest.approx(f.probability) for f in found} == again
    for f in found:
        assert (f.level > f.reference) == (f.topic.sign == "+")
        assert 0.5 <= f.probability <= 1
        mine = [o for o in observations if f.topic.value in o.event.attributes["genre"]]
        assert sorted(o.id for o in (*f.supports, *f.contradicts)) == sorted(o.id for o in mine)


def test_years_go_by_the_decade_and_other_numbers_not_at_all():
    keys = attribute_keys({"year": 1987.0, "price": 9.5, "genre": ("A", "B"), "place": "Porto"})
    assert list(keys) == [("decade", "1980s"), ("genre", "A"), ("genre", "B"), ("place", "Porto")]


names = st.text(st.sampled_from("/%2F5ab "), min_size=1, max_size=8)


@given(names, names)
def test_a_topic_is_found_again_by_its_text(attribute, value):
    topic = Topic("rating", "-", attribute, value)
    assert Topic.parse(str(topic)) == topic

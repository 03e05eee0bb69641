import math
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from limner.errors import InputError
from limner.evals.rating import rating
from limner.evals.rating.baselines import (
    Damping,
    Known,
    biased_mf,
    biases,
    item_mean,
    lenskit_installed,
    selected_damping,
    user_mean,
)
from limner.evals.records import Answer, Benchmark, Passage
from limner.evals.sources import DataError
from limner.tools.resolve import rating_in

ITEMS = (
    "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    "1\tQuiet Harbour, The\t1971\tDrama\n"
    "2\tMoth Season\t1984\tHorror Sci-Fi\n"
    "3\tNine Umbrellas\t1990\tComedy\n"
)
INTER = (
    "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    "ada\t1\t5\t100\n"
    "ada\t3\t4\t300\n"
    "ada\t2\t1\t200\n"
    "bo\t2\t2\t500\n"
    "bo\t3\t3\t500\n"
    "cy\t3\t4\t50\n"
    "cy\t1\t5\t60\n"
    "di\t1\t3\t10\n"
)


def _folder(tmp_path, inter=INTER, items=ITEMS, name="ml-100k"):
    (tmp_path / f"{name}.inter").write_text(inter, encoding="utf-8")
    (tmp_path / f"{name}.item").write_text(items, encoding="utf-8")
    return str(tmp_path)


def _question(benchmark, user):
    return next(one for one in benchmark.questions if one.id == user)


def _prompt(benchmark, user, passages=()):
    return benchmark.ask(_question(benchmark, user), passages)


def _passage(turn):
    return Passage(turn.text, (turn.id,), role="user", at=turn.at)


def test_the_last_rating_is_hidden_with_ties_in_the_order_of_the_file(tmp_path):
    benchmark = rating(_folder(tmp_path))
    assert {one.id: (one.details["item"], one.target) for one in benchmark.questions} == {
        "ada": ("3", ("4",)),
        "bo": ("3", ("3",)),
        "cy": ("1", ("5",)),
    }
    assert [turn.id for turn in benchmark.histories["ada"]] == ["1", "2"]
    assert benchmark.counted == {"user with one rating, who is not asked about": 1}
    assert [path.name for path in benchmark.files] == ["ml-100k.inter", "ml-100k.item"]
    asked = _question(benchmark, "ada")
    assert asked.text == "Nine Umbrellas (1990); genre: Comedy"
    assert (asked.group, asked.cluster) == ("001-009 earlier ratings", "ada")


def test_the_turns_are_read_as_ratings(tmp_path):
    first, second = rating(_folder(tmp_path)).histories["ada"]
    assert (first.role, first.at) == ("user", datetime(1970, 1, 1, 0, 1, 40, tzinfo=UTC))
    events = [rating_in(turn.text) for turn in (first, second)]
    assert [(one.title, one.value, one.scale) for one in events] == [
        ("The Quiet Harbour (1971)", 5.0, (1.0, 5.0)),
        ("Moth Season (1984)", 1.0, (1.0, 5.0)),
    ]


def test_an_item_rated_again_has_an_id_of_its_own(tmp_path):
    benchmark = rating(_folder(tmp_path, INTER + "ada\t1\t2\t150\n"), shots=9)
    assert [turn.id for turn in benchmark.histories["ada"]] == ["1", "1#2", "2"]
    assert benchmark.counted["item that a user rated again"] == 1
    shown = _prompt(benchmark, "ada").messages[-1][1]
    assert shown.index("Drama - rated 5") < shown.index("Drama - rated 2") < shown.index("rated 1\n")


@pytest.mark.parametrize("user", ["ada", "bo", "cy"])
def test_the_prompt_never_holds_the_hidden_rating(tmp_path, user):
    benchmark = rating(_folder(tmp_path), shots=99)
    asked = _prompt(benchmark, user, [_passage(turn) for turn in benchmark.histories[user]])
    question = _question(benchmark, user)
    assert "rated" in asked.messages[-1][1]
    assert f"{question.text} - rated" not in asked.messages[-1][1]


def test_without_memory_the_item_stands_alone(tmp_path):
    asked = _prompt(rating(_folder(tmp_path)), "ada")
    assert [role for role, _ in asked.messages] == ["system", "user"]
    assert "known about" not in asked.messages[1][1]
    assert "```text\nNine Umbrellas (1990); genre: Comedy\n```" in asked.messages[1][1]
    assert (asked.options, asked.method) == (("1", "2", "3", "4", "5"), "letter")


def test_the_stable_part_of_the_prompt_is_the_same_for_everybody(tmp_path):
    benchmark = rating(_folder(tmp_path), shots=1)
    assert len({_prompt(benchmark, user).messages[0] for user in ("ada", "bo", "cy")}) == 1


def test_passages_come_in_the_memorys_order_and_once(tmp_path):
    benchmark = rating(_folder(tmp_path), shots=1, method="constrained")
    first, second = benchmark.histories["ada"]
    note = Passage("Dislikes moths.", ("1", "2"))
    asked = _prompt(benchmark, "ada", [_passage(second), note, _passage(first)])
    assert (
        "Moth Season (1984); genre: Horror, Sci-Fi - rated 1\nDislikes moths.\n"
        "The Quiet Harbour (1971); genre: Drama - rated 5\n```"
    ) in asked.messages[1][1]
    assert asked.messages[1][1].count("Moth Season") == 1
    assert asked.method == "constrained"


def test_likelihoods_give_the_expected_rating(tmp_path):
    folder = _folder(tmp_path)
    scores = tuple(math.log(weight) for weight in (0.1, 0.1, 0.1, 0.3, 0.4))
    benchmark = rating(folder)
    marked = benchmark.mark(_question(benchmark, "ada"), Answer("5", scores=scores))
    assert marked.values == pytest.approx({"error": -0.2, "preference": 3.8, "liked": 1.0})
    likeliest = rating(folder, expected=False)
    assert likeliest.mark(_question(likeliest, "bo"), Answer("5", scores=scores)).values == {
        "error": 2.0,
        "preference": 5.0,
        "liked": 0.0,
    }


@pytest.mark.parametrize(
    ("text", "scores", "error"),
    [
        ("5", (), 2.0),
        (" 4 of 5 stars", (), 1.0),
        ("3.5", (), 0.5),
        ("no idea", (), 0.0),
        ("17", (), 0.0),
        ("2", (float("-inf"),) * 5, -1.0),
        ("2", (0.0, float("nan"), 0.0, 0.0, 0.0), -1.0),
        ("2", (float("-inf"), float("-inf"), float("-inf"), float("-inf"), 0.0), 2.0),
    ],
)
def test_answers_in_words(tmp_path, text, scores, error):
    benchmark = rating(_folder(tmp_path))
    marked = benchmark.mark(_question(benchmark, "bo"), Answer(text, scores=scores))
    assert marked.values["error"] == error
    assert ("no rating" in marked.why) == (text in ("no idea", "17"))


KNOWN = Known([("a", "x", 5), ("a", "y", 3), ("b", "x", 1)])
ASKED = [("a", "x"), ("b", "y"), ("new", "x"), ("a", "new"), ("new", "new")]


def test_means_by_hand():
    assert user_mean(KNOWN, ASKED).tolist() == [4, 1, 3, 4, 3]
    assert item_mean(KNOWN, ASKED).tolist() == [3, 3, 3, 3, 3]


def test_biases_by_hand():
    # Mean 3, residuals a-x 2, a-y 0, b-x -2; both λ are 1. Setting the derivatives to 0:
    #   3 a + x + y = 2    2 b + x = -2    3 x + a + b = 0    2 y + a = 0
    # so y = -a / 2, b = -1 - x / 2, x = (1 - a) / 2.5, and a (5 / 2 - 1 / 2.5) = 2 - 1 / 2.5, that is a = 16 / 21.
    a, x, y, b = 16 / 21, 2 / 21, -8 / 21, -22 / 21
    predicted = biases(KNOWN, ASKED, Damping(1, 1))
    np.testing.assert_allclose(predicted, [3 + a + x, 3 + b + y, 3 + x, 3 + a, 3], atol=1e-5)


def test_predictions_stay_on_the_scale():
    known = Known([("a", "x", 5), ("a", "y", 5), ("b", "x", 5), ("b", "z", 1), ("c", "z", 1)])
    assert biases(known, [("a", "x"), ("c", "z")], Damping(0.01, 0.01)).tolist() == [5, 1]


def test_the_damping_is_the_best_on_validation():
    known = Known([("a", "x", 5), ("b", "x", 5), ("c", "y", 1), ("d", "y", 3)])
    asked, gold = [("e", "x"), ("e", "y")], np.array([5.0, 2.0])
    tried = [Damping(u, i) for u in (1, 25) for i in (1, 25)]
    errors = [float(((biases(known, asked, one) - gold) ** 2).mean()) for one in tried]
    assert selected_damping(known, asked, gold, (1, 25)) == tried[int(np.argmin(errors))]
    assert len(set(errors)) > 1


def test_the_floors_are_those_of_the_questions_asked(tmp_path):
    floors = rating(_folder(tmp_path)).floors
    # Known are ada 1:5, 2:1, bo 2:2 and cy 3:4; asked are ada 3 (4), bo 3 (3) and cy 1 (5).
    errors = np.array([3 - 4, 2 - 3, 4 - 5])
    assert floors["user mean rmse"] == pytest.approx(np.sqrt((errors**2).mean()))
    assert floors["item mean mae"] == pytest.approx((0 + 1 + 0) / 3)
    assert floors["item mean auc"] == pytest.approx(0.75)
    assert set(floors) == {
        f"{name} {score}" for name in ("user mean", "item mean", "biases") for score in ("rmse", "mae", "auc")
    }


def test_an_auc_without_disliked_items_is_left_out(tmp_path):
    inter = "".join(line for line in INTER.splitlines(keepends=True) if not line.startswith("bo"))
    assert not [name for name in rating(_folder(tmp_path, inter)).floors if name.endswith("auc")]


@pytest.mark.skipif(not lenskit_installed(), reason="needs the extra lenskit")
def test_matrix_factorisation_is_the_same_for_the_same_seed():
    rng = np.random.default_rng(0)
    rows = [
        (str(u), str(i), float(rng.integers(1, 6))) for u in range(12) for i in range(8) if rng.random() < 0.7
    ]
    known, asked = Known([*rows, rows[0]]), [("0", "1"), ("0", "new"), ("new", "1")]
    first, again = biased_mf(known, asked, 3), biased_mf(known, asked, 3)
    assert first.tolist() == again.tolist()
    assert first[1:].tolist() == biases(known, asked)[1:].tolist()
    assert ((first >= 1) & (first <= 5)).all()


def test_matrix_factorisation_is_left_out_in_words_without_lenskit(tmp_path, monkeypatch):
    monkeypatch.setattr("limner.evals.rating.baselines.lenskit_installed", lambda: False)
    left_out = rating(_folder(tmp_path), matrix_factorisation=True)
    assert left_out.counted["matrix factorisation left out: the extra lenskit is not installed"] == 1
    assert not [name for name in left_out.floors if name.startswith("matrix")]


def test_any_recbole_folder_does(tmp_path):
    items = (
        "item_id:token\ttitle:token_seq\tprice:float\ttags:token_seq\n1\tKettle\t9.5\tred small\n2\tMug\t\t\n"
    )
    benchmark = rating(
        _folder(
            tmp_path,
            "user_id:token\titem_id:token\trating:float\ttimestamp:float\nu\t2\t4\t1\nu\t1\t2\t2\n",
            items,
            "shop",
        )
    )
    assert benchmark.questions[0].text == "Kettle; price: 9.5; tags: red, small"
    assert "rates one item," in _prompt(benchmark, "u").messages[0][1]


def test_what_the_files_lack_is_counted(tmp_path):
    extra = "ada\t99\t3\t5\nada\t1\tx\t6\nbo\t1\t4\t1e300\n"
    assert rating(_folder(tmp_path, INTER + extra, ITEMS + "1\tAgain\t1999\tDrama\n")).counted == {
        "row of the ratings that cannot be used": 1,
        "row of the items that cannot be used": 1,
        "rating of an item that the item file lacks": 1,
        "time that no calendar has": 1,
        "user with one rating, who is not asked about": 1,
    }


@pytest.mark.parametrize("value", ["3.5", "0", "6", "-1"])
def test_a_rating_off_the_scale_is_named(tmp_path, value):
    with pytest.raises(DataError, match=rf"ml-100k\.inter, row 8, field 'rating': is {value}"):
        rating(_folder(tmp_path, INTER + f"di\t2\t{value}\t11\n"))


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(DataError, match=r"does not exist.*grouplens"):
        rating(str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"0 files that end in \.inter"):
        rating(str(tmp_path))
    with pytest.raises(DataError, match="no user rated two"):
        rating(_folder(tmp_path, INTER.split("ada")[0]))


def test_shots_are_not_negative(tmp_path):
    with pytest.raises(InputError, match="shots is -1"):
        rating(_folder(tmp_path), shots=-1)


FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\t\r\n"), max_size=5) | st.sampled_from([
    "1",
    "5",
    "2.5",
    "1e400",
    "nan",
    "-7",
    "ada",
    "1970-01-01",
    "99999999999999",
])
LINES = st.lists(st.lists(FIELD, min_size=1, max_size=5).map("\t".join), max_size=6)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inter=LINES, items=LINES, headers=st.booleans())
@example(inter=[], items=["0\t\t1E400\t"], headers=True)
def test_any_file_is_a_benchmark_or_a_data_error(tmp_path, inter, items, headers):
    start = (INTER, ITEMS) if headers else ("", "")
    folder = _folder(tmp_path, start[0] + "\n".join(inter), start[1] + "\n".join(items))
    try:
        benchmark = rating(folder, shots=2)
    except DataError:
        return
    assert isinstance(benchmark, Benchmark)
    for question in benchmark.questions:
        benchmark.ask(question, [_passage(turn) for turn in benchmark.histories[question.history]])
        assert benchmark.mark(question, Answer("3")).values["preference"] == 3


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(INTER.encode()) - 1), byte=st.binary(min_size=1, max_size=2))
def test_a_damaged_file_is_a_benchmark_or_a_data_error(tmp_path, place, byte):
    folder = _folder(tmp_path)
    content = INTER.encode()
    (tmp_path / "ml-100k.inter").write_bytes(content[:place] + byte + content[place + 1 :])
    with suppress(DataError):
        assert rating(folder).questions


def test_importing_it_is_light():
    code = (
        "import sys, limner.evals.rating.prediction;"
        "print([name for name in ('inspect_ai', 'torch', 'pandas', 'chromadb', 'lenskit') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.data
def test_movielens_floors():
    benchmark = rating("ml-100k")
    assert len(benchmark.questions) == 943
    assert benchmark.counted == {}
    floors = {name: round(value, 3) for name, value in benchmark.floors.items() if name.endswith("rmse")}
    assert floors == {"user mean rmse": 1.157, "item mean rmse": 1.098, "biases rmse": 1.025}

import importlib
import subprocess
import sys

import pytest

from limner.evals.scoring.rouge import _scorer, rouge


def test_rouge_by_hand():
    # 3 of 4 predicted words are in the gold of 6: P 3/4, R 1/2, F .6. In order are `the tram home`, all three.
    assert rouge("the night tram home", ["i took the last tram home"]) == pytest.approx({
        "rouge_1": 0.6,
        "rouge_l": 0.6,
    })
    # All words, order turned round: one word is the longest common run.
    assert rouge("home tram", ["tram home"]) == pytest.approx({"rouge_1": 1.0, "rouge_l": 0.5})


def test_words_are_not_stemmed_and_case_and_marks_do_not_count():
    assert rouge("Trams!", ["tram"])["rouge_1"] == 0
    assert rouge('"TRAM," home...', ["tram home"])["rouge_1"] == 1


def test_the_best_gold_counts():
    assert rouge("late bus", ["early train", "late bus"])["rouge_l"] == 1


@pytest.mark.parametrize(
    ("prediction", "gold"), [("", "a"), ("a", ""), ("", ""), ("…", "!?"), ("\ud800", "a")]
)
def test_nothing_to_compare_is_zero(prediction, gold):
    assert rouge(prediction, [gold]) == {"rouge_1": 0, "rouge_l": 0}
    assert rouge(prediction, [gold], words="unicode") == {"rouge_1": 0, "rouge_l": 0}


def test_words_of_other_scripts_need_the_unicode_splitter():
    # The published splitter makes `n o` of both, so different words look alike.
    assert rouge("não", ["nó o"])["rouge_1"] > 0.6
    assert rouge("não", ["nó o"], words="unicode")["rouge_1"] == 0
    assert rouge("Отличный чай", ["отличный кофе"], words="unicode")["rouge_1"] == 0.5
    assert (
        rouge("It's a snake_case, isn't it?", ["it s a snake case isn t it"], words="unicode")["rouge_1"] == 1
    )


def test_a_missing_package_names_the_extra(monkeypatch):
    real = importlib.import_module

    def without(name, package=None):
        if name.startswith("rouge_score"):
            raise ModuleNotFoundError(name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    _scorer.cache_clear()
    with pytest.raises(ImportError, match=r"limner\[evals\]"):
        rouge("a", ["a"])


def test_the_package_is_loaded_only_when_used():
    code = (
        "import sys, limner.evals.scoring.rouge; print('rouge_score' in sys.modules, 'nltk' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["False", "False"]

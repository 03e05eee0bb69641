"""Which turns are not in English, and what is said to them."""

import pytest

from limner.agents.conversation.language import language_of, understands_only_english


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Ich möchte einen lustigen Film sehen, aber nichts Romantisches", "de"),
        ("quiero una película de terror de los años 80", "es"),
        ("je cherche un film drôle pour ce soir", "fr"),
        ("Vorrei vedere una commedia divertente", "it"),
        ("ik zoek een spannende film voor vanavond", "nl"),
        ("хочу посмотреть комедию", "ru"),
        ("私はコメディ映画が見たい", "ja"),
    ],
)
def test_other_languages_are_told(text, code):
    assert language_of(text) == code
    assert understands_only_english(code) != understands_only_english("en")


@pytest.mark.parametrize(
    "text",
    [
        "Das Boot please",
        "amélie!",
        "lol k",
        "I loved Como agua para chocolate",
        "no",
        "a comedy",
        "La La Land or Les Misérables",
        "somthing funy plz",
        "",
        "!!!",
    ],
)
def test_english_titles_slang_and_scraps_are_not(text):
    assert language_of(text) is None


def test_a_language_without_a_sentence_of_its_own_gets_english():
    assert "English" in understands_only_english("xx")

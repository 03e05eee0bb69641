"""What a text shows at a glance."""

import time

import pytest

from limner.memory.sayings import Trait, read_saying


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("Ada: we moved", "ada"),
        ("  Ada: we moved", "ada"),
        ("Ada:\nwe moved", "ada"),
        ("Dr. Ada Lovelace: we moved", "dr. ada lovelace"),
        ("Ludwig van Beethoven: we moved", "ludwig van beethoven"),
        ("Anna-Lena O'Neil: we moved", "anna-lena o'neil"),
        ("J.R.R. Tolkien: we moved", "j.r.r. tolkien"),
        ("ADA: we moved", "ada"),
        ("Speaker 2: we moved", "speaker 2"),
        ("Élodie: on a déménagé", "élodie"),
        ("Аня: мы переехали", "аня"),
        ("أحمد: مرحبا", "أحمد"),
        ("小明：我們搬家了", "小明"),
        ("小明: 我們搬家了", "小明"),
        ("Ada: Bob: said so", "ada"),
        # A label, or the beginning of a sentence, is nobody.
        ("Note: buy milk", None),
        ("Note to self: buy milk", None),
        ("PS: buy milk", None),
        ("Reminder: buy milk", None),
        ("The plan is this: buy milk", None),
        ("ada: we moved", None),
        ("user: we moved", None),
        # What stands in front of these colons is a time, a place in a book, or half of an address.
        ("10:30: we met", None),
        ("At 10:30: we met", None),
        ("At 10: we met", None),
        ("Chapter 3: we met", None),
        ("https://example.org: a page", None),
        ("See https://example.org", None),
        ("Ada:we moved", None),
        ("Ada: ", None),
        ("Ada", None),
        (": we moved", None),
        ("", None),
        ("?", None),
        ("🙂: we moved", None),
        ("One Two Three Four: too long for a name", None),
        ("A" * 60 + ": too long for a name", None),
    ],
)
def test_who_says_it(text, speaker) -> None:
    assert read_saying(text).speaker == speaker


@pytest.mark.parametrize(
    ("text", "traits"),
    [
        ("Ada: tea", Trait(0)),
        ("tea", Trait(0)),
        ("", Trait(0)),
        ("🙂", Trait(0)),
        ("Where is Porto?", Trait.ASKS | Trait.NAMES),
        ("Ada: is it far ?!", Trait.ASKS),
        ("is it far? (image: a road)", Trait.ASKS),
        ("is it far? yes", Trait(0)),
        ("is it (far?) here", Trait(0)),
        ("遠いですか？", Trait.ASKS),
        ("it happened yesterday", Trait.DATES),
        ("it happened on Tuesday", Trait.DATES | Trait.NAMES),
        ("it began in 1999", Trait.DATES | Trait.COUNTS),
        ("the yesteryears", Trait(0)),
        ("three dogs", Trait.COUNTS),
        ("3 dogs", Trait.COUNTS),
        ("nothing weighs a tonne", Trait(0)),
        ("she lives in Porto", Trait.NAMES),
        ("Ada: Porto is far", Trait(0)),
        ("It is far. Porto is near.", Trait(0)),
        ("she lives in Évora", Trait.NAMES),
        ("she has élan", Trait(0)),
        ("она живёт в Москве", Trait.NAMES),
        ("она живёт далеко", Trait(0)),
        ('she read "Persuasion" again', Trait.QUOTES),
        ("she read “Persuasion” again", Trait.QUOTES),
        ('the 5" nail', Trait.COUNTS),
        ("I like tea", Trait.TELLS),
        ("this is my tea", Trait.TELLS),
        ("mystery", Trait(0)),
        ("Ada: We met 2 days ago in Porto, no?", ~Trait.QUOTES),
    ],
)
def test_what_it_has_in_it(text, traits) -> None:
    assert read_saying(text).traits == traits


@pytest.mark.parametrize(
    "text",
    [
        *("? " * 10_000 + "x", "?(" * 10_000 + "x", "?" + "(" * 20_000 + "x", "«" * 20_000, "„a" * 10_000),
        *('"a' * 10_000, "A " * 10_000, " " * 20_000 + "x", "a" * 20_000, "(?" * 10_000, ". A" * 7_000),
    ],
    ids=lambda text: f"{text[:4]}…",
)
def test_no_text_takes_longer_than_its_length(text) -> None:
    start = time.process_time()
    read_saying(text)
    assert time.process_time() - start < 1

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.agents.simulators.leaks import leaks
from limner.errors import NotFound
from limner.tools import Catalogue, Item

TITLES = {
    "it": "It (2017)",
    "big": "Big (1988)",
    "up": "Up (2009)",
    "scary": "Scary Movie (2000)",
    "alien": "Alien (1979)",
    "covenant": "Alien: Covenant (2017)",
    "frozen": "Frozen (2013)",
    "fever": "Frozen Fever (2015)",
    "titanic": "Titanic (1997)",
    "toy2": "Toy Story 2 (1999)",
    "toy": "Toy Story (1995)",
    "shawshank": "The Shawshank Redemption (1994)",
    "amelie": "Amélie (2001)",
    "lost": "City of Lost Children, The (Cité des enfants perdus, La) (1995)",
    "spidey": "Spider-Man (2002)",
    "oceans": "Ocean's Eleven (2001)",
    "buddies": "Dustbuddies: Return to the Attic (2011)",
    "goblet": "Harry Potter and the Goblet of Fire (2005)",
    "stone": "Harry Potter and the Sorcerer's Stone (2001)",
    "potter": "Harry Potter",
    "love": "Love & Basketball (2000)",
    "mind": "Eternal Sunshine of the Spotless Mind (2004)",
    "meg": "The Meg (2018)",
    "comedy": "The Comedy (2012)",
    "bob": "What About Bob? (1991)",
    "yes": "Yes (2004)",
    "mall": "You've Got Mail (1998)",
}
STARS = {"mall": ("Meg Ryan", "Tom Hanks")}
PLOT = "They go up and up the frozen river to be big, until it is over."
CATALOGUE = Catalogue(
    Item(
        id=item_id,
        title=title,
        attributes={"genre": ("comedy", "drama"), "star": STARS.get(item_id, ("Bo Lind",))},
        description=PLOT,
    )
    for item_id, title in TITLES.items()
)


@pytest.mark.parametrize(
    ("target", "text", "words", "how"),
    [
        ("shawshank", "I want The Shawshank Redemption.", "Shawshank Redemption", "title"),
        ("shawshank", "something like the shawshank redemption?", "shawshank redemption", "title"),
        ("shawshank", "Shawshank Redemption, The", "Shawshank Redemption", "title"),
        ("shawshank", "the shawshenk redemtion was great", "shawshenk redemtion", "misspelt"),
        ("amelie", "have you got amelie", "amelie", "title"),
        ("amelie", "AMÉLIE!", "AMÉLIE", "title"),
        ("lost", "the city of lost children", "city of lost children", "title"),
        ("lost", "la cite des enfants perdus", "la cite des enfants perdus", "title"),
        ("spidey", "I want spiderman", "spiderman", "title"),
        ("spidey", "I want Spider Man", "Spider Man", "title"),
        ("oceans", "oceans 11 perhaps", "oceans 11", "title"),
        ("buddies", "is it dustbuddies?", "dustbuddies", "piece"),
        ("goblet", "the one with the goblet of fire", "goblet of fire", "piece"),
        ("love", "love and basketball", "love and basketball", "title"),
        ("mind", "eternal sunshine something", "eternal sunshine", "piece"),
        ("frozen", "I loved Frozen", "Frozen", "title"),
        ("frozen", 'it was called "frozen"', "frozen", "title"),
        ("it", "have you seen It?", "It", "title"),
        ("it", "it (2017) is what I want", "it", "title"),
        ("big", "I'd like to watch Big tonight", "Big", "title"),
        ("scary", "I saw Scary Movie last week", "Scary Movie", "title"),
        ("up", "“up” please", "up", "title"),
        ("toy2", "toy story ii", "toy story ii", "title"),
        ("bob", "I liked what about bob", "what about bob", "title"),
    ],
)
def test_a_named_target_is_found_with_the_words_that_name_it(target, text, words, how):
    leak = leaks(text, [target], CATALOGUE)
    assert leak is not None
    assert (leak.item_id, leak.words, leak.how) == (target, words, how)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("it", "It was fun, it really was. It is."),
        ("big", "something big, with big stars"),
        ("big", "Big films are what I like"),
        ("up", "I'm up for anything, so what's up?"),
        ("scary", "I want a scary movie"),
        ("scary", "I WANT A SCARY MOVIE NOW PLEASE"),
        ("frozen", "set on a frozen lake"),
        ("frozen", "I loved Frozen Fever"),
        ("frozen", "I loved Frozen (2010)"),
        ("mind", "I've seen Eternal Sunshine of the Spotless Mind (1950)"),
        ("alien", "I have seen Alien: Covenant"),
        ("alien", "Alien 3 was fine"),
        ("covenant", "Alien is my favourite"),
        ("toy2", "Toy Story is for children, and so is Toy Story 3"),
        ("toy", "I've seen Toy Story 2"),
        ("goblet", "I have read Harry Potter"),
        ("meg", "anything with Meg Ryan"),
        ("comedy", "I like Comedy and Drama movies"),
        ("bob", "I'm fine, what about you?"),
        ("yes", "haha Yes, do it. Oh Yes"),
        ("shawshank", "a story of redemption, please"),
        ("love", "I love sports films with basketball"),
        ("stone", "a wizard and a school"),
        ("titanic", ""),
        ("titanic", "!!! ... ???"),
    ],
)
def test_words_that_name_nothing_or_something_else_are_no_leak(target, text):
    assert leaks(text, [target], CATALOGUE) is None


def test_one_word_gives_a_title_away_where_descriptions_show_that_it_is_no_ordinary_one():
    syllables = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
    words = [a + b + "ption" for a in syllables for b in syllables]
    told = Item(id="0", title="Plain", description=" ".join([*words, "redemption"]))
    others = [Item(id=f"{n}", title=f"Plain {n}", description="a redemption") for n in (20, 21, 22)]
    rich = Catalogue([*CATALOGUE, told, *others])
    leak = leaks("the one in shawshank prison", ["shawshank"], rich)
    assert leak is not None
    assert (leak.words, leak.how) == ("shawshank", "piece")
    assert leaks("a story of redemption", ["shawshank"], rich) is None


def test_any_of_several_targets_counts():
    leak = leaks("maybe titanic", ["amelie", "titanic", "big"], CATALOGUE)
    assert leak is not None
    assert leak.item_id == "titanic"


def test_an_item_that_the_catalogue_lacks_is_an_error():
    with pytest.raises(NotFound):
        leaks("hello", ["nothing"], CATALOGUE)


def test_without_descriptions_a_word_alone_counts_only_as_a_title():
    bare = Catalogue(Item(id=i, title=t, attributes={"genre": ("comedy",)}) for i, t in TITLES.items())
    assert leaks("a speed of big things, up there", ["big"], bare) is None
    assert leaks("I want titanic", ["titanic"], bare) is not None
    assert leaks("something about redemption", ["shawshank"], bare) is None


LONG = [
    item_id for item_id in TITLES if len(TITLES[item_id]) > 18 and item_id not in {"scary", "oceans"}
]  # a misspelt "eleven" is no number


@settings(deadline=None)
@given(
    st.sampled_from(LONG),
    st.sampled_from(["I want {}", "{}?", "is there {} or so", "well... {}!"]),
    st.data(),
)
def test_a_title_is_found_however_it_is_written(target, frame, data):
    title = TITLES[target]
    bare = title[: title.rindex(" (")]
    change = data.draw(st.sampled_from(["none", "lower", "upper", "accents", "year", "punctuation", "swap"]))
    written = {
        "none": bare,
        "lower": bare.lower(),
        "upper": bare.upper(),
        "accents": "".join(c for c in unicodedata.normalize("NFKD", bare) if not unicodedata.combining(c)),
        "year": title,
        "punctuation": bare.replace(":", "").replace("-", " "),
        "swap": swapped(bare, data),
    }[change]
    assert leaks(frame.format(written), [target], CATALOGUE) is not None


def swapped(text, data):
    inner = [
        place
        for place in range(len(text) - 2)
        if text[place : place + 3].isalpha() and text[place] != text[place + 1]
    ]
    place = data.draw(st.sampled_from(inner)) + 1
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


@settings(deadline=None)
@given(st.text(max_size=60), st.sampled_from(sorted(TITLES)))
def test_any_text_can_be_read(text, target):
    leak = leaks(text, [target], CATALOGUE)
    assert leak is None or leak.words in text

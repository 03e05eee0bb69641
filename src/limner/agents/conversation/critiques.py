"""What people find too much or too little of in an item, and which numbers and values of a catalogue stand for it.

This is the one table of adjectives. It holds words alone: what a word stands for is looked up among the catalogue's own
attributes and values, and a word for which it has none stays a word.
"""

from dataclasses import dataclass

from limner.agents.conversation.vocabulary import Vocabulary

__all__ = ["COMPARATIVES", "QUALITIES", "Quality", "numbered", "quality"]

NUMBERED: dict[str, tuple[tuple[str, ...], str, str, str]] = {
    # what the number is called: (words in the attribute's name, more of it, less of it, plain words for more | less)
    "year": (
        ("year", "released", "published"),
        "newer later recent modern current contemporary fresher younger",
        "older earlier",
        "new modern|old",
    ),
    "length": (
        ("runtime", "length", "duration", "minutes", "pages", "playtime"),
        "longer lengthier",
        "shorter briefer",
        "long lengthy|short brief",
    ),
    "price": (
        ("price", "cost"),
        "pricier dearer costlier",
        "cheaper",
        "expensive pricey|cheap affordable inexpensive",
    ),
    "rating": (("rating", "score", "stars"), "better-rated", "", "acclaimed|"),
    "popularity": (("popularity", "popular", "votes"), "", "", "popular known famous mainstream|obscure"),
}
"""Numbers by kind: how attributes that hold one are named, and the words for more and for less of it."""

VALUED: dict[str, tuple[str, str]] = {
    # word: (its other forms, value words)
    "violent": (
        "violence brutal brutality bloody blood gory gore fighting shooting",
        "action war horror crime thriller",
    ),
    "funny": (
        "funnier fun humor humour humorous hilarious comedic laughs jokes silly sillier goofy goofier",
        "comedy",
    ),
    "scary": (
        "scarier creepy creepier frightening terrifying spooky spookier jump-scares",
        "horror thriller",
    ),
    "romantic": ("romance love lovey mushy cheesy sappy", "romance"),
    "dark": ("darker bleak gritty grittier grim noir", "film-noir crime thriller"),
    "sad": (
        "sadder depressing tragic heavy heavier emotional tearjerker serious dramatic melodramatic",
        "drama",
    ),
    "childish": ("kiddie kiddy juvenile infantile", "childrens family animation"),
    "family-friendly": ("wholesome kid-friendly", "childrens family animation"),
    "exciting": (
        "thrilling fast-paced adrenaline tense tenser suspenseful suspense gripping intense action-packed",
        "action thriller adventure",
    ),
    "light": (
        "lighter lighthearted light-hearted uplifting cheerful feel-good upbeat feelgood happier happy",
        "comedy romance family childrens musical",
    ),
    "adventurous": ("epic swashbuckling", "adventure action fantasy"),
    "magical": ("fantastical whimsical", "fantasy animation"),
    "futuristic": ("spacey techy", "sci-fi"),
    "mysterious": ("mystery twisty twists mind-bending", "mystery thriller"),
    "historical": ("historic", "history war biography"),
    "realistic": ("real true-to-life true factual", "documentary biography history drama"),
    "musical": ("singing songs", "musical music"),
    "slow": ("slower slow-paced", "drama"),
}
"""Words that stand for values, each with its other forms and the values, in the words that a catalogue may have for them."""

BARE = "more less"
COMPARATIVES = frozenset([
    "smarter",
    "lighter",
    "weirder",
    "calmer",
    "quieter",
    "softer",
    "nicer",
    "simpler",
    "deeper",
    "stranger",
    "wittier",
    "sexier",
    "prettier",
    "tamer",
    "milder",
])
"""Comparatives for which no value stands; they stay words."""


@dataclass(frozen=True)
class Quality:
    """What a word of a critique stands for in a catalogue."""

    word: str
    attribute: str | None = None
    rising: bool = True
    """Whether more of the word is a higher number: `new` is, and `old` is a lower one."""
    values: tuple[tuple[str, str], ...] = ()


def _table() -> dict[str, tuple[str, str, bool, bool]]:
    """Return each word with what it belongs to, whether it is a number's, whether it rises, and whether it compares by itself."""
    table: dict[str, tuple[str, str, bool, bool]] = {}
    for kind, (_, more, less, plain) in NUMBERED.items():
        up, _, down = plain.partition("|")
        for words, rising, compares in (
            (more, True, True),
            (less, False, True),
            (up, True, False),
            (down, False, False),
        ):
            for word in words.split():
                table[word.replace("-", " ")] = (
                    kind,
                    "number",
                    rising,
                    compares and word not in _RATHER_PLAIN,
                )
    for base, (forms, _) in VALUED.items():
        for word in (base, *forms.split()):
            table.setdefault(
                word.replace("-", " "),
                (base, "value", True, word.endswith("er") and word not in _NOT_COMPARED),
            )
    for word in COMPARATIVES:
        table.setdefault(word, (word, "word", True, True))
    return table


_RATHER_PLAIN = frozenset(["recent", "modern", "current", "contemporary"])
_NOT_COMPARED = frozenset({"thriller", "tearjerker"})
QUALITIES = _table()


def quality(word: str, vocabulary: Vocabulary) -> Quality:
    """Return what a word of a critique stands for in the catalogue.

    Args:
        word: In plain letters, such as `darker`; one that is not in the tables stands for itself alone.
        vocabulary: Of the catalogue.
    """
    base, sort, rising, _ = QUALITIES.get(word, (word, "word", True, False))
    if sort == "number":
        return Quality(word, numbered(base, vocabulary), rising)
    if sort == "value":
        return Quality(word, values=vocabulary.values_of(VALUED[base][1].split()))
    return Quality(word)


def numbered(kind: str, vocabulary: Vocabulary) -> str | None:
    """Return the attribute of the catalogue that holds a kind of number, such as `length`; none where it has none."""
    if kind == "year":
        return vocabulary.year
    named = NUMBERED[kind][0]
    for attribute in vocabulary.attributes.values():
        if attribute.kind == "number" and any(word in attribute.name.lower() for word in named):
            return attribute.name
    return None

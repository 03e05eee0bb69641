"""Four people who do not exist, and the tasks of LaMP about them; for `smoke_files.py`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["ABOUT", "PEOPLE", "TASKS", "Person", "Task"]

ABOUT = "Free days"
"""What the preferences below are about."""


@dataclass(frozen=True)
class Person:
    """Somebody, as far as the benchmarks ask."""

    name: str
    work: str
    topic: str
    """What they like, in two words."""
    likes: str
    """The same as they say it."""
    fact: str
    question: str
    answer: str
    """Which the fact gives."""
    wish: str
    replies: tuple[str, str, str, str]
    """To the wish; the first one fits."""
    reviews: tuple[tuple[int, str, str], ...]
    """Stars, title and text."""


_WISH = "What shall I do on Saturday?"
PEOPLE = (
    Person(
        "Ines",
        "a cartographer",
        "open water",
        "I only enjoy days on open water, and I cannot stand crowded rooms.",
        "I have moved to Bergen for a new post at the harbour office.",
        "Where has Ines moved to?",
        "Bergen",
        _WISH,
        (
            "Row out to the skerries early.",
            "See the fair in the town hall.",
            "Go to a packed club.",
            "Queue for the new museum.",
        ),
        (
            (5, "Dry at last", "These boots stayed dry through a whole week on the boat."),
            (2, "Too loud", "The stove roars so much that nobody in the cabin could sleep."),
            (4, "Good rope", "Strong rope and easy on the hands, though a little stiff when new."),
        ),
    ),
    Person(
        "Tomas",
        "a retired ferryman",
        "old radios",
        "I like repairing old radios at home, and I never travel by plane.",
        "My granddaughter Edda was born in March.",
        "What is the name of Tomas's granddaughter?",
        "Edda",
        _WISH,
        (
            "Mend the valve radio from the flea market.",
            "Fly to Rome for a night.",
            "Book a flight over the Alps.",
            "Take the morning plane north.",
        ),
        (
            (4, "Solid iron", "The soldering iron heats fast and holds its point well."),
            (1, "Broken box", "The parts came loose in a broken box, and two valves were cracked."),
            (5, "Clear print", "A manual with clear drawings, every valve is listed."),
        ),
    ),
    Person(
        "Mara",
        "a school cook",
        "meatless food",
        "I eat no meat and love to cook slowly for friends.",
        "I have signed up for a pottery course that begins on Monday.",
        "Which course has Mara signed up for?",
        "pottery",
        _WISH,
        (
            "Invite friends to a long lentil stew.",
            "Try the new steak house.",
            "Eat burgers at the stand.",
            "Join the sausage tasting.",
        ),
        (
            (5, "My best pot", "Heavy, even heat, and beans come out soft without burning."),
            (3, "Fine but small", "The bowl is pretty, yet too small for a family."),
            (1, "Dull in a week", "The knife lost its edge after a week of onions."),
        ),
    ),
    Person(
        "Jonas",
        "a night nurse",
        "quiet mornings",
        "I sleep until noon after my shifts and dislike loud music.",
        "My new bicycle is a green folding one.",
        "What colour is the bicycle of Jonas?",
        "green",
        _WISH,
        (
            "Take a calm walk in the late afternoon.",
            "Run the race at six in the morning.",
            "Stand in front at the rock concert.",
            "Join the brass band at dawn.",
        ),
        (
            (5, "Silent fan", "I sleep right beside it and hear nothing at all."),
            (4, "Dark enough", "The curtains keep nearly all of the noon light out."),
            (2, "Rattles", "The lamp rattles whenever a tram goes by."),
        ),
    ),
)


@dataclass(frozen=True)
class Task:
    """One task of LaMP about a person."""

    input: Callable[[Person], str]
    gold: Callable[[Person], str]
    profile: Callable[[Person], Sequence[dict[str, str]]]


_TAGS = "[comedy, classic, fantasy]"
_CATEGORIES = "[travel, food & drink, healthy living]"


def _titled(first: str, second: str, **more: str) -> Callable[[Person], Sequence[dict[str, str]]]:
    def profile(person: Person) -> Sequence[dict[str, str]]:
        return [{first: title, second: text, **more} for _, title, text in person.reviews]

    return profile


TASKS = {
    "LaMP_1": Task(
        lambda p: (
            f'For an author who has written the paper with the title "On {p.topic}", which reference is related? Just '
            f'answer with [1] or [2] without explanation. [1]: "More on {p.topic}" [2]: "Proofs about prime gaps"'
        ),
        lambda p: "[1]",
        _titled("title", "abstract"),
    ),
    "LaMP_2": Task(
        lambda p: (
            "Which tag does this movie relate to among the following tags? Just answer with the tag name without further "
            f"explanation. tags: {_TAGS} description: A film about {p.work} and {p.topic}."
        ),
        lambda p: "comedy",
        lambda p: [{"description": text, "tag": "comedy"} for _, _, text in p.reviews],
    ),
    "LaMP_2N": Task(
        lambda p: (
            "Which category does this article relate to among the following categories? Just answer with the category name "
            f"without further explanation. categories: {_CATEGORIES} article: {p.likes}"
        ),
        lambda p: "travel",
        _titled("title", "text", category="travel"),
    ),
    "LaMP_3": Task(
        lambda p: (
            "What is the score of the following review on a scale of 1 to 5? just answer with 1, 2, 3, 4, or 5 without "
            f"further explanation. review: {p.reviews[0][2]}"
        ),
        lambda p: str(p.reviews[0][0]),
        lambda p: [{"text": text, "score": str(stars)} for stars, _, text in p.reviews[1:]],
    ),
    "LaMP_4": Task(
        lambda p: f"Generate a headline for the following article: {p.reviews[0][2]}",
        lambda p: p.reviews[0][1],
        _titled("title", "text"),
    ),
    "LaMP_5": Task(
        lambda p: f"Generate a title for the following abstract of a paper: {p.reviews[1][2]}",
        lambda p: p.reviews[1][1],
        _titled("title", "abstract"),
    ),
    "LaMP_6": Task(
        lambda p: f"Generate a subject for the following email: {p.fact}",
        lambda p: f"News from {p.name}",
        _titled("title", "text"),
    ),
    "LaMP_7": Task(
        lambda p: f"Paraphrase the following tweet without any explanation before or after it: {p.fact}",
        lambda p: p.fact,
        lambda p: [{"text": text} for _, _, text in p.reviews],
    ),
}

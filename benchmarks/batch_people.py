"""Made-up users with something to say, drawn by a seed: as many as wanted, none like another, nobody's data."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

__all__ = ["people", "people_of"]

_SAID = (
    "We moved to {city} in {month}, so the commute is gone.",
    "I have been learning {skill} with {name} since {month}.",
    "My sister {name} and I go to {city} every {month}.",
    "I can't stand {food}, but {other} I could eat every day.",
    "Work has been hard since they made me lead of the {team} team.",
    "Anyway, what should I cook tonight, {food} or {other}?",
    "I gave up {skill} because of my knee; now it is {hobby} on weekends.",
    "{name} told me that the {team} team in {city} is looking for people, and I applied.",
    "Since the doctor said so I leave out {food} and walk an hour a day.",
    "I read about {hobby} before going to sleep, mostly old books from {city}.",
    "My flat in {city} is too small for {hobby}, so {name} lends me a cellar.",
    "Thanks, that was helpful!",
)
_WORDS = {
    "city": [
        "Lisbon",
        "Ghent",
        "Graz",
        "Turku",
        "Porto",
        "Lyon",
        "Leeds",
        "Bergen",
        "Split",
        "Bilbao",
        "Gdansk",
        "Aarhus",
        "Trieste",
        "Uppsala",
        "Cork",
        "Basel",
    ],
    "month": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "skill": [
        "cello",
        "juggling",
        "Finnish",
        "fencing",
        "calligraphy",
        "rowing",
        "chess",
        "pottery",
        "accordion",
        "climbing",
        "Welsh",
        "sailing",
    ],
    "hobby": [
        "woodwork",
        "astronomy",
        "gardening",
        "baking",
        "beekeeping",
        "photography",
        "knitting",
        "origami",
        "birding",
        "cycling",
    ],
    "food": [
        "mushrooms",
        "shrimps",
        "olives",
        "lentils",
        "tofu",
        "liver",
        "beetroot",
        "rhubarb",
        "anchovies",
        "celery",
        "coriander",
    ],
    "other": [
        "noodles",
        "pancakes",
        "dumplings",
        "figs",
        "cherries",
        "risotto",
        "soup",
        "pumpkin",
        "bread",
        "cheese",
        "plums",
    ],
    "team": [
        "billing",
        "payments",
        "mobile",
        "search",
        "safety",
        "hardware",
        "support",
        "research",
        "weather",
        "signalling",
    ],
    "name": [
        "Ada",
        "Bob",
        "Cleo",
        "Dan",
        "Eve",
        "Finn",
        "Gus",
        "Hana",
        "Ines",
        "Jon",
        "Kira",
        "Lou",
        "Mia",
        "Ned",
        "Oda",
        "Pia",
        "Quin",
        "Rosa",
        "Sam",
        "Tess",
    ],
}


def people(count: int, seed: int, observations: tuple[int, int] = (2, 8)) -> Iterator[tuple[str, list[str]]]:
    """Yield users with what they said.

    Args:
        count: How many.
        seed: Of what is drawn; two seeds give different users.
        observations: Fewest and most of one user.
    """
    for number in range(count):
        draw = random.Random(f"{seed} {number}")
        said = [_sentence(draw) for _ in range(draw.randint(*observations))]
        yield f"user-{seed}-{number:06d}", said


def _sentence(draw: random.Random) -> str:
    drawn = {slot: draw.choice(words) for slot, words in _WORDS.items()}
    return draw.choice(_SAID).format(**drawn)


def people_of(path: Path, count: int, skip: int) -> Iterator[tuple[str, list[str]]]:
    """Yield users of MemoryBank (`memory_bank_en.json`), a day of one being a user: what was said to the assistant.

    Args:
        path: The file.
        count: How many days at most.
        skip: Days to leave out at the beginning.
    """
    days = [
        (f"{name} {date}", [turn["query"] for turn in turns if turn.get("query", "").strip()])
        for name, person in json.loads(path.read_text("utf-8")).items()
        for date, turns in person.get("history", {}).items()
    ]
    yield from (day for day in days[skip : skip + count] if day[1])

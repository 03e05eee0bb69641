"""A made-up data set of ratings, and parts of a LettinGo run on it."""

from limner.profiles.lettingo.runs import WrittenProfile
from limner.profiles.lettingo.split import SplitSettings
from limner.tools import Catalogue, Dataset, Interactions, Item

SMALL = SplitSettings(train=3, test=2, history=6, recent=2, targets=4)


def films(users=8, each=24, items=60):
    """Every user has a genre that they rate high; times run on by one a rating."""
    genres = ("Horror", "Comedy")
    catalogue = Catalogue(
        Item(id=f"i{n}", title=f"Film {n} (1990)", attributes={"genre": (genres[n % 2],)})
        for n in range(items)
    )
    rows = []
    for user in range(users):
        for place in range(each):
            item = (user * 7 + place) % items
            value = 5.0 if item % 2 == user % 2 else 1.0
            rows.append((f"u{user}", f"i{item}", value, 1000.0 * user + place))
    return Dataset("films", catalogue, Interactions.from_rows(rows), item_type="film")


def wrote(user, generator="first", number=0, text="Likes horror.", part="train", history="h", **fields):
    return WrittenProfile(
        user=user, part=part, generator=generator, number=number, seed=1, history=history, text=text, **fields
    )

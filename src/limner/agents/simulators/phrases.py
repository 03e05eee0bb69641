"""The words of the seeker that goes by rules: several ways of saying each thing.

In the templates `{item}` is what a person calls one of the items, `{kind}` a value such as *a comedy*, `{bare}` the same without an
article, `{value}` a name, `{made}` *directed by* and the
like, `{title}` an item that was shown or that they know, and `{years}` a time.
"""

from collections.abc import Mapping, Sequence

__all__ = ["PHRASES", "kinds", "times"]

PHRASES: Mapping[str, Sequence[str]] = {
    # opening the conversation
    "hello": ("", "", "", "hi! ", "Hello. ", "Hey there, ", "hi, ", "Good evening! ", "hey "),
    "please": (
        "",
        "",
        "",
        ", please",
        " please",
        ", any ideas?",
        ". what do you suggest?",
        ". Got anything?",
    ),
    "anything": (
        "Can you suggest {item_a}?",
        "I'm looking for {item_a}, not sure what exactly",
        "what {item} should i go for tonight?",
        "I'd like {item_a} but I can't decide",
    ),
    "like": (
        "I'd like something like {title}",
        "something similar to {title}",
        "I really liked {title} and want something like it",
        "anything like {title}?",
    ),
    # what they want
    "want_kind": (
        "I'm looking for {kind}",
        "I'd like {kind}",
        "I'm in the mood for {kind}",
        "i want {kind}",
        "maybe {kind}",
        "{kind} would be nice",
        "how about {kind}",
        "I think I'd enjoy {kind}",
        "i feel like {kind}",
    ),
    "with_person": (
        "something with {value}",
        "I'd like {item_a} with {value}",
        "anything with {value} in it?",
        "i like {value}, so something with {value}",
        "{value} should be in it",
    ),
    "by_person": (
        "something {made} {value}",
        "{item_a} {made} {value}",
        "maybe something {made} {value}",
        "it should be {made} {value}",
        "i'd go for something {made} {value}",
    ),
    "want_years": (
        "something from {years}",
        "{item_a} from {years}",
        "I'd prefer something from {years}",
        "it should be from {years}, i think",
        "i'm thinking of {years}",
    ),
    "want_number": ("{name} {years}", "I'd prefer {name} {years}", "with {name} {years}, if possible"),
    "no_kind": (
        "no {bare} please",
        "I'm not in the mood for {bare}",
        "anything but {bare}",
        "but no {bare}",
        "i don't want {bare}",
        "not {bare}, if possible",
    ),
    # answering a question
    "chosen": (
        "{values}",
        "{values}, please",
        "I'd say {values}",
        "{values} i guess",
        "Definitely {values}",
        "probably {values}",
        "let's go with {values}",
        "hmm, {values}",
    ),
    "none": (
        "none of these",
        "None of those, really",
        "hmm, none of them",
        "No, none of these.",
        "neither of those",
        "not any of those",
    ),
    "do_not_mind": (
        "I don't mind",
        "it doesn't matter",
        "no preference there",
        "I don't care about that",
        "any is fine",
        "doesn't matter to me",
    ),
    "no_idea": (
        "no idea",
        "I don't know",
        "not sure, sorry",
        "i really couldn't say",
        "hmm, I have no idea",
        "dunno",
    ),
    "nothing_more": (
        "I don't know what else to say, just show me something",
        "no idea what else, what do you suggest?",
        "that's all i know. what do you recommend?",
        "I can't think of anything else, what have you got?",
    ),
    # turning down
    "seen": (
        "I've seen {title} already",
        "i've already seen {title}, anything else?",
        "{title} I know already",
        "Seen {title}. Something else?",
        "I have seen {title} before, what else is there?",
    ),
    "newer": (
        "too old for me, something newer please",
        "these are too old",
        "I'd like something more recent",
        "something newer?",
        "got anything newer",
    ),
    "newer_than": (
        "{title} is too old, something newer?",
        "I'd want something newer than {title}",
        "newer than {title} please",
    ),
    "older": (
        "too new for me, something older please",
        "I was thinking of something older",
        "something older?",
        "these are too recent, i'd like an older one",
    ),
    "older_than": (
        "{title} is too new, I'd like something older",
        "older than {title}, please",
        "i'd want something older than {title}",
    ),
    "higher": ("more {name}, please", "I'd want a higher {name}", "{name} is too low for me"),
    "lower": ("less {name}, please", "I'd want a lower {name}", "{name} is too high for me"),
    "less_kind": (
        "less {bare} please",
        "too much {bare} for me",
        "I'd like something with less {bare}",
        "not so much {bare}",
        "{title} has too much {bare}",
        "not {title}, I want no {bare}",
    ),
    "more_kind": (
        "more like {kind}",
        "I was hoping for {kind}",
        "not really, more {bare}",
        "I'd like something with more {bare} than {title}",
        "hmm, can it be more like {kind}?",
    ),
    "other": (
        "not quite, something else?",
        "Hmm, no. What else do you have?",
        "None of these, sorry. Other ideas?",
        "not what i'm after, more please",
    ),
    # ending
    "accept": (
        "Yes, that's it, thanks!",
        "Oh perfect, I'll take that one",
        "great, that is just what I wanted",
        "that sounds good, thank you!",
        "yes! exactly what i was after",
    ),
    "give_up": (
        "I'll stop here, thanks anyway",
        "never mind, thank you. bye",
        "Let's leave it, thanks for trying",
        "ok, i give up. Bye!",
    ),
}
"""Templates by what they say."""

_KINDS: Mapping[str, Sequence[str]] = {
    "action": ("an action {item}", "something with action"),
    "adventure": ("an adventure {item}", "an adventure"),
    "animation": ("an animated {item}", "animation"),
    "biography": ("a biography", "a biographical {item}"),
    "children": ("a children's {item}", "a {item} for children"),
    "comedy": ("a comedy", "a comedy {item}"),
    "crime": ("a crime {item}", "something with crime"),
    "documentary": ("a documentary", "documentaries"),
    "drama": ("a drama", "drama"),
    "family": ("a family {item}", "family {item}s"),
    "fantasy": ("a fantasy {item}", "fantasy"),
    "filmnoir": ("a film noir", "film noir"),
    "history": ("a history {item}", "a historical {item}"),
    "horror": ("a horror {item}", "horror"),
    "music": ("a {item} about music", "music {item}s"),
    "musical": ("a musical", "musicals"),
    "mystery": ("a mystery", "a mystery {item}"),
    "romance": ("a romance", "a romance {item}"),
    "scifi": ("a sci-fi {item}", "sci-fi"),
    "sport": ("a sport {item}", "a {item} about sport"),
    "thriller": ("a thriller", "thrillers"),
    "war": ("a war {item}", "war {item}s"),
    "western": ("a western", "westerns"),
}
"""What some kinds of films are called, by the letters of the value; others are called by the value."""


def kinds(value: str, item: str) -> tuple[str, ...]:
    """Return what somebody may call a thing of a kind.

    Args:
        value: As the catalogue spells it.
        item: What a person calls one of the items.
    """
    letters = "".join(letter for letter in value.lower() if letter.isalpha()).removesuffix("s")
    ways = _KINDS.get(letters) or _KINDS.get(f"{letters}s")
    if ways is None:
        return (f"something {value}", f"{value}")
    return tuple(way.format(item=item) for way in ways)


def times(year: int) -> tuple[str, ...]:
    """Return what a decade may be called."""
    start = year // 10 * 10
    return (f"the {start % 100}s", f"the {start}s") if 1920 <= start < 2000 else (f"the {start}s",)

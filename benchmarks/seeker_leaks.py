"""How well does the search for leaks do on the words of real seekers? No model is asked.

    python benchmarks/seeker_leaks.py --data REDIAL [--half report] [--show]

`--data` is a folder with ReDial. Four things are counted on one half of its dialogues. In how many turns the seeker's words name a film that was then
recommended. How many of the titles that a seeker's last words have, with year, are found as they stand, and found after the words were changed: without years, in
lower case, with a letter left out or swapped in the title. And how many of 200 contexts name a film, drawn from the other turns' targets, that neither of the two had
mentioned; and how many
of all films are found in 40 contexts from which the titles that the data links were taken out. The rules were settled on `--half dev`.
"""

import argparse
import random
import re
from collections.abc import Callable

from limner.agents.simulators.leaks import leaks
from limner.evals.conversation.redial import RedialData, RedialTurn, load_redial
from limner.evals.statistics import wilson
from limner.evals.toolrec.cases import Half

DRAWN, EACH = 200, 10


def words(turn: RedialTurn) -> str:
    """Return what the seeker said before a turn."""
    return " \n".join(text for speaker, text in turn.context if speaker == "seeker")


def bare(text: str) -> str:
    """Return a text without years in parentheses."""
    return re.sub(r"\s*\(\d{4}\)", "", text)


def misspelt(text: str, title: str, draw: random.Random) -> str:
    """Return a text without years, in which a letter of a title is left out or swapped with the next."""
    title, text = bare(title), bare(text)
    place = draw.randrange(1, len(title) - 1)
    swapped = title[:place] + title[place + 1] + title[place] + title[place + 2 :]
    return text.replace(title, draw.choice((title[:place] + title[place + 1 :], swapped)))


def share(found: int, n: int) -> str:
    """Return a share with its interval."""
    low, high = wilson(found, n)
    return f"{found} of {n} ({found / n:.3f}, 95 % interval {low:.3f}–{high:.3f})"


def named(data: RedialData, turns: tuple[RedialTurn, ...], show: bool) -> None:
    """Print in how many turns a target is named, and whether it had been mentioned."""
    found = [(t, leak) for t in turns if (leak := leaks(words(t), t.targets, data.catalogue)) is not None]
    new = sum(leak.item_id in turn.new_targets for turn, leak in found)
    print(
        f"a target is named: {share(len(found), len(turns))}; not mentioned before by the data's own links: {new}"
    )
    for turn, leak in found if show else ():
        place = words(turn).find(leak.words)
        around = words(turn)[max(0, place - 50) : place + len(leak.words) + 30]
        print("  ", leak.how, "|", data.catalogue.get(leak.item_id).title, "|", leak.words, "|", repr(around))


def recall(data: RedialData, turns: tuple[RedialTurn, ...]) -> None:
    """Print how many of the titles that are there are found, however they are written."""
    ways: dict[str, Callable[[str], str]] = {
        "as it stands": str,
        "without year": bare,
        "in lower case": str.lower,
        "in lower case, without year": lambda text: bare(text).lower(),
    }
    draw = random.Random(0)
    there = [
        (turn.context[-1][1], item_id, title)
        for turn in turns
        for item_id in sorted(set(turn.mentioned))
        if bare(title := data.catalogue.get(item_id).title) != title
        and re.search(rf"(?<!\w){re.escape(title)}", turn.context[-1][1])
    ]
    for way, changed in ways.items():
        print(
            f"{way}: {share(sum(leaks(changed(t), [i], data.catalogue) is not None for t, i, _ in there), len(there))}"
        )
    long = [one for one in there if len(bare(one[2])) >= 10]
    found = sum(
        leaks(misspelt(text, title, draw), [i], data.catalogue) is not None for text, i, title in long
    )
    print(f"a letter wrong, titles of ten letters and more, without year: {share(found, len(long))}")


def alarms(data: RedialData, turns: tuple[RedialTurn, ...], show: bool) -> None:
    """Print how often a film is found that is not spoken of."""
    draw = random.Random(1)
    targets = [item_id for turn in turns for item_id in turn.targets]
    pairs = [(turn, draw.choice(targets)) for turn in draw.sample(turns, DRAWN) for _ in range(EACH)]
    pairs = [(turn, item_id) for turn, item_id in pairs if item_id not in {*turn.mentioned, *turn.targets}]
    found = [(t, leak) for t, i in pairs if (leak := leaks(words(t), [i], data.catalogue)) is not None]
    print(f"a film found that the data does not link: {share(len(found), len(pairs))}")
    for turn, leak in found if show else ():
        print("  ", data.catalogue.get(leak.item_id).title, "|", leak.words, "|", repr(words(turn)[-200:]))


def whole(data: RedialData, turns: tuple[RedialTurn, ...], contexts: int, show: bool) -> None:
    """Print how often any film of the catalogue is found in contexts from which the titles that the data links are taken out."""
    draw = random.Random(2)
    pairs, found = 0, []
    for turn in draw.sample(
        sorted({turn.dialogue: turn for turn in turns}.values(), key=lambda t: t.dialogue), contexts
    ):
        text = words(turn)
        for item_id in turn.mentioned:
            text = text.replace(data.catalogue.get(item_id).title, "XX")
        others = [
            item_id for item_id in data.catalogue.ids if item_id not in {*turn.mentioned, *turn.targets}
        ]
        pairs += len(others)
        found += [
            (leak, text) for i in others if (leak := leaks(bare(text), [i], data.catalogue)) is not None
        ]
    print(
        f"{contexts} contexts without linked titles against every other film: {len(found)} found of {pairs}"
    )
    for leak, text in found if show else ():
        place = text.find(leak.words)
        print("  ", data.catalogue.get(leak.item_id).title, "|", repr(text[max(0, place - 40) : place + 40]))


def measure(folder: str, half: Half, contexts: int, show: bool) -> None:
    """Print all of it."""
    data = load_redial(folder)
    turns = data.half(half)
    print(f"half {half}: {len(turns)} turns of {len({turn.dialogue for turn in turns})} dialogues")
    named(data, turns, show)
    recall(data, turns)
    alarms(data, turns, show)
    whole(data, turns, contexts, show)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--half", choices=("dev", "report"), default="report")
    parser.add_argument("--contexts", type=int, default=40, help="searched for every film of the catalogue")
    parser.add_argument("--show", action="store_true", help="print the findings")
    arguments = parser.parse_args()
    measure(arguments.data, arguments.half, arguments.contexts, arguments.show)

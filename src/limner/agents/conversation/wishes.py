"""Conditions and critiques in a turn: values, persons, years, and more or less of something."""

import re

from limner.agents.conversation.acts import Asked, Critique, Wanted
from limner.agents.conversation.critiques import QUALITIES, quality
from limner.agents.conversation.grammar import ITEMS
from limner.agents.conversation.hearing import Hearing, Rule, rule
from limner.agents.conversation.lexicon import FUNCTION, WEAK
from limner.agents.conversation.mentions import NamedYears
from limner.agents.conversation.tokens import Line, Unit, plain_word
from limner.agents.conversation.vocabulary import NamedValue
from limner.tools import Condition, Filter

__all__ = ["CRITIQUES", "NEGATED", "VALUES", "condition"]

_ADJ = "|".join(sorted((re.escape(word) for word in QUALITIES), key=len, reverse=True))
_COMP = "|".join(
    sorted((re.escape(w) for w, (_, _, _, compares) in QUALITIES.items() if compares), key=len, reverse=True)
)
_BIT = r"(?:(?:a|little|lot|bit|much|even|slightly|way|far|something|anything|one|ones|I|thats|that|is|but|more|somewhat|maybe|make|it|be|should|preferably|ideally|get|show|me|give|want|i|prefer|rather|would|id|like|any|some|the|looking|for) )*"
_THAN = rf"(?: than (?P<items>{ITEMS}))?"


def condition(attribute: str, op: str, *values: str | float) -> str:
    """Return the text form of a filter of one condition."""
    return str(Filter(conditions=(Condition(attribute=attribute, op=op, values=values),)))


def _critique(
    hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit], word: str, more: bool
) -> None:
    named = hearing.items(line, match) if "items" in match.re.groupindex else ()
    meant = quality(word, hearing.vocabulary)
    values = line.within(match.start("word"), match.end("word"))
    choices = meant.values
    if len(values) == 1 and isinstance(values[0].meaning, NamedValue):
        choices, word = values[0].meaning.choices, hearing.quote(values)
        base = quality(plain_word(word), hearing.vocabulary)
        choices = tuple(dict.fromkeys((*choices, *base.values)))
    higher = more if meant.attribute is None else more == meant.rising
    hearing.add(
        Critique,
        found,
        direction="more" if higher else "less",
        attribute=meant.attribute,
        values=choices,
        word=word,
        than=named or hearing.examples or hearing.scene.shown,
    )


def _compared(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> None:
    _critique(hearing, line, match, found, match["word"], True)


def _measured(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    word = match["word"]
    if word in FUNCTION and word not in QUALITIES:
        return False
    _critique(hearing, line, match, found, word, match["degree"] in {"more", "not enough", "enough"})
    return None


def _too(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    word = match["word"]
    if (word in FUNCTION and word not in QUALITIES) or word in {"bad", "late", "busy", "kind", "tired"}:
        return False
    _critique(hearing, line, match, found, word, False)
    return None


def _described(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    _critique(hearing, line, match, found, match["word"], True)
    return None


def _is_value(meaning: object) -> bool:
    return isinstance(meaning, NamedValue)


CRITIQUES: list[Rule] = [
    rule(rf"{_BIT}(?P<word>{_COMP})(?: (?:I|ones?|please|though|this time))*{_THAN}(?: please)?", _compared),
    rule(
        rf"(?:{_BIT})(?P<degree>less|more) (?P<word>V|{_ADJ}|[a-z]{{4,}}(?:y|ing|ful|al|ive|ous|ic|ed|ent|ant|able|ible|ist|ish))(?! I)(?: please)?{_THAN}",
        _measured,
    ),
    rule(rf"{_BIT}(?P<degree>less) (?P<word>V|{_ADJ}|[a-z]{{3,}})(?: please)?{_THAN}", _measured),
    rule(
        rf"(?:(?:it|its|they|theyre|thats|that|was|is|are|were|not|nothing|just|a|bit|little|way|far|but|because|all|sound|sounds|looks?|seems?|feels?|felt|which|for me|i think|think|dont|want|anything|something|that is|movies|I|be|so|rather|prefer|and) )*too (?:(?:much|many|damn|freaking|very) )?(?P<word>V|{_ADJ}|[a-z]{{3,}})(?: (?:for (?:me|us|my taste|tonight|kids|my kids)|please|of a I|in it))*",
        _too,
    ),
    rule(
        rf"(?:(?:not|nothing|isnt|without being|dont want (?:anything|something|it)(?: to be)?) )(?:(?:so|that|very|overly|as|quite|really|all that|particularly|super|going to be|to be|anything|thats|is|being) )*(?P<word>{_ADJ})(?! I)",
        _too,
    ),
    rule(rf"not (?:too|so|very|overly|that|particularly) (?P<word>V|{_ADJ}|[a-z]{{4,}})", _too),
    rule(
        rf"(?P<degree>not enough) (?P<word>V|{_ADJ}|[a-z]{{3,}})|(?:not|isnt|wasnt) (?P<other>{_ADJ}) enough",
        lambda h, n, m, f: _measured(h, n, m, f) if m["word"] else False,
    ),
    rule(
        r"(?:without|no|not)(?: (?:any|much|so much|a lot of|too much|all the|all that))* (?P<word>violence|gore|blood|brutality|fighting|shooting|jokes|singing|songs|jump scares)",
        _too,
    ),
]
"""More or less of something."""

_ASKING = r"(?:(?:something|anything|I|one|want|need|looking for|prefer|like|love|enjoy|find|feel like|for|some|any|mood for|be|recommend|suggest|watch|see|know|with|more|give me|good|great|other|really|in the mood for) )"
_WISHING = r"(?:something|anything|I|want|need|looking for|prefer|like|love|enjoy|find|feel like|mood for|recommend|suggest|watch|give me)"
DESCRIBED: list[Rule] = [
    rule(
        rf"(?=(?:(?:for|really|some|good|great|be|with|more|one|other) )*{_WISHING} ){_ASKING}+(?:(?:a|an|really|very|quite|pretty|nice|good|bit|little|more|some|but|and|,|something|also|that is|thats|is|are|or) )*(?P<word>{_ADJ})(?! and V)(?: (?:I|ones?)(?! _))?",
        _described,
    ),
    rule(
        rf"^(?:(?:maybe|a|an|something|some|any|good|really|,|and|or) )*(?P<word>{_ADJ})(?= (?:I|V|P)(?!\S))",
        _described,
    ),
]

_LIST_GAP = r"(?:(?: ,| and| or| /| -| also| maybe| even| a| an| some| good| any| nor| no| with| by| kind of| type| genre| I| really| are| the| more)* )"
_VALS = rf"(?P<values>[VP](?:{_LIST_GAP}?[VP])*)"
_FILL = r"(?:(?:a|an|any|the|some|more|another|of|too|very|really|so|all|those|these|that|I|kind|kinds|type|types|sort|genre|watch|watching|see|seeing|want|like|love|enjoy|into|care|for|about|to|in|mood|big|huge|much|fan|feel|feeling|up|interested|anything|something|stand|handle|looking|with|on|particularly|usually|normally|typically|super|great|good|your|typical|by|necessarily|starring|from|is|be|have|has|or|think|would|i) )*"
_NEG = r"(?:(?:please |but |and |just |i |im |am |, )*(?:not|dont|do not|doesnt|does not|didnt|did not|never|cant|cannot|wouldnt|would not|isnt|no|no more|no more of|without|non|nothing|avoid|avoiding|hate|hates|hated|dislike|dislikes|loathe|despise|except|except for|excluding|exclude|skip|anything but|everything but|other than|besides|instead of|rather than|tired of|sick of|bored of|enough|done with|leave out|minus|havent|no , not|aside from|apart from|anything except|everything except))"


def _unwanted(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    if re.search(
        r"(?:dont|do not|doesnt|not) (?:really )?(?:mind|know|only|just|sure)(?!\S)|not necessarily|havent",
        match.group(),
    ):
        return False
    _wanted(hearing, line, match, found, "not in")
    return None


def _wanted(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit], op: str) -> None:
    """Keep conditions on values: those joined by and, or, commas are one, those side by side each their own."""
    groups: list[tuple[list[Unit], list[tuple[str, str]]]] = []
    joined = False
    for unit in line.within(match.start("values"), match.end("values")):
        if not isinstance(unit.meaning, NamedValue):
            joined = joined or unit.word in _JOINTS
            continue
        pairs = _choices(unit.meaning, line.text)
        if unit.meaning.joint and op == "in":
            groups += [([unit], [pair]) for pair in pairs]
        elif groups and (joined or op == "not in") and groups[-1][1][0][0] == pairs[0][0]:
            groups[-1][0].append(unit)
            groups[-1][1].extend(pairs)
        else:
            groups.append(([unit], list(pairs)))
        joined = False
    for group, pairs in groups:
        rests_on = found if len(groups) == 1 else [group[0], group[-1]]
        values = tuple(dict.fromkeys(value for _, value in pairs))
        hearing.add(Wanted, rests_on, where=condition(pairs[0][0], op, *values))


_JOINTS = frozenset({",", "and", "or", "/", "nor", "no", "also", "maybe", "even"})


def _choices(named: NamedValue, words: str) -> list[tuple[str, str]]:
    """Return the pairs that are meant: of a person who is known for several things, the one that the words hint at."""
    if not named.person:
        first = named.choices[0][0]
        return [pair for pair in named.choices if pair[0] == first]
    for cue, name in _ROLES:
        for pair in named.choices:
            if name in pair[0].lower() and cue.search(words):
                return [pair]
    return [named.choices[0]]


_ROLES = (
    (re.compile(r"direct(?:ed|or|ors|s|ing)"), "direct"),
    (re.compile(r"(?:writ(?:ten|er|ers|es)|wrote|books? by|based on|novels?)"), "writ"),
    (
        re.compile(
            r"(?:star|stars|starring|starred|actors?|actress|acts|acted|acting|plays|with|featuring|in it)(?!\S)"
        ),
        "star",
    ),
    (
        re.compile(
            r"(?:star|stars|starring|starred|actors?|actress|acts|acted|acting|plays|with|featuring|in it)(?!\S)"
        ),
        "actor",
    ),
)


def _stated(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    """Leave out what is said of an item or a person; it is no wish."""
    return None


def _want(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    if not _is_wish(hearing, line, match, found):
        return False
    _wanted(hearing, line, match, found, "in")
    return None


def _is_wish(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool:
    """Whether values that are words of daily talk, or persons, are wanted, and not only spoken of."""
    named = [unit.meaning for unit in found if isinstance(unit.meaning, NamedValue)]
    said = [plain_word(hearing.quote([unit])) for unit in found if isinstance(unit.meaning, NamedValue)]
    people = any(meaning.person for meaning in named)
    if not people and not all(word in WEAK for word in said):
        return True
    if _SPOKEN_OF.match(line.text[match.end() :]) and people:
        return False
    if found[-1].word == "I" or _CUED.search(line.text[: match.start()]):
        return True
    others = [
        u for u in line.units if u.is_word and not u.taken and u not in found and u.word not in FUNCTION
    ]
    return len(others) <= 1


_SPOKEN_OF = re.compile(
    r" (?:is|was|are|were|has|had|does|did|can|plays|played|s|made|directed|says|and I)(?!\S)"
)
_CUED = re.compile(
    r"(?<!\S)(?:like|love|loved|enjoy|enjoyed|prefer|fan of|fans of|with|by|starring|featuring|from|want|anything|something|looking for"
    r"|more|any|some|mood for|into|genre|genres|recommend|suggest|directed by|written by|favou?rite \S+ (?:is|are)|good|great|need|of|for an?|star|V)"
    r"(?: (?:a|an|the|some|good|great|really|also|actor|actress|director|actors|I|and|or|,|other|more|V|P|old|new|any|kind|type|of|watching))* $"
)


def _years(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    meant = found[-1].meaning if isinstance(found[-1].meaning, NamedYears) else None
    years = next((u.meaning for u in found if isinstance(u.meaning, NamedYears)), meant)
    name = hearing.vocabulary.year
    if years is None or name is None:
        return False
    if years.low is not None and years.high is not None:
        if match["negated"]:
            return False
        where = condition(name, "between", years.low, years.high)
    elif years.low is not None:
        where = condition(name, ">=", years.low)
    else:
        where = condition(name, "<=", years.high or 0)
    hearing.add(Wanted, found, where=where)
    return None


def _lately(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    """Take "the last few years" for those before the newest of the catalogue, which is as far as it goes."""
    name = hearing.vocabulary.year
    newest = hearing.vocabulary.attributes[name].maximum if name is not None else None
    if name is None or newest is None:
        return False
    stated = re.search(r"\d+", match.group())
    years = int(stated.group()) if stated else _FEW_YEARS
    hearing.add(Wanted, found, where=condition(name, ">=", newest - years + 1))
    return None


_FEW_YEARS = 8

NEGATED: list[Rule] = [
    rule(
        rf"(?:(?:but|and|i|im|am|really|,) )*(?:not|isnt|never|never been)(?: (?:really|a|that|such|much|of|big|huge|much of a|very))* (?:fan of|into|keen on|crazy about|big on|in the mood for|interested in)(?: (?!V|P|and|or|but)[a-z]+){{0,2}} {_VALS}(?: I)?",
        _unwanted,
    ),
    rule(
        rf"{_NEG} {_FILL}{_VALS}(?: I)?(?: (?:please|at all|though|this time|either|if possible))*", _unwanted
    ),
]
"""What is not wanted."""

_ASKS = r"(?:(?:do|did|are|have) you (?:(?:like|love|enjoy|into|watch|seen|watched|prefer|also|really|ever|usually|any|a|good|the|fan|of|big|an|in) )+)"
_IS = r"(?:is|was|are|were|s|looks|sounds|seems|looked|sounded|has|had|did|plays|played|does|makes)"
VALUES: list[Rule] = [
    rule(rf"{_ASKS}{_VALS}(?: I)?(?: \?)*", lambda h, n, m, f: h.add(Asked, f)),
    rule(
        rf"(?:is|was|are|were|isnt) (?:it|that|this|T|S|they) (?:(?:a|an|very|really|pretty|too|like|at all|kind of) )*{_VALS}(?: I)?(?: \?)*",
        lambda h, n, m, f: h.add(Asked, f),
    ),
    rule(
        rf"(?:it|that|this|he|she|T|S|they|P|thats|its|hes|shes|which)(?: I)? ?{_IS}? (?:(?:a|an|very|really|pretty|so|quite|more|of|such|great|good|like|just|kind|not|too|in|T|also|always|one) )*(?<!\S){_VALS}(?: I)?",
        lambda h, n, m, f: (
            _stated(h, n, m, f) if re.search(rf"(?<!\S){_IS}(?!\S)|thats|its|hes|shes", m.group()) else False
        ),
    ),
    rule(
        rf"(?:(?:i|we|ive|just|also|recently|have|already) )*(?:watched|saw|seen|watching|rented)(?: (?:a|an|the|few|some|many|lot|of|lots|good|great|couple|two|this|another|all|several|new|recent|tons|most|really|bunch))* {_VALS}(?: I)?",
        _stated,
    ),
    rule(rf"{_VALS}(?: (?:I|genre|ones|kind))?(?: (?:please|preferably|ideally|for sure))*", _want),
    rule(
        r"(?:(?:from|in|of|within|made|released|the|something|anything|I) )*(?:last|past|recent) (?:few |couple of |several |five |ten |\d+ )?years?(?: or so)?",
        _lately,
    ),
    rule(
        r"(?P<negated>(?:not|no|nothing|except|without|dont \w+)(?: (?:in|anything|I|the|any|want|like))* )?Y(?: (?:I|ones?))?",
        _years,
    ),
]
"""What is wanted."""

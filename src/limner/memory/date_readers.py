"""The ways in which a date is put into English words, and how each is read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from limner.memory.periods import (
    SEASONS,
    Days,
    Grain,
    earlier,
    month_days,
    months_on,
    one_day,
    season_days,
    shifted,
    week_days,
)
from limner.memory.tense import Tense

__all__ = ("PATTERNS", "Direction", "Found", "Reader")

Direction = Literal["point", "since", "until", "before", "after"]

_MONTHS = {
    name[:3]: number
    for number, name in enumerate(
        [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ],
        1,
    )
}
_WEEKDAYS = {name: number for number, name in enumerate(["mon", "tue", "wed", "thu", "fri", "sat", "sun"])}
_NUMBERS = {
    word: number
    for number, word in enumerate(
        [
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
        ],
        1,
    )
} | {"a": 1, "an": 1, "twenty": 20, "thirty": 30, "a couple of": 2, "couple of": 2}
_DAY_WORDS = {"yesterday": -1, "today": 0, "tonight": 0, "tomorrow": 1}

_MONTH = (
    r"(?:[Jj]an(?:uary)?|[Ff]eb(?:ruary)?|[Mm]arch|Mar|[Aa]pr(?:il)?|May|[Jj]une?|[Jj]uly?|August|Aug|"
    r"[Ss]ept?(?:ember)?|[Oo]ct(?:ober)?|[Nn]ov(?:ember)?|[Dd]ec(?:ember)?)\b\.?"
)
_LONG_MONTH = (
    r"(?:[Jj]anuary|[Ff]ebruary|March|[Aa]pril|May|[Jj]une|[Jj]uly|August|[Ss]eptember|[Oo]ctober|"
    r"[Nn]ovember|[Dd]ecember)\b"
)
_YEAR = r"(?:19|20)\d\d\b(?![.,:]\d|[-/%]\d|['’]s)"
_DAY_NUMBER = r"(?:3[01]|[12]\d|0?[1-9])"
_ORDINAL = rf"{_DAY_NUMBER}(?:st|nd|rd|th)"
_WEEKDAY = r"(?:[Mm]onday|[Tt]uesday|[Ww]ednesday|[Tt]hursday|[Ff]riday|[Ss]aturday|[Ss]unday)\b"
_SHORT_WEEKDAY = r"(?:Mon|Tues?|Wed|Thurs?|Thu|Fri|Sat|Sun)\b"
_COUNT = (
    r"(?:\d{1,3}|(?:an?[ ])?couple[ ]of|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
    r"thirteen|fourteen|fifteen|twenty|thirty)"
)
_UNIT = r"(?:day|week|month|year)s?\b"
_DATE = rf"(?:{_ORDINAL}\s+(?:of\s+)?{_MONTH}|{_DAY_NUMBER}\s+{_MONTH}|{_MONTH}\s+{_DAY_NUMBER}(?:st|nd|rd|th)?\b)(?:,?\s+{_YEAR})?"
_MONTH_YEAR = rf"{_MONTH},?\s+(?:of\s+)?{_YEAR}"
_ENDPOINT = rf"(?:\d{{4}}-\d\d-\d\d|{_DATE}|{_MONTH_YEAR}|{_LONG_MONTH}|{_YEAR})"
_WITH = r"(?i:in|since|until|till|by|before|after|during|from|through|around|of|early|late|mid)"
_CLAUSE_GOES_ON = r"(?=\s*(?:[.,;:!?)\"”—–-]|$)|\s+(?:and|at|so|but|with|for|to|because|when|after|before|from|i|we|if|in|then|until|till)\b)"
_NO_UNIT = (
    r"(?!\s+(?:people|dollars|euros|pounds|met(?:er|re)s|miles|km|words|pieces|calories|steps|followers|points|"
    r"hours|times|cities|countries|places|of)\b)"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A date as one wording gives it."""

    days: Days
    grain: Grain
    relative: bool = True
    direction: Direction | None = None
    """Where the wording settles it, whatever stands in front."""


Reader = Callable[[re.Match[str], date, Tense], Found | None]


def _count(words: str) -> int:
    words = " ".join(words.lower().split())
    return int(words) if words.isdecimal() else _NUMBERS[words]


def _month_number(word: str) -> int:
    return _MONTHS[word[:3].lower()]


# Readers: one for each way of putting a date


def _iso(match: re.Match[str], today: date, tense: Tense) -> Found:
    return Found(one_day(date(*map(int, match.group("y", "m", "d")))), "day", relative=False)


def _numeric(match: re.Match[str], today: date, tense: Tense) -> Found | None:
    first, second, year = int(match["a"]), int(match["b"]), int(match["y"])
    if match["sep"] == "." or first > 12 or first == second:
        return Found(one_day(date(year, second, first)), "day", relative=False)
    # 5/6/2023 is in May or in June, depending on who writes it.
    return Found(one_day(date(year, first, second)), "day", relative=False) if second > 12 else None


def _named_date(match: re.Match[str], today: date, tense: Tense) -> Found | None:
    words = match["date"]
    year = re.search(_YEAR + r"$", words)
    name = re.search(_MONTH, words)
    number = re.search(r"\d+", words.replace(year[0], "") if year else words)
    if name is None or number is None:
        return None
    month, day = _month_number(name[0]), int(number[0])
    if year is not None:
        return Found(one_day(date(int(year[0]), month, day)), "day", relative=False)
    return Found(one_day(_nearest_date(today, month, day, tense)), "day")


def _nearest_date(today: date, month: int, day: int, tense: Tense) -> date:
    this_year = date(today.year, month, day)
    if tense == "past":
        return this_year if this_year <= today else date(today.year - 1, month, day)
    return this_year if this_year >= today else date(today.year + 1, month, day)


def _month_and_year(match: re.Match[str], today: date, tense: Tense) -> Found:
    return Found(month_days(int(match["y"]), _month_number(match["m"])), "month", relative=False)


def _month(match: re.Match[str], today: date, tense: Tense) -> Found:
    month = _month_number(match["m"])
    modifier = (match["mod"] or "").lower().split()[-1:] or [""]
    year = today.year
    if modifier[0] in ("last", "past"):
        year -= month >= today.month
    elif modifier[0] in ("next", "coming"):
        year += month <= today.month
    elif modifier[0] != "this":
        back = tense == "past" or match["with"] == "since"
        year -= back and month > today.month
        year += not back and month < today.month
    return Found(month_days(year, month), "month")


def _year(match: re.Match[str], today: date, tense: Tense) -> Found:
    year = int(match["date"])
    return Found((date(year, 1, 1), date(year + 1, 1, 1)), "year", relative=False)


def _decade(match: re.Match[str], today: date, tense: Tense) -> Found:
    century = match["century"] or ("20" if match["decade"] < "3" else "19")
    year = int(century + match["decade"])
    return Found((date(year, 1, 1), date(year + 10, 1, 1)), "decade", relative=False)


def _day_word(match: re.Match[str], today: date, tense: Tense) -> Found:
    words = match["date"].lower()
    if words.startswith(("this", "last night")):
        return Found(one_day(today - timedelta(days=words.startswith("last"))), "day")
    offset = next(days for word, days in _DAY_WORDS.items() if word in words)
    around = -1 if "before" in words else 1 if "after" in words else 0
    return Found(one_day(today + timedelta(days=offset + around)), "day")


def _period(match: re.Match[str], today: date, tense: Tense) -> Found:
    modifier, unit = match["mod"].lower().split()[-1], match["unit"].lower()
    step = {"last": -1, "past": -1, "next": 1, "coming": 1}.get(modifier, 0)
    if match["twice"]:
        step *= 2
    if unit == "weekend":
        saturday = week_days(today)[0] + timedelta(days=5)
        if step >= 0:  # "this weekend was" at the beginning of the week is the one just over
            step -= step == 0 and tense == "past" and today.weekday() < 3
        if modifier == "coming":
            step = 0
        saturday += timedelta(weeks=step)
        return Found((saturday, saturday + timedelta(days=2)), "weekend")
    if unit in SEASONS:
        return Found(_nearest_season(today, unit, step), "season")
    return Found(*shifted(today, unit, step))


def _nearest_season(today: date, season: str, step: int) -> Days:
    seasons = [season_days(today.year + offset, season) for offset in range(-2, 3)]
    if step < 0:
        return [days for days in seasons if days[1] <= today][-1]
    if step > 0:
        return next(days for days in seasons if days[0] > today)
    running = [days for days in seasons if days[0] <= today < days[1]]
    return running[0] if running else season_days(today.year, season)


def _season_of_year(match: re.Match[str], today: date, tense: Tense) -> Found:
    return Found(season_days(int(match["y"]), match["s"].lower()), "season", relative=False)


def _ago(match: re.Match[str], today: date, tense: Tense) -> Found:
    return Found(*shifted(today, match["unit"].lower(), -_count(match["n"])))


def _ahead(match: re.Match[str], today: date, tense: Tense) -> Found | None:
    if tense == "past":  # "I finished it in two weeks" is no date
        return None
    return Found(*shifted(today, match["unit"].lower(), _count(match["n"])))


def _lasting(match: re.Match[str], today: date, tense: Tense) -> Found | None:
    """Read "for three years": in the perfect tense it began so long ago; else nobody knows when it was."""
    if tense != "perfect":
        return None
    first = earlier(today, match["unit"].lower(), _count(match["n"]))
    return Found((first, today + timedelta(days=1)), "range", direction="since")


def _stretch(match: re.Match[str], today: date, tense: Tense) -> Found:
    unit, count = match["unit"].lower(), _count(match["n"] or "1")
    if match["mod"].lower() == "next":
        after = today + timedelta(days=count * {"day": 1, "week": 7, "month": 30, "year": 365}[unit])
        return Found((today, after + timedelta(days=1)), "range", direction="point")
    since = tense == "perfect" and match[0].lower().startswith("for")
    days = earlier(today, unit, count), today + timedelta(days=1)
    return Found(days, "range", direction="since" if since else "point")


def _weekday(match: re.Match[str], today: date, tense: Tense) -> Found:
    wanted, modifier = _WEEKDAYS[match["day"][:3].lower()], (match["mod"] or "").lower().split()[-1:]
    back, ahead = (today.weekday() - wanted) % 7, (wanted - today.weekday()) % 7
    if modifier in (["last"], ["past"]) or (not modifier and tense in ("past", "perfect")):
        day = today - timedelta(days=back or 7)
    elif modifier == ["next"]:
        day = week_days(today)[1] + timedelta(days=wanted)
    elif modifier == ["this"] and tense == "past":
        day = today - timedelta(days=back)
    else:
        day = today + timedelta(days=ahead or (0 if modifier == ["this"] else 7))
    return Found(one_day(day), "day")


def _day_of_month(match: re.Match[str], today: date, tense: Tense) -> Found:
    number = int(match["n"])
    month = today.replace(day=1)
    if tense == "past" and number > today.day:
        month = months_on(month, -1)
    elif tense != "past" and number < today.day:
        month = months_on(month, 1)
    return Found(one_day(month.replace(day=number)), "day")


def _from_to(match: re.Match[str], today: date, tense: Tense) -> Found | None:
    sides = [_whole(f"in {words}", today) for words in match.group("from", "to")]
    if sides[0] is None or sides[1] is None:
        return None
    (first, _), (last, after) = sides[0].days, sides[1].days
    if first > last and sides[0].relative:  # from November to May
        first = first.replace(year=first.year - 1)
    return Found((first, after), "range", sides[0].relative or sides[1].relative, "point")


def _whole(words: str, today: date) -> Found | None:
    """Read words that are one date and nothing else."""
    for pattern, read in PATTERNS:
        match = pattern.search(words)
        if match is not None and match.end() == len(words) and match.start("date") <= len("in "):
            return read(match, today, "past" if read is _month else "present")
    return None


_I = re.IGNORECASE
_NEVER_BEFORE = r"(?<!every )(?<!each )(?<!other )(?<!any )(?<!most )(?<!Black )(?<!Good )(?<!Cyber )(?<!Easter )(?<!Palm )"
PATTERNS: list[tuple[re.Pattern[str], Reader]] = [
    (
        re.compile(
            rf"\b(?:[Ff]rom\s+|[Bb]etween\s+)(?P<date>(?P<from>{_ENDPOINT})\s*(?:\bto\b|\buntil\b|\btill\b|"
            rf"\bthrough\b|\band\b|[-–])\s*(?P<to>{_ENDPOINT})){_NO_UNIT}"
        ),
        _from_to,
    ),
    (re.compile(r"\b(?<![\d-])(?P<date>(?P<from>(?:19|20)\d\d)\s?[-–]\s?(?P<to>(?:19|20)\d\d))\b(?![-\d])"), _from_to),
    (re.compile(r"(?<![\w-])(?P<date>(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d))(?!\d)(?:[T ]\d\d:\d\d\S*)?"), _iso),
    (re.compile(r"(?<![\d./])(?P<date>(?P<a>\d\d?)(?P<sep>[./])(?P<b>\d\d?)(?P=sep)(?P<y>(?:19|20)\d\d))\b(?![./]\d)"), _numeric),
    (re.compile(rf"\b(?P<date>{_DATE})(?![:%]|\s+[A-Z][a-z]+son\b)"), _named_date),
    (re.compile(rf"\b(?P<date>(?P<m>{_MONTH}),?\s+(?:of\s+)?(?P<y>{_YEAR}))"), _month_and_year),
    (
        re.compile(
            rf"\b(?:(?P<with>{_WITH})\s+|(?=(?:[Tt]his|[Nn]ext|[Ll]ast)\b))(?:early\s+|late\s+)?"
            rf"(?P<date>(?:(?P<mod>this\s+past|[Tt]his|[Nn]ext|[Ll]ast|coming)\s+)?(?P<m>{_LONG_MONTH}))(?!['’]s?\b|\s+[A-Z][a-z]|\s+\d|\s+or\b)"
        ),
        _month,
    ),
    (re.compile(r"\b(?P<date>(?:the\s+)?(?P<s>spring|summer|autumn|fall|winter)\s+(?:of\s+)?(?P<y>(?:19|20)\d\d))\b", _I), _season_of_year),
    (re.compile(rf"\b(?:{_WITH}|back\s+in)\s+(?:the\s+year\s+)?(?P<date>{_YEAR}){_NO_UNIT}", _I), _year),
    (re.compile(r"\b(?:in|since|during|from|of)\s+the\s+(?P<date>['’]?(?P<century>19|20)?(?P<decade>\d0)s)\b", _I), _decade),
    (
        re.compile(
            r"(?<!of )\b(?P<date>(?:the\s+)?day\s+(?:before\s+yesterday|after\s+tomorrow)|"
            r"(?:yesterday|tomorrow)(?:\s+(?:morning|afternoon|evening|night))?|today(?!['’]s)|tonight(?!['’]s)|"
            r"this\s+(?:morning|afternoon|evening)|last\s+night)\b",
            _I,
        ),
        _day_word,
    ),
    (
        re.compile(
            rf"\b(?:(?:for|over|in|during|within)\s+)?(?P<date>the\s+(?P<mod>last|past|next)\s+(?:(?P<n>{_COUNT})\s+)?"
            rf"(?P<unit>day|week|month|year)s?)\b(?!\s+of\b)",
            _I,
        ),
        _stretch,
    ),
    (
        re.compile(
            r"\b(?P<date>the\s+(?P<unit>weekend|week|month|year)\s+(?P<twice>before|after)\s+(?P<mod>last|next))\b",
            _I,
        ),
        _period,
    ),
    (
        re.compile(
            r"(?<!the )\b(?P<date>(?P<mod>this\s+past|this\s+coming|this|last|past|next|the\s+coming)\s+"
            r"(?P<unit>weekend|week|month|year|spring|summer|autumn|fall|winter)(?P<twice>$^)?)\b"
            r"(?!-)(?!\s+of\b)(?!['’]s\s+been\b)",
            _I,
        ),
        _period,
    ),
    (re.compile(rf"(?:\babout\s+|\baround\s+)?\b(?P<date>(?P<n>{_COUNT})\s+(?P<unit>day|week|month|year)s?\s+ago)\b", _I), _ago),
    (re.compile(rf"\b(?P<date>in\s+(?:about\s+)?(?P<n>{_COUNT})\s+(?P<unit>day|week|month|year)s?)\b(?!['’]|\s+of\b|\s+a\b)(?<!in a day)(?<!in one day)", _I), _ahead),
    (re.compile(rf"\b(?P<date>(?P<n>{_COUNT})\s+(?P<unit>day|week|month|year)s?\s+from\s+(?:now|today))\b", _I), _ahead),
    (re.compile(rf"\b(?P<date>for\s+(?:about\s+|almost\s+|over\s+|nearly\s+|just\s+under\s+)?(?P<n>{_COUNT})\s+(?P<unit>day|week|month|year)s?)\b", _I), _lasting),
    (
        re.compile(
            rf"{_NEVER_BEFORE}(?<![Tt]oday is )\b(?P<date>(?:(?P<mod>[Tt]his past|[Tt]his coming|[Tt]his|[Ll]ast|[Nn]ext|coming)\s+)?(?P<day>{_WEEKDAY}))"
            r"(?!\s+(?:school|roast|dinners?|mornings|nights|lunches|evenings)\b)"
        ),
        _weekday,
    ),
    (re.compile(rf"\b(?P<date>(?P<mod>[Tt]his|[Ll]ast|[Nn]ext)\s+(?P<day>{_SHORT_WEEKDAY}))(?!\w)"), _weekday),
    (re.compile(rf"\b(?:on|by|until|till|since|before)\s+(?P<date>the\s+(?P<n>{_DAY_NUMBER})(?:st|nd|rd|th)){_CLAUSE_GOES_ON}", _I), _day_of_month),
]  # fmt: skip

"""Days, weeks, months and seasons of the calendar, each as its first day and the first day after it."""

from datetime import date, timedelta
from typing import Literal

__all__ = (
    "SEASONS",
    "Days",
    "Grain",
    "earlier",
    "month_days",
    "months_on",
    "one_day",
    "season_days",
    "shifted",
    "week_days",
)

Grain = Literal["day", "weekend", "week", "month", "season", "year", "decade", "range"]

Days = tuple[date, date]
"""First day, and first day after."""

SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
"""Month in which each begins, in the northern hemisphere."""


def month_days(year: int, month: int) -> Days:
    """Return the days of a month."""
    return date(year, month, 1), months_on(date(year, month, 1), 1)


def months_on(day: date, months: int) -> date:
    """Return the first of the month so many months on."""
    total = day.year * 12 + day.month - 1 + months
    return date(total // 12, total % 12 + 1, 1)


def week_days(day: date) -> Days:
    """Return the days of the week, from Monday on, that a day is in."""
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=7)


def season_days(year: int, season: str) -> Days:
    """Return the days of a season, by the year in which it begins."""
    start = date(year, SEASONS[season], 1)
    return start, months_on(start, 3)


def one_day(day: date) -> Days:
    """Return a single day."""
    return day, day + timedelta(days=1)


def shifted(day: date, unit: str, count: int) -> tuple[Days, Grain]:
    """Return the day, week, month or year so many units on."""
    if unit == "day":
        return one_day(day + timedelta(days=count)), "day"
    if unit == "week":
        return week_days(day + timedelta(weeks=count)), "week"
    if unit == "month":
        first = months_on(day, count)
        return (first, months_on(first, 1)), "month"
    return (date(day.year + count, 1, 1), date(day.year + count + 1, 1, 1)), "year"


def earlier(day: date, unit: str, count: int) -> date:
    """Return the day so many units before; the last of a month where that month is shorter."""
    if unit in ("day", "week"):
        return day - timedelta(days=count * (7 if unit == "week" else 1))
    first = months_on(day, -count * (12 if unit == "year" else 1))
    return min(first + timedelta(days=day.day - 1), months_on(first, 1) - timedelta(days=1))

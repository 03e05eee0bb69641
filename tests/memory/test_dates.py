"""Dates in sentences that people write, resolved against Wednesday, 17 May 2023."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.memory.dates import resolve

SAID = datetime(2023, 5, 17, 15, tzinfo=UTC)

DATES = {
    "Yesterday I took the kids to the museum.": ("Yesterday", "2023-05-16", "2023-05-16", "point"),
    "See you the day after tomorrow": ("the day after tomorrow", "2023-05-19", "2023-05-19", "point"),
    "I went for a run this morning.": ("this morning", "2023-05-17", "2023-05-17", "point"),
    "Last night I read.": ("Last night", "2023-05-16", "2023-05-16", "point"),
    "I met her last Tuesday": ("last Tuesday", "2023-05-16", "2023-05-16", "point"),
    "My car broke down last Fri on my way.": ("last Fri", "2023-05-12", "2023-05-12", "point"),
    "I'll see her next Friday": ("next Friday", "2023-05-26", "2023-05-26", "point"),
    "I can meet this Friday": ("this Friday", "2023-05-19", "2023-05-19", "point"),
    "I won on Friday!": ("Friday", "2023-05-12", "2023-05-12", "point"),
    "On Friday, I got great news": ("Friday", "2023-05-12", "2023-05-12", "point"),
    "I fly on Friday": ("Friday", "2023-05-19", "2023-05-19", "point"),
    "I have an exam on Friday": ("Friday", "2023-05-19", "2023-05-19", "point"),
    "She has to be in Rome on Friday": ("Friday", "2023-05-19", "2023-05-19", "point"),
    "I have been ill since Friday": ("Friday", "2023-05-12", "2023-05-12", "since"),
    "We got a puppy two weeks ago": ("two weeks ago", "2023-05-01", "2023-05-07", "point"),
    "I started about five years ago": ("five years ago", "2018-01-01", "2018-12-31", "point"),
    "In two weeks I fly to Rome": ("In two weeks", "2023-05-29", "2023-06-04", "point"),
    "In three days I fly to Rome": ("In three days", "2023-05-20", "2023-05-20", "point"),
    "I was there last week": ("last week", "2023-05-08", "2023-05-14", "point"),
    "I'm on holiday next week": ("next week", "2023-05-22", "2023-05-28", "point"),
    "Next weekend we move": ("Next weekend", "2023-05-27", "2023-05-28", "point"),
    "That road trip this past weekend was insane": ("this past weekend", "2023-05-13", "2023-05-14", "point"),
    "I took it the weekend before last": ("the weekend before last", "2023-05-06", "2023-05-07", "point"),
    "We went there last month.": ("last month", "2023-04-01", "2023-04-30", "point"),
    "There is a series coming next month": ("next month", "2023-06-01", "2023-06-30", "point"),
    "I took that pic last summer": ("last summer", "2022-06-01", "2022-08-31", "point"),
    "I moved in summer 2019": ("summer 2019", "2019-06-01", "2019-08-31", "point"),
    "I moved to Lisbon in May": ("May", "2023-05-01", "2023-05-31", "point"),
    "I moved to Lisbon in September.": ("September", "2022-09-01", "2022-09-30", "point"),
    "I'll move to Lisbon in January.": ("January", "2024-01-01", "2024-01-31", "point"),
    "Last August I told you": ("Last August", "2022-08-01", "2022-08-31", "point"),
    "Music wasn't my forte in 2018.": ("2018", "2018-01-01", "2018-12-31", "point"),
    "I have lived here since 2019": ("2019", "2019-01-01", "2019-12-31", "since"),
    "I've been sick since last Tuesday": ("last Tuesday", "2023-05-16", "2023-05-16", "since"),
    "From May on I'm vegan": ("May", "2023-05-01", "2023-05-31", "since"),
    "I'm in Rome until March": ("March", "2024-03-01", "2024-03-31", "until"),
    "I lived in Porto until 2020.": ("2020", "2020-01-01", "2020-12-31", "until"),
    "No parties before June": ("June", "2023-06-01", "2023-06-30", "before"),
    "I've lived here for three years": ("for three years", "2020-05-17", "2023-05-17", "since"),
    "I'm back on the 7th": ("the 7th", "2023-06-07", "2023-06-07", "point"),
    "I met my teammates on the 15th after my trip": ("the 15th", "2023-05-15", "2023-05-15", "point"),
    "I worked at X from 2015 to 2018": ("2015 to 2018", "2015-01-01", "2018-12-31", "point"),
    "I was at X 2015-2018": ("2015-2018", "2015-01-01", "2018-12-31", "point"),
    "I am away from 3 June to 7 June": ("3 June to 7 June", "2023-06-03", "2023-06-07", "point"),
    "I was away from November to February": ("November to February", "2022-11-01", "2023-02-28", "point"),
    "We married on 3 March 2022": ("3 March 2022", "2022-03-03", "2022-03-03", "point"),
    "It was on Nov 3, 2022": ("Nov 3, 2022", "2022-11-03", "2022-11-03", "point"),
    "It was on the 5th of November 2022": ("5th of November 2022", "2022-11-05", "2022-11-05", "point"),
    "It is due 2023-06-01": ("2023-06-01", "2023-06-01", "2023-06-01", "point"),
    "It was on 26/5/2022": ("26/5/2022", "2022-05-26", "2022-05-26", "point"),
    "It was on 5.6.2022": ("5.6.2022", "2022-06-05", "2022-06-05", "point"),
    "It was fun in the 90s": ("90s", "1990-01-01", "1999-12-31", "point"),
    "Over the past month I grew": ("the past month", "2023-04-17", "2023-05-17", "point"),
}

NO_DATES = [
    "I may go there second, march on under the sun.",
    "May I ask something? April is my friend, and I'm with June.",
    "What's your next move in politics?",
    "Okay, I'll try that next time.",
    "My favorite was when we were down 10 in the 4th.",
    "I live on the 4th floor",
    'a game called "Cyberpunk 2077"',
    "Rome wasn't built in a day",
    "I see them at least once a week.",
    "It opened when I was in my twenties",
    "Chapter 5 of May Sarton was great",
    "Let's march, Mark said; I will now sat down",
    "I got him a Mon cherie for 20 dollars",
    "being relevant in today's music scene",
    "I go swimming every Monday and on Fridays",
    "in 2000 meters",
    "on 5/6/2023",
    "I finished it in two weeks",
    "I was there for two weeks",
    "Any fun plans for the summer?",
    "the leaders of tomorrow",
    "She was the 2nd best in the 3rd league",
    "Ich bin gestern im Mai umgezogen",
]


@pytest.mark.parametrize("text", DATES)
def test_a_date_is_found_where_it_stands(text):
    (span,) = resolve(text, SAID)
    found = (text[span.start : span.end], f"{span.first:%Y-%m-%d}", f"{span.last:%Y-%m-%d}", span.direction)
    assert found == DATES[text]
    assert (span.first.hour, span.beyond - span.last) == (0, timedelta(microseconds=1))


@pytest.mark.parametrize("text", NO_DATES)
def test_what_may_be_no_date_is_left_alone(text):
    assert resolve(text, SAID) == []


def test_the_users_day_decides_not_that_of_greenwich():
    late = datetime(2023, 5, 17, 23, 30, tzinfo=timezone(timedelta(hours=-4)))
    (span,) = resolve("I saw her today", late)
    assert span.first == datetime(2023, 5, 17, 4, tzinfo=UTC)
    (other,) = resolve("I saw her today", late.astimezone(UTC))
    assert other.first == datetime(2023, 5, 18, tzinfo=UTC)


def test_dates_at_the_end_of_the_calendar_are_no_error():
    assert resolve("In 30 years, next year and tomorrow", datetime(9999, 12, 31, tzinfo=UTC)) == []
    assert [s.first.year for s in resolve("on 31 February 1990 and 0001-01-01", SAID)][-1] == 1


WORDS = [
    "yesterday",
    "today",
    "tonight",
    "last",
    "next",
    "this",
    "week",
    "weekend",
    "month",
    "year",
    "May",
    "March",
    "june",
    "2019",
    "1999-12-31",
    "Friday",
    "Sun",
    "on",
    "in",
    "since",
    "until",
    "before",
    "from",
    "to",
    "and",
    "the",
    "7th",
    "31st",
    "for",
    "three",
    "two",
    "ago",
    "a",
    "days",
    "years",
    "summer",
    "winter",
    "90s",
    "I",
    "was",
    "will",
    "have",
    "99",
    "-",
    ",",
    ".",
    "'s",
    "of",
    "past",
]


@given(
    st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join) | st.text(max_size=60),
    st.datetimes(timezones=st.timezones() | st.just(UTC)),
)
def test_whatever_the_text_spans_stand_in_it_in_order(text, said):
    end = 0
    for span in resolve(text, said):
        assert end <= span.start < span.end <= len(text)
        assert span.first <= span.last
        end = span.end


def test_it_costs_next_to_nothing_to_import():
    code = "import sys, limner.memory.dates; print('regex' in sys.modules, 'torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]

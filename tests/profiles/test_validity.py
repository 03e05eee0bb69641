"""From when until when, and in absolute words; said on Wednesday, 17 May 2023."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.profiles.propositions.dated import absolute
from limner.profiles.propositions.validity import Validity, overlap, validity

SAID = datetime(2023, 5, 17, 15, tzinfo=UTC)

PERIODS = {
    # What happened, or changes, is so from then on.
    "I moved to Lisbon in May.": ("2023-05-01", None),
    "I moved to Lisbon in May, so the commute is gone.": ("2023-05-01", None),
    "I'm moving to Lisbon in June.": ("2023-06-01", None),
    "My new job starts on Monday.": ("2023-05-22", None),
    "We got a puppy two weeks ago.": ("2023-05-01", None),
    "Last Friday, I spent some time at the shelter.": ("2023-05-12", None),
    "Yesterday I took the kids to the museum.": ("2023-05-16", None),
    "I was born in 1990.": ("1990-01-01", None),
    # A state with a date is so within it.
    "I'm on holiday next week.": ("2023-05-22", "2023-05-29"),
    "I will be in Rome from 3 June to 7 June.": ("2023-06-03", "2023-06-08"),
    "I worked at X from 2015 to 2018.": ("2015-01-01", "2019-01-01"),
    "I lived in Porto in 2019.": ("2019-01-01", "2020-01-01"),
    "I was sick yesterday.": ("2023-05-16", "2023-05-17"),
    "I'm very excited today because I just passed an interview!": ("2023-05-17", "2023-05-18"),
    "Today I feel tired.": ("2023-05-17", "2023-05-18"),
    # One end.
    "I have worked at Y since 2019.": ("2019-01-01", None),
    "I've been vegan for two weeks.": ("2023-05-03", None),
    "I lived in Porto until 2020.": (None, "2021-01-01"),
    "I'm in Rome until March.": ("said", "2024-04-01"),
    "No parties before June, please.": ("said", "2023-06-01"),
    "I didn't drive until 2020.": ("2020-01-01", None),
    # A plan is one from when it was made.
    "I'll visit my sister next weekend.": ("said", "2023-05-29"),
    "I'm stoked for my game there next month!": ("said", "2023-07-01"),
    "Next month, I'm off to Ireland for a semester.": ("said", "2023-07-01"),
    "I want to go to Rome next year.": ("said", "2025-01-01"),
}

UNSURE = [
    "I live in Porto.",
    "I may second that, and march on.",
    "I moved to Rome in 2019 and to Paris in 2021.",
    "I go swimming every Monday.",
]

TEXTS = {
    "The user got a puppy last week.": "The user got a puppy in the week of 2023-05-08.",
    "The user baked bread on Sunday.": "The user baked bread on 2023-05-14.",
    "Yesterday the user took the kids out.": "On 2023-05-16 the user took the kids out.",
    "The user met Tom last Tuesday.": "The user met Tom on 2023-05-16.",
    "The user was tired after yesterday's match.": "The user was tired after 2023-05-16's match.",
    "The user flies to Rome in two weeks.": "The user flies to Rome in the week of 2023-05-29.",
    "The user started guitar about five years ago.": "The user started guitar around 2018.",
    "The user has been sick since last Tuesday.": "The user has been sick since 2023-05-16.",
    "The user has lived here for three years.": "The user has lived here since 2020.",
    "The user moved to Lisbon in May.": "The user moved to Lisbon in May 2023.",
    "The user will move next month, and run tomorrow morning.": "The user will move in June 2023, and run on the morning of 2023-05-18.",
    "The user went hiking last summer.": "The user went hiking in summer 2022.",
    "The user saw Rome a few years ago.": "The user saw Rome a few years before 2023-05-17.",
    "The user lived in Porto until 2020.": "The user lived in Porto until 2020.",
    "The user may march on Mondays.": "The user may march on Mondays.",
}


@pytest.mark.parametrize("said", PERIODS)
def test_the_grammar_of_what_was_said_decides(said):
    first, until = PERIODS[said]
    found = validity(said.replace("I ", "The user "), said, SAID)
    begin = SAID if first == "said" else first and datetime.fromisoformat(first).replace(tzinfo=UTC)
    assert found == Validity(begin, until and datetime.fromisoformat(until).replace(tzinfo=UTC))


@pytest.mark.parametrize("said", UNSURE)
def test_where_it_does_not_tell_nothing_is_read_into_it(said):
    assert validity(said, said, SAID) is None


def test_a_date_is_not_that_of_another_clause():
    said = "I love cycling, but I broke my arm last week."
    assert validity("The user loves cycling.", said, SAID) is None
    assert validity("The user broke an arm last week.", said, SAID) == Validity(
        datetime(2023, 5, 8, tzinfo=UTC)
    )


@pytest.mark.parametrize("statement", TEXTS)
def test_a_statement_carries_the_absolute_date(statement):
    assert absolute(statement, [(statement, SAID)]) == TEXTS[statement]


def test_the_sentence_with_the_same_words_decides_when_it_was_said():
    told = [("I moved last week.", datetime(2022, 3, 2, tzinfo=UTC)), ("I love it here.", SAID)]
    assert absolute("The user moved last week.", told) == "The user moved in the week of 2022-02-21."


WORDS = [
    "yesterday",
    "today",
    "next",
    "last",
    "week",
    "Friday",
    "in",
    "May",
    "since",
    "until",
    "two",
    "years",
    "ago",
    "I",
    "lived",
    "was",
    "from",
    "2019",
    "to",
    ",",
    "and",
    "the",
]


@given(st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join) | st.text(max_size=40))
def test_whatever_is_said_there_is_a_period_or_none(text):
    assert isinstance(absolute(text, [(text, SAID)]), str)
    found = validity(text, text, SAID)
    assert found is None or None in (found.first, found.until) or found.first < found.until


def test_periods_that_only_touch_do_not_overlap():
    class Period:
        def __init__(self, first, until):
            self.valid_from, self.valid_until = first, until

    may, june = (datetime(2023, m, 1, tzinfo=UTC) for m in (5, 6))
    assert not overlap(Period(None, may), Period(may, None))
    assert overlap(Period(None, june), Period(may, None))
    assert overlap(Period(None, None), Period(None, may))

"""Sizes, moments and lengths of time as people read them."""

from datetime import UTC, datetime, timedelta

import pytest

from producers.console import words

NOW = datetime(2026, 11, 26, 20, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.00 kB"),
        (12_500_000, "12.5 MB"),
        (999_600, "1.00 MB"),
        (2_810_000_000_000, "2.81 TB"),
        (9_996, "10.0 kB"),
        (99_960, "100 kB"),
    ],
)
def test_sizes_have_three_digits(count: int, said: str) -> None:
    assert words.size(count).replace("\N{NO-BREAK SPACE}", " ") == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (8, "8 s"),
        (827, "13 min 47 s"),
        (60, "1 min"),
        (13_800, "3 h 50 min"),
        (3_605, "1 h"),
        (187_200, "2 d 4 h"),
        (-5, "0 s"),
    ],
)
def test_durations_have_two_units(seconds: float, said: str) -> None:
    assert words.duration(timedelta(seconds=seconds)).replace("\N{NO-BREAK SPACE}", " ") == said


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(hours=42), "42 h ago"),
        (timedelta(hours=-6), "in 6 h"),
        (timedelta(days=5), "5 d ago"),
        (timedelta(minutes=13), "13 min ago"),
        (timedelta(hours=-84), "in 4 d"),
        (timedelta(hours=-108), "in 5 d"),
    ],
)
def test_distances_are_in_one_unit(before: timedelta, said: str) -> None:
    assert words.ago(NOW - before, NOW).replace("\N{NO-BREAK SPACE}", " ") == said


def test_moments_are_utc() -> None:
    assert words.moment(NOW) == "26 Nov 20:14"
    assert words.whole_moment(NOW) == "26 Nov 2026, 20:14 UTC"


@pytest.mark.parametrize(("seconds", "said"), [(0, "0.0 s"), (0.04, "under 0.1 s"), (0.2, "0.2 s"), (38, "38 s")])
def test_short_lengths_have_tenths(seconds: float, said: str) -> None:
    assert words.length_of(timedelta(seconds=seconds)).replace("\N{NO-BREAK SPACE}", " ") == said

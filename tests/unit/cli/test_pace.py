"""How fast something goes, and how long it still takes."""

import pytest

from producers.cli.tables import length
from producers.views.pace import Pace, seen


def _pace(*looks: tuple[float, int]) -> Pace:
    pace = Pace()
    for now, done in looks:
        pace = seen(pace, now, done)
    return pace


def test_nobody_can_tell_at_first() -> None:
    assert Pace().per_second() is None
    assert (_pace((0, 0)).left(100), _pace((0, 0), (0.5, 10)).per_second()) == (None, None)


def test_a_steady_pace_has_a_time_left() -> None:
    pace = _pace((0, 0), (5, 50), (10, 100))
    assert (pace.per_second(), pace.left(200)) == (10, 10)
    assert pace.left(100) is None


def test_only_what_was_lately_counts() -> None:
    pace = _pace((0, 0), (10, 10_000), (20, 10_010), (24, 10_014), (30, 10_020))
    assert pace.per_second() == 1


def test_what_begins_anew_is_measured_anew() -> None:
    assert _pace((0, 0), (10, 1000), (11, 0)).per_second() is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0s"), (9.96, "10.0s"), (12.7, "12s"), (60, "1m"), (61.5, "1m1s"), (7205, "2h"), (90_061, "1d1h")],
)
def test_a_length_of_time_is_said_in_two_units_at_most(seconds: float, said: str) -> None:
    assert length(seconds) == said

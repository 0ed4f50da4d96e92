"""Trying pauses after some failures, for who tries and not for everybody; and the memory for it has an end."""

import pytest

from producers.access.throttle import Limits, Throttle, neighbourhood
from tests.support.gate import Time

LIMITS = Limits(pair=3, address=6, account=10, window=900, pause=300, remembered=50)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def throttle(time: Time) -> Throttle:
    return Throttle(time.seconds, LIMITS)


def test_tries_are_counted_down_and_then_it_pauses(throttle: Throttle, time: Time) -> None:
    assert [throttle.begin("a", "10.0.0.1").left for _ in range(3)] == [2, 1, 0]
    assert throttle.begin("a", "10.0.0.1").pause == 300
    time.passes(200)
    assert throttle.begin("a", "10.0.0.1").pause == 100
    time.passes(100)
    assert throttle.begin("a", "10.0.0.1").left == 2


def test_others_go_on_meanwhile(throttle: Throttle) -> None:
    for _ in range(4):
        throttle.begin("a", "10.0.0.1")
    assert throttle.begin("a", "10.0.0.2").pause == 0
    assert throttle.begin("b", "10.0.0.1").pause == 0


def test_one_address_cannot_try_every_account(throttle: Throttle) -> None:
    for number in range(6):
        assert throttle.begin(f"user-{number}", "10.0.0.1").pause == 0
    assert throttle.begin("yet-another", "10.0.0.1").pause > 0
    assert throttle.begin("yet-another", "10.0.0.2").pause == 0


def test_one_account_cannot_be_tried_from_every_address_but_its_owner_is_let_in(throttle: Throttle) -> None:
    throttle.begin("a", "10.9.9.9")
    throttle.passed("a", "10.9.9.9")
    for number in range(10):
        throttle.begin("a", f"10.0.1.{number}")
    assert throttle.begin("a", "10.0.2.1").pause > 0
    assert throttle.begin("a", "10.9.9.9").pause == 0


def test_the_right_password_forgets_the_wrong_ones(throttle: Throttle) -> None:
    for _ in range(3):
        throttle.begin("a", "10.0.0.1")
    time_left = throttle.begin("a", "10.0.0.1").pause
    assert time_left > 0
    for _ in range(2):
        throttle.begin("b", "10.0.0.7")
    throttle.passed("b", "10.0.0.7")
    assert throttle.begin("b", "10.0.0.7").left == 2


def test_what_was_long_ago_does_not_count(throttle: Throttle, time: Time) -> None:
    throttle.begin("a", "10.0.0.1")
    throttle.begin("a", "10.0.0.1")
    time.passes(901)
    assert throttle.begin("a", "10.0.0.1").left == 2


def test_whoever_tries_much_uses_no_more_memory_and_frees_nobody_who_pauses(throttle: Throttle) -> None:
    for _ in range(3):
        throttle.begin("admin", "10.0.0.1")
    for number in range(500):
        throttle.begin(f"user-{number}", f"10.1.{number // 250}.{number % 250}")
    assert len(throttle._counts) <= LIMITS.remembered
    assert throttle.begin("admin", "10.0.0.1").pause > 0


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_network_of_one_host_counts_as_one_address(address: str, counts_as: str) -> None:
    assert neighbourhood(address) == counts_as

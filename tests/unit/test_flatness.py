"""A soak says what grows, and takes neither peaks nor a warm-up for growth."""

import random

from tests.chaos.flatness import Noise, theil_sen, trend
from tests.chaos.sampling import HARNESS, judged
from tests.chaos.soak import figures

MEMORY = Noise(0.1, 12)


def _samples(figure: float, a_minute: float = 0.0, minutes: int = 60) -> list[tuple[float, float]]:
    chance = random.Random(7)
    return [(60.0 * number, figure + a_minute * number + chance.gauss(0, 1)) for number in range(minutes)]


def test_noise_is_flat_and_a_leak_is_not() -> None:
    assert not trend(_samples(100), MEMORY).more_than_noise
    leaking = trend(_samples(100, 0.6), MEMORY)
    assert leaking.more_than_noise
    assert 30 < leaking.an_hour < 42


def test_a_warm_up_and_a_few_peaks_are_no_leak() -> None:
    warming = [(at, min(figure, 100 + at / 10)) for at, figure in _samples(150)]
    peaks = [(at, figure * (3 if number % 9 == 0 else 1)) for number, (at, figure) in enumerate(_samples(100))]
    assert not trend(warming, MEMORY).more_than_noise
    assert not trend(peaks, MEMORY).more_than_noise


def test_one_descriptor_every_ten_minutes_is_found_in_two_hours() -> None:
    leaking = [(60.0 * number, 30.0 + number // 10) for number in range(120)]
    assert trend(leaking, Noise(0.0, 4)).more_than_noise


def test_the_slope_is_that_of_most_pairs() -> None:
    assert theil_sen([(0, 0), (1, 1), (2, 2), (3, 90), (4, 4)]) == 1
    assert theil_sen([(0, 5)]) == 0


def test_what_grows_is_named_and_fails_the_run() -> None:
    taken = [
        (60.0 * number, {"notify: descriptors": 30.0 + number, f"{HARNESS}: descriptors": 30.0 + number})
        for number in range(30)
    ]
    said = figures(taken, 30, [])
    assert said["grown"] == ["notify: descriptors"]
    assert said["failed"]
    assert judged(f"{HARNESS}: descriptors") is None
    assert figures([(0.0, {"notify: threads": 3.0})], 1, ["backup of x: Failed"])["failed"]
    assert not figures([(60.0 * number, {"notify: threads": 3.0}) for number in range(30)], 30, [])["failed"]

"""What is suspicious, in numbers; and how often ordinary lives of volumes are taken for an attack."""

from collections import Counter
from random import Random

import pytest

from schemas.errors import Code
from schemas.records import PastCopy
from tests.support import churn
from tests.support.churn import MB, Day, Volume
from workers.suspicion.history import KEPT
from workers.suspicion.judge import judge

VOLUMES, DAYS = 204, 90
FALSE_ALARMS = 0.001
"""Of all copies of ordinary volumes, as many as may be called suspicious: one in three years of daily ones."""


def quiet(copies: int = 10, size: float = 100 * MB, files: int = 1000, share: float = 0.3) -> list[PastCopy]:
    """A volume of which a hundredth changes every day."""
    held, day = Volume(size, files), Day(size / 100, size / 100, share, 0, 1, 5, 1)
    return [churn.taken(number, held, day) for number in range(copies)]


def after(past: list[PastCopy], day: Day, size: float = 100 * MB, files: int = 1000) -> list[str]:
    """The codes of what is suspicious after the day."""
    return [reason.code for reason in judge(past, churn.taken(99, Volume(size, files), day))]


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (Day(MB, MB, 0.3, 0, 1, 5, 1), []),
        (Day(100 * MB, 100 * MB, 1.0, 0, 1000, 0, 1000), [Code.INCOMPRESSIBLE, Code.MUCH_REPLACED]),  # renamed, too
        (Day(100 * MB, 100 * MB, 1.0, 0, 0, 1000, 0), [Code.INCOMPRESSIBLE, Code.MUCH_REPLACED]),  # in place
        (Day(20 * MB, 20 * MB, 1.0, 0, 0, 200, 0), [Code.INCOMPRESSIBLE]),
        (Day(100 * MB, 100 * MB, 0.75, 0, 0, 1000, 0), [Code.MUCH_REPLACED]),  # as base64
        (Day(100 * MB, 100 * MB, 0.3, 0, 0, 1000, 0), []),  # the same kind of content: a release
        (Day(100 * MB, 0, 0.3, 0, 0, 1000, 0), []),  # touched, or moved
        (Day(50 * MB, 50 * MB, 1.0, 50 * MB, 10, 0, 0), []),  # added, with nothing replaced
        (Day(0, 0, 0.3, -90 * MB, 0, 0, 900), [Code.MUCH_DELETED, Code.MUCH_DELETED]),
        (Day(0, 0, 0.3, -MB, 0, 0, 900), [Code.MUCH_DELETED]),
        (Day(1, 1, 0.3, -90 * MB, 0, 900, 0), [Code.MUCH_DELETED]),  # emptied
        (Day(0, 0, 0.3, -30 * MB, 0, 0, 300), []),
    ],
)
def test_what_is_suspicious_about_a_quiet_volume(day: Day, found: list[Code]) -> None:
    assert after(quiet(), day) == found


def test_the_words_say_what_changed_against_what() -> None:
    attack = churn.encrypted(Volume(100 * MB, 1000), 1)
    reasons = [str(reason) for reason in judge(quiet(), churn.taken(99, Volume(100 * MB, 1000), attack))]
    assert reasons == [
        "what is new (100.0 MB) takes 100 % of its size when it is compressed, as encrypted content does, and 100 % of "
        "the volume was replaced by it; new content in the 10 copies before it was 30 % as a rule, 30 % at most",
        "100 % of what was there (100.0 MB) was replaced by new content: 0 files changed, 1000 came and 1000 went; in "
        "the 10 copies before it was 1 % as a rule, 1 % at most",
    ]


def test_nothing_is_judged_without_a_history_or_in_a_tiny_volume() -> None:
    attack = churn.encrypted(Volume(100 * MB, 1000), 1)
    assert after(quiet(4), attack) == []
    assert after(quiet(size=MB), churn.encrypted(Volume(MB, 1000), 1), size=MB) == []


def test_what_has_happened_before_is_no_news() -> None:
    rewritten = Day(100 * MB, 100 * MB, 1.0, 0, 0, 1000, 0)
    past = [*quiet(), churn.taken(10, Volume(100 * MB, 1000), rewritten), *quiet()]
    assert after(past, rewritten) == []


def test_ordinary_lives_are_hardly_ever_suspicious() -> None:
    """Prints how often they are, by kind of life."""
    copies, alarms = Counter[str](), Counter[str]()
    for number in range(VOLUMES):
        life, past = churn.ORDINARY[number % len(churn.ORDINARY)], list[PastCopy]()
        for copy in churn.copies(Random(number), life, DAYS):
            copies[life.__name__] += 1
            alarms[life.__name__] += bool(judge(past, copy))
            past = [*past, copy][-KEPT:]
    rate = alarms.total() / copies.total()
    print(f"false alarms: {alarms.total()} of {copies.total()} copies ({100 * rate:.3f} %): {dict(+alarms)}")
    assert copies.total() > VOLUMES * DAYS * 0.9
    assert rate <= FALSE_ALARMS


@pytest.mark.parametrize(("attack", "part", "most_missed"), [("encrypted", 1, 0.05), ("wiped", 1, 0.05)])
def test_attacks_on_such_volumes_hardly_ever_are_missed(attack: str, part: float, most_missed: float) -> None:
    missed = Counter[str]()
    for number in range(VOLUMES // 2):
        life = churn.ORDINARY[number % len(churn.ORDINARY)]
        *_, last = past = list(churn.copies(Random(number), life, 60))[-KEPT:]
        held = Volume(last.scanned_bytes, max(30, last.changes.files_before or 0))
        day = getattr(churn, attack)(held, part)
        missed[life.__name__] += not judge(past, churn.taken(60, held, day))
    print(f"{attack}, {part:.0%}: missed {missed.total()} of {VOLUMES // 2}: {dict(+missed)}")
    assert missed.total() <= most_missed * VOLUMES // 2

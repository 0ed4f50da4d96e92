"""The rules of restic's `forget`, over moments: https://restic.readthedocs.io/en/stable/060_forget.html."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from schemas import ttl as ttls
from schemas.retention import ALL, Rules

Moment = tuple[str, datetime]
"""A name, and when it was."""
SAME: dict[str, Callable[[datetime], object]] = {
    "hourly": lambda at: (at.date(), at.hour),
    "daily": lambda at: at.date(),
    "weekly": lambda at: at.isocalendar()[:2],
    "monthly": lambda at: (at.year, at.month),
    "yearly": lambda at: at.year,
}
"""What two moments of the same hour, day, ISO week, month or year have in common."""


def kept_by_rules(newest_first: Sequence[Moment], rules: Rules, now: datetime) -> dict[str, list[str]]:
    """The names that rules keep, each with which. Whatever one of them keeps is kept. What is dated in the future is
    kept, and counts for nothing else."""
    kept: dict[str, list[str]] = {name: ["dated in the future"] for name, at in newest_first if at > now}
    past = [each for each in newest_first if each[1] <= now] if rules.keeps else []

    def keep(name: str, why: str) -> None:
        kept.setdefault(name, []).append(why)

    for name, _ in past if rules.keep_last == ALL else past[: rules.keep_last]:
        keep(name, "last")
    if rules.keep_within is not None and past:
        within = ttls.length(rules.keep_within)
        for name, at in past:
            if at > past[0][1] - within:
                keep(name, f"within {ttls.in_words(rules.keep_within)}")
    zone = ZoneInfo(rules.time_zone)
    local = [(name, at.astimezone(zone)) for name, at in past]
    for period, of in SAME.items():
        for name, why in _newest_of_each(local, getattr(rules, f"keep_{period}"), period, of):
            keep(name, why)
    return kept


def _newest_of_each(
    newest_first: Sequence[Moment], number: int, period: str, of: Callable[[datetime], object]
) -> Iterator[tuple[str, str]]:
    """The newest of each of the last `number` periods that have one; and the very oldest, while there are fewer."""
    last: object = None
    left = len(newest_first) if number == ALL else number
    for place, (name, at) in enumerate(newest_first, 1):
        if left == 0:
            return
        if of(at) != last:
            yield name, period
            last, left = of(at), left - 1
        elif place == len(newest_first):
            yield name, f"oldest {period}"

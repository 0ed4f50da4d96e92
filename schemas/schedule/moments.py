"""The due times of an expression, as instants.

`@every` counts from 1970, so that all schedulers agree. Cron fields are matched with what the clock of the time zone
shows. Where that clock is put forward or back, there are two ways:

- hours that begin with `*` go by the time that passes: what the clock skips is not made up for, and of an hour that
  comes twice, both have their runs;
- other hours are meant by the clock: each run is once. One that the clock skips is at the first moment after, and one
  that it shows twice is the first time.
"""

from datetime import UTC, datetime, timedelta

from cronsim import CronSim

from schemas.schedule.expression import EPOCH, Cron, parse, zone

NEAR = timedelta(hours=3)
"""No clock is put back by more."""
_SECOND = timedelta(seconds=1)


def next_due(expression: str, after: datetime, time_zone: str = "UTC") -> datetime:
    """The first due time after `after`. Raises Invalid."""
    when = parse(expression, time_zone)
    if isinstance(when, timedelta):
        return EPOCH + ((after - EPOCH) // when + 1) * when
    found: datetime | None = None
    for local in CronSim(when.fields, _shown(when, after) - _near(when, after)):
        moments = _moments(when, local)
        found = min((each for each in (*moments, found) if each and each > after), default=None)
        if found and moments and moments[0] >= found:
            break
    assert found, "what was due once is due again"  # `parse` has looked
    return found


def last_due(expression: str, after: datetime, until: datetime, time_zone: str = "UTC") -> datetime | None:
    """The latest due time after `after` and up to `until`. Raises Invalid."""
    when = parse(expression, time_zone)
    if isinstance(when, timedelta):
        last = EPOCH + (until - EPOCH) // when * when
        return last if last > after else None
    found: datetime | None = None
    begin = _shown(when, until).replace(microsecond=0) + _near(when, until) + _SECOND
    for local in CronSim(when.fields, begin, reverse=True):
        moments = _moments(when, local)
        found = max((each for each in (*moments, found) if each and each <= until), default=None)
        if found and moments and moments[-1] <= found:
            break
    return found if found and found > after else None


def shown_at(local: datetime, time_zone: str) -> datetime:
    """The instant at which the clock first shows `local`, or of one that it skips, the first after. Raises Invalid."""
    place = zone(time_zone)
    first = local.replace(tzinfo=place).astimezone(UTC)
    if first.astimezone(place).replace(tzinfo=None) == local:
        return first
    # The clock was put forward between these two: what the offset before would make of it, and the offset after.
    low, high = local.replace(tzinfo=place, fold=1).astimezone(UTC), first
    while high - low > _SECOND:
        middle = low + (high - low) // 2
        if middle.astimezone(place).utcoffset() == high.astimezone(place).utcoffset():
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)


def _moments(when: Cron, local: datetime) -> list[datetime]:
    """When a local time that matches is due, the first first. That never comes before the first of an earlier local
    time, nor does the last before its last."""
    first = shown_at(local, when.zone.key)
    if not when.elapsed:
        return [first]
    if first.astimezone(when.zone).replace(tzinfo=None) != local:
        return []
    again = local.replace(tzinfo=when.zone, fold=1).astimezone(UTC)
    return [first] if again == first else [first, again]


def _shown(when: Cron, moment: datetime) -> datetime:
    return moment.astimezone(when.zone).replace(tzinfo=None)


def _near(when: Cron, moment: datetime) -> timedelta:
    """By how much a local time of a later moment may be less than what is shown at `moment`, and of an earlier one
    more, at most."""
    offsets = {each.astimezone(when.zone).utcoffset() for each in (moment - NEAR, moment, moment + NEAR)}
    return NEAR if len(offsets) > 1 else timedelta(0)

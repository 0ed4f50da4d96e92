"""How fast something goes, and how long it still takes: a value that grows with what is seen."""

from dataclasses import dataclass, replace

WINDOW = 15.0
"""Seconds back to which the pace is measured."""


@dataclass(frozen=True)
class Pace:
    """What was done at which moment: seconds of any clock, and bytes; the oldest first."""

    seen: tuple[tuple[float, int], ...] = ()

    def per_second(self) -> float | None:
        """Bytes, lately; None while nobody can tell."""
        if len(self.seen) < 2:
            return None
        (began, first), (now, last) = self.seen[0], self.seen[-1]
        return (last - first) / (now - began) if now - began >= 1 else None

    def left(self, total: int) -> float | None:
        """Seconds until `total` bytes are done, if it goes on so; None while nobody can tell."""
        rate = self.per_second()
        done = self.seen[-1][1] if self.seen else 0
        return (total - done) / rate if rate and total > done else None


def seen(pace: Pace, now: float, done: int) -> Pace:
    """The pace after one more look. What is begun anew is measured anew."""
    if pace.seen and done < pace.seen[-1][1]:
        return Pace(((now, done),))
    if pace.seen and now - pace.seen[-1][0] < 0.2:
        return pace
    kept = [each for each in pace.seen if now - each[0] <= WINDOW]
    return replace(pace, seen=(*kept, (now, done)))

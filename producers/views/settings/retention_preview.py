"""What rules would delete now, in all destinations, summed up for people before they set them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from producers.session import Session
from producers.views.retention import Previewed, preview
from schemas.errors import SnaplineError
from schemas.retention import Rules

SHOWN_DAYS = 30
HELD = "held"


@dataclass(frozen=True)
class Going:
    """A snapshot in a destination; `anyway` says that it goes by the rules that are set already."""

    destination: str
    snapshot: Previewed
    anyway: bool


@dataclass(frozen=True)
class Day:
    """How many of a day's snapshots go, and how many stay."""

    at: date
    goes: int = 0
    stays: int = 0


@dataclass(frozen=True)
class RetentionPreview:
    """Of one scope. `doubts` say of which destinations it cannot be told, and why."""

    goes: Sequence[Going]
    stays: int
    held: int
    days: Sequence[Day]
    doubts: Mapping[str, str]

    @property
    def size(self) -> int:
        """Bytes that those hold which go, shared ones included."""
        return sum(each.snapshot.size for each in self.goes)

    @property
    def anyway(self) -> int:
        """How many go by the rules that are set already."""
        return sum(1 for each in self.goes if each.anyway)

    @property
    def places(self) -> int:
        """In how many destinations something goes."""
        return len({each.destination for each in self.goes})

    @property
    def digest(self) -> str:
        """Of what goes, and of what is not known: who has seen one preview has seen any of the same digest."""
        said = sorted(f"{each.destination}/{each.snapshot.name}" for each in self.goes) + sorted(self.doubts)
        return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16] if said else ""


def previewed(session: Session, scope: str, rules: Rules | None, now: datetime) -> RetentionPreview:
    """What would go now of a scope, if it had these rules; None for those that it has. A destination that cannot be
    read is a doubt. Raises as the cluster."""
    found: list[tuple[str, Previewed]] = []
    by_now: set[tuple[str, str]] = set()
    doubts: dict[str, str] = {}
    for name in session.destinations.names():
        try:
            tried = preview(session, {scope: rules} if rules else None, destination=name)
            present = preview(session, destination=name) if rules else tried
        except SnaplineError as error:
            doubts[name] = str(error)
            continue
        found += [(name, each) for each in tried if each.scope == scope]
        by_now |= {(name, each.name) for each in present if each.goes}
    goes = [Going(name, each, (name, each.name) in by_now) for name, each in found if each.goes]
    stays = [each for _, each in found if not each.goes]
    held = sum(1 for each in stays if any(reason.startswith(HELD) for reason in each.reasons))
    return RetentionPreview(goes, len(stays), held, _days([each for _, each in found], now), doubts)


def _days(found: Iterable[Previewed], now: datetime) -> list[Day]:
    """The last thirty, the oldest first."""
    first = now.date() - timedelta(days=SHOWN_DAYS - 1)
    days = {first + timedelta(days=at): [0, 0] for at in range(SHOWN_DAYS)}
    for each in found:
        if each.requested_at.date() in days:
            days[each.requested_at.date()][0 if each.goes else 1] += 1
    return [Day(at, *counts) for at, counts in days.items()]

"""Which backups stay, each with all the reasons for it, and which go: a pure function of backups, rules and the time.

A backup stays if anything says so: its ttl has not passed, a rule of its scope keeps it, it is too young to go, the
last good one of an application, held, in use or under way. It goes if nothing does, and something has said how long:
a ttl that has passed, or rules of its scope.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas import ttl as ttls
from schemas.job import backup, snapshot_of
from schemas.retention import SAFETY_SNAPSHOTS, Rules, scope_of
from workers.retention.calendar import kept_by_rules

CONSOLE = "the console"
GOOD, POOR = "Completed", "PartiallyFailed"
NONE = Rules()


@dataclass(frozen=True)
class Candidate:
    """A backup as retention sees it. `at` is when it was asked for; `status` is None while it is under way. `apps` are
    those that it has. `hold` and `user` say who holds and who uses it, if somebody does."""

    name: str
    at: datetime
    status: str | None
    app: str | None = None
    apps: tuple[str, ...] = ()
    schedule: str | None = None
    expires_at: datetime | None = None
    hold: str | None = None
    user: str | None = None

    @property
    def is_snapshot(self) -> bool:
        """Whether it is a safety snapshot, which has only what a restore has deleted."""
        return snapshot_of(backup(self.name)) is not None

    @property
    def holds(self) -> tuple[str, ...]:
        """Whose backup it is."""
        return (self.app,) if self.app else (CONSOLE, *self.apps)


@dataclass(frozen=True)
class Verdict:
    """Whether a backup goes, and why: of one that stays, all that says so."""

    backup: Candidate
    scope: str
    goes: bool
    reasons: tuple[str, ...]


def choose(
    backups: Iterable[Candidate], rules: Mapping[str, Rules], now: datetime, unreadable: Collection[str] = ()
) -> list[Verdict]:
    """A verdict for each, the newest first. `rules` are by scope; nothing goes of a scope whose rules are
    `unreadable`, nor of one that a schedule might have, if it cannot be told which those are of."""
    ordered = sorted(backups, key=lambda each: (each.at, each.name), reverse=True)
    scopes = {each.name: _scope(each, {*rules, *unreadable}) for each in ordered}
    good, kept = last_good(ordered), _kept(ordered, scopes, rules, now)
    return [
        _verdict(each, scopes[each.name], rules, now, unreadable, good.get(each.name, []), kept.get(each.name, []))
        for each in ordered
    ]


def last_good(newest_first: Sequence[Candidate]) -> dict[str, list[str]]:
    """The names of the last good backups, each with why it stays: whose it is. Of whom none is whole, the last that has
    something stands for it."""
    found: dict[str, list[str]] = {}
    whole = _newest_of_each(newest_first, GOOD)
    partial = {whose: name for whose, name in _newest_of_each(newest_first, POOR).items() if whose not in whole}
    for form, last in (("last good one of {}", whole), ("last one of {}, none of which is whole", partial)):
        for name in dict.fromkeys(last.values()):
            theirs = ", ".join(whose for whose, theirs in last.items() if theirs == name)
            found.setdefault(name, []).append(form.format(theirs))
    return found


def _newest_of_each(newest_first: Iterable[Candidate], status: str) -> dict[str, str]:
    """Whose -> the newest in that status."""
    newest: dict[str, str] = {}
    for each in newest_first:
        if each.status == status and not each.is_snapshot:
            for whose in each.holds:
                newest.setdefault(whose, each.name)
    return newest


def _scope(candidate: Candidate, known: Collection[str]) -> str:
    if candidate.is_snapshot:
        return SAFETY_SNAPSHOTS
    if candidate.schedule is not None and (own := scope_of(schedule=candidate.schedule)) in known:
        return own
    return scope_of(candidate.app)


def _kept(
    newest_first: Sequence[Candidate], scopes: Mapping[str, str], rules: Mapping[str, Rules], now: datetime
) -> dict[str, list[str]]:
    """By what rules each is kept. Those that are not whole are counted by themselves, so that they take no place of
    one that is."""
    groups: dict[tuple[str, bool], list[Candidate]] = defaultdict(list)
    for each in newest_first:
        if each.status is not None:
            groups[scopes[each.name], each.status == GOOD].append(each)
    kept: dict[str, list[str]] = {}
    for (scope, _), group in groups.items():
        kept |= kept_by_rules([(each.name, each.at) for each in group], rules.get(scope, NONE), now)
    return kept


def _verdict(
    candidate: Candidate,
    scope: str,
    rules: Mapping[str, Rules],
    now: datetime,
    unreadable: Collection[str],
    good: Sequence[str],
    kept: Sequence[str],
) -> Verdict:
    own = rules.get(scope, NONE)
    reasons = [*_apart_from_rules(candidate, own, now, good), *kept]
    if scope in unreadable or (unreadable and "" in unreadable):
        reasons.append("its rules cannot be read")
    if not reasons and not own.keeps and candidate.expires_at is None:
        reasons.append("nothing says that it goes")
    if reasons:
        return Verdict(candidate, scope, False, tuple(reasons))
    return Verdict(candidate, scope, True, tuple(_why_it_goes(candidate, own)))


def _apart_from_rules(candidate: Candidate, rules: Rules, now: datetime, good: Sequence[str]) -> Iterator[str]:
    if candidate.status is None:
        yield "under way"
    if candidate.hold is not None:
        yield f"held{candidate.hold}"
    if candidate.user is not None:
        yield f"used by {candidate.user}"
    yield from good
    if rules.min_age is not None and now - candidate.at < ttls.length(rules.min_age):
        yield f"younger than {ttls.in_words(rules.min_age)}"
    if candidate.expires_at is not None and now < candidate.expires_at:
        yield f"kept until {candidate.expires_at:%Y-%m-%d %H:%M} UTC"


def _why_it_goes(candidate: Candidate, rules: Rules) -> Iterator[str]:
    if candidate.expires_at is not None:
        yield f"expired {candidate.expires_at:%Y-%m-%d %H:%M} UTC"
    if rules.keeps:
        yield "no rule keeps it"

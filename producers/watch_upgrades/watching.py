"""One look after the other: which applications are being upgraded, and when their backup is asked for. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from producers.watch_upgrades.workloads import Workload, request_id


@dataclass(frozen=True)
class Upgrade:
    """The upgrade of an application, since when all its workloads are as they are, and whether its backup is asked
    for."""

    id: str
    since: datetime
    asked: bool = False


@dataclass
class Watching:
    """What was seen so far: the content of each object, and the upgrades that are not settled."""

    contents: dict[str, str] = field(default_factory=dict)
    upgrades: dict[str, Upgrade] = field(default_factory=dict)


def look(
    watching: Watching, workloads: Iterable[Workload], now: datetime, quiet: timedelta
) -> Iterator[tuple[str, str]]:
    """The applications whose backup is to be asked for now, each with the id of the request: something of them has
    changed, or waits, and for `quiet` nothing more did."""
    by_app = _by_app(workloads)
    for app, own in by_app.items():
        changed = any(watching.contents.get(each.uid, each.content) != each.content for each in own)
        waits = any(each.held and each.runs for each in own)
        known, id_ = watching.upgrades.get(app), request_id(app, own)
        begins = changed or waits if known is None else known.id != id_ and (changed or not known.asked)
        if begins:
            watching.upgrades[app] = Upgrade(id_, now)
        watching.contents.update({each.uid: each.content for each in own})
    for app, upgrade in watching.upgrades.items():
        if not upgrade.asked and now - upgrade.since >= quiet and app in by_app:
            yield app, upgrade.id


def settle(watching: Watching, app: str, *, held: bool) -> None:
    """The backup was asked for; without anything that is `held`, nothing is left to do."""
    upgrade = watching.upgrades[app]
    if held:
        watching.upgrades[app] = Upgrade(upgrade.id, upgrade.since, asked=True)
    else:
        del watching.upgrades[app]


def _by_app(workloads: Iterable[Workload]) -> Mapping[str, list[Workload]]:
    found: dict[str, list[Workload]] = {}
    for each in workloads:
        found.setdefault(each.app, []).append(each)
    return found

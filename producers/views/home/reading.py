"""Reads what home is judged by: from the cluster, and from all destinations. What cannot be read is told, and holds up
nothing else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from producers.session import Session
from producers.views import schedules as schedule_views
from producers.views.catalog import open_catalog
from producers.views.copies import everywhere
from producers.views.home.composed import Home, composed
from producers.views.home.facts import App, Facts, Unread, Weight
from producers.views.home.held import Held, Remembered, held
from producers.views.home.standings import last_good
from producers.views.home.uncovered import Live, Uncovered, uncovered
from producers.views.job_views import BackupView
from producers.views.notifying.objectives import objectives
from producers.views.unreadable import Unreadable
from schemas import application
from schemas.application import Application
from schemas.errors import Invalid, SnaplineError
from schemas.kubernetes import CLAIMS, NAMESPACES, PODS, SECRETS
from schemas.messages import told
from schemas.schedule import Schedule
from schemas.velero import ALL, parse_backup
from workers.ports import ObjectStore
from workers.scheduling import runs

MOST_PARTIAL = 200
"""Full snapshots that are not whole, the newest, of which it is looked who is whole in them."""
T = TypeVar("T")


@dataclass(frozen=True)
class _Registered:
    """The applications; which of them may have objects in any namespace, and where all of them are looked for."""

    apps: Sequence[App]
    everywhere: frozenset[str]
    namespaces: frozenset[str]


def read(session: Session, now: datetime, remembered: Remembered) -> Home:
    """All of it; never raises as the cluster or a store do. `remembered` is filled along, and used the next time."""
    unread: list[Unread] = []
    registered = _tried(lambda: _registered(session, unread), "the cluster", unread, weight="blinds")
    if registered is None:
        return composed(Facts(now, unread=unread))
    names = _tried(session.destinations.names, "the list of destinations", unread, weight="blinds") or []
    stores = {name: store for name in names if (store := _tried_store(session, name)) is not None}
    backups = _backups(session, unread) if names else ()
    restores = _tried(lambda: open_catalog(session).restores(), "restores", unread) if names else None
    schedules = _schedules(session, unread)
    records = held(_partial(backups), stores, remembered, registered.everywhere)
    facts = Facts(
        at=now,
        destinations=bool(names) or bool(unread),
        apps=registered.apps,
        backups=backups,
        lacking={name: each.lacking for name, each in records.items()},
        restores=restores or (),
        schedules=schedules,
        runs=_runs(session, schedules),
        unread=unread,
    )
    good = last_good(facts)
    records |= held(good.values(), stores, remembered, registered.everywhere)
    found = _tried(lambda: _uncovered(session, registered, good, records), "volumes and pods", unread)
    return composed(replace(facts, uncovered=found, sizes=_sizes(good, records)))


def _tried(look: Callable[[], T], what: str, unread: list[Unread], *, weight: Weight = "doubts") -> T | None:
    """What is found; adds to `unread` why it cannot be."""
    try:
        return look()
    except SnaplineError as error:
        unread.append(Unread(what, told(error), weight))
        return None


def _tried_store(session: Session, name: str) -> ObjectStore | None:
    try:
        return session.store(name)
    except SnaplineError:
        return None  # its catalog says so


def _registered(session: Session, unread: list[Unread]) -> _Registered:
    known, apps = _objectives(session, unread), []
    wide, spaces = set(), set()
    for secret in session.cluster.list(SECRETS, session.settings.console_namespace, application.LABEL):
        try:
            each = application.from_secret(secret)
        except Invalid as error:
            unread.append(Unread(f"the registration {secret['metadata']['name']}", told(error), "matters"))
            continue
        apps.append(App(each.slug, each.name, _since(secret["metadata"]), known.get(each.slug)))
        named, looks = _namespaces(each)
        spaces |= named
        wide |= {each.slug} if looks else set()
    return _Registered(apps, frozenset(wide), frozenset(spaces))


def _objectives(session: Session, unread: list[Unread]) -> Mapping[str, timedelta]:
    """The objectives of applications; none, where they cannot be read."""
    return _tried(lambda: objectives(session), "the objectives", unread, weight="matters") or {}


def _since(metadata: Mapping[str, object]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(metadata.get("creationTimestamp")))
    except ValueError:
        return None


def _namespaces(app: Application) -> tuple[set[str], bool]:
    """Where the application is looked for; and whether it may have objects in any namespace."""
    try:
        spec = parse_backup(app.backup) if app.backup and app.backup.strip() else None
    except Invalid:
        spec = None
    named = {*app.namespaces, *(spec.included_namespaces if spec else ())}
    return named, ALL in named or bool(spec and spec.or_label_selectors)


def _backups(session: Session, unread: list[Unread]) -> Sequence[BackupView]:
    """Those of all destinations. Without the default one nothing is known; without another, not what that has."""
    found = _tried(lambda: everywhere.backups(session), "the list of destinations", unread, weight="blinds")
    if found is None:
        return ()
    default = session.named_if_known("")
    for each in found.unread:
        weight: Weight = "blinds" if each.destination == default else "doubts"
        unread.append(Unread(f"destination {each.destination}", told(each.error), weight))
    return found.backups


def _partial(backups: Sequence[BackupView]) -> list[BackupView]:
    """Full snapshots that are not whole."""
    return [view for view in backups if view.status == "PartiallyFailed" and view.app is None][:MOST_PARTIAL]


def _schedules(session: Session, unread: list[Unread]) -> list[Schedule]:
    read_ = _tried(
        lambda: list(schedule_views.read(session.cluster, session.settings.console_namespace)),
        "the schedules",
        unread,
    )
    for each in read_ or ():
        if isinstance(each, Unreadable):
            unread.append(Unread(f"the schedule {each.name}", each.problem, "doubts"))
    return [each for each in read_ or () if isinstance(each, Schedule)]


def _runs(session: Session, schedules: Sequence[Schedule]) -> dict[str, Sequence[datetime]]:
    found: dict[str, Sequence[datetime]] = {}
    for each in schedules:
        try:
            found[each.name] = runs.runs_of(session.store(session.named(each.destination)), each.name)
        except SnaplineError:
            continue
    return found


def _uncovered(
    session: Session, registered: _Registered, good: Mapping[str, BackupView], records: Mapping[str, Held]
) -> Uncovered:
    cluster = session.cluster
    live = Live(list(cluster.list(PODS)), list(cluster.list(CLAIMS)), list(cluster.list(NAMESPACES)))
    known = [
        records[view.name] for view in {view.name: view for view in good.values()}.values() if view.name in records
    ]
    return uncovered(
        live,
        {key for each in known for key in each.volumes},
        [cover for each in known for cover in each.covers],
        registered.namespaces,
        session.settings.console_namespace,
    )


def _sizes(good: Mapping[str, BackupView], records: Mapping[str, Held]) -> dict[str, int]:
    """Bytes of each application in its last good snapshot; none of what has no volumes there."""
    found = {
        slug: view.size if view.app is not None else records[view.name].size(slug)
        for slug, view in good.items()
        if view.app is not None or view.name in records
    }
    return {slug: size for slug, size in found.items() if size}

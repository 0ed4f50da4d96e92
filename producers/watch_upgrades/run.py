"""Looks at the workloads, asks for backups, and lets held rollouts go, until the process is asked to stop."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from producers.session import Session
from producers.watch_upgrades import watching
from producers.watch_upgrades.watching import Watching
from producers.watch_upgrades.workloads import LABEL, SAID, SINCE, Workload, read
from schemas import events as e
from schemas.errors import SnaplineError
from schemas.job import asked_for, request_uuid
from schemas.kubernetes import CONFIG_MAPS, DEPLOYMENTS, STATEFUL_SETS, ResourceType
from schemas.rights import user
from workers.jobs import ledger, rejections

SOURCE = "snapline/upgrades"
DAEMON_SETS = ResourceType("apps", "v1", "DaemonSet", "daemonsets", namespaced=True)
KINDS = (DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, CONFIG_MAPS)
LOOK = 2.0
"""Seconds between two looks."""
NAMES = 4
"""Names that a job may have got since others were taken."""

log = structlog.get_logger("upgrades")


@dataclass(frozen=True)
class Patience:
    """How long nothing must change before a backup is asked for, and how long a rollout is held at most."""

    quiet: timedelta
    held: timedelta


def run(session: Session, patience: Patience, stop: threading.Event, clock: Callable[[], datetime]) -> None:
    """Looks until `stop`. What fails for a passing reason is tried again with the next look."""
    seen = Watching()
    while not stop.is_set():
        session.beat()
        try:
            look(session, seen, patience, clock())
        except SnaplineError as error:
            log.warning("trying again", reason=error.with_place)
        stop.wait(LOOK)


def look(session: Session, seen: Watching, patience: Patience, now: datetime) -> None:
    """One look. Raises as the cluster and the bus."""
    workloads = [read(type_, obj) for type_ in KINDS for obj in session.cluster.list(type_, None, LABEL)]
    for app, id_ in list(watching.look(seen, workloads, now, patience.quiet)):
        request = e.wrap(e.BackupRequested(app=app), id=id_, source=SOURCE, time=now)
        session.bus.publish(request)
        log.info("backup before an upgrade requested", app=app, event_id=id_)
        watching.settle(seen, app, held=any(each.held for each in workloads if each.app == app))
    for each in workloads:
        if each.held:
            _hold(session, each, seen, patience, now)
    for app in [app for app, upgrade in seen.upgrades.items() if upgrade.asked]:
        if not any(each.held for each in workloads if each.app == app):
            del seen.upgrades[app]


def _hold(session: Session, workload: Workload, seen: Watching, patience: Patience, now: datetime) -> None:
    """Lets a rollout go when its backup has ended, however, or has taken too long; a first one at once."""
    if not workload.runs:
        _let_go(session, workload, "nothing ran before")
        return
    if workload.since is None:
        annotations = {"annotations": {SINCE: now.isoformat()}}
        session.cluster.patch(workload.type, workload.namespace, workload.name, {"metadata": annotations})
        return
    upgrade = seen.upgrades.get(workload.app)
    ended = _known_end(session, workload.app, upgrade.id) if upgrade and upgrade.asked else None
    if ended:
        _let_go(session, workload, ended)
    elif now - workload.since >= patience.held:
        _let_go(session, workload, f"not backed up: no backup had ended after {patience.held}")


def _let_go(session: Session, workload: Workload, why: str) -> None:
    """A patch of what was seen: nothing is let go that was changed meanwhile."""
    log.warning("a rollout goes on", workload=f"{workload.namespace}/{workload.name}", why=why)
    metadata = {"resourceVersion": workload.resource_version, "annotations": {SINCE: None, SAID: why}}
    patch = {"metadata": metadata, "spec": {"paused": False}}
    session.cluster.patch(workload.type, workload.namespace, workload.name, patch)


def _known_end(session: Session, app: str, id_: str) -> str | None:
    """As `_ended`; None where nobody can look, which must hold nothing for ever."""
    try:
        return _ended(session, app, id_)
    except SnaplineError as error:
        log.warning("how the backup has ended cannot be looked up", app=app, reason=error.with_place)
        return None


def _ended(session: Session, app: str, id_: str) -> str | None:
    """How the backup has ended, or that it was refused; None while neither is known."""
    store, request = session.store(), request_uuid(user(session.settings), SOURCE, id_)
    for attempt in range(NAMES):
        job = asked_for("backup", app, request, attempt)
        record = ledger.finished_backup(store, job.name)
        if record is not None and record.request == request:
            return f"{record.name}: {record.status}"
        if refused := rejections.find(store, job, request):
            return f"not backed up: {'; '.join(map(str, refused.reasons))}"[:500]
    return None

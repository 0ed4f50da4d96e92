"""Snapshots as KOTS' console asks for them: list, look at, take, delete."""

from collections.abc import Mapping
from datetime import datetime

from starlette.responses import Response

from producers.actions import jobs
from producers.http.api.operation import Call
from producers.http.kots import models as m
from producers.http.kots import shapes
from producers.views import jobs as views
from producers.views.catalog import open_catalog
from producers.views.console.app_names import app_names
from producers.views.hooks import hooks
from producers.views.job_views import BackupDetails
from producers.views.kept_log import KeptLine, kept_log
from schemas import keys
from schemas.errors import Damaged, SnaplineError
from schemas.job import backup as backup_called
from schemas.records import BackupPlan, BackupRecord
from workers.jobs import ledger
from workers.ports import ObjectStore


def snapshots(call: Call) -> m.Backups:
    """All full snapshots, the newest first."""
    return _listed(call, None)


def app_snapshots(call: Call, app: str) -> m.Backups:
    """The partial snapshots of an application, the newest first."""
    return _listed(call, app)


def take_snapshot(call: Call) -> m.Taken:
    """Take a full snapshot: of the console and all applications."""
    return m.Taken(backupName=jobs.take(call.session).job.name)


def take_app_snapshot(call: Call, app: str) -> m.Taken:
    """Take a partial snapshot: of one application."""
    return m.Taken(backupName=jobs.take(call.session, app).job.name)


def snapshot(call: Call, name: str) -> m.BackupDetails:
    """All that is known of one snapshot: its volumes, its scripts, errors and warnings."""
    store = call.session.store()
    details = views.backup(store, name)
    call.require("view", details.view.app)
    done = details.standing.volumes_done if details.standing else None
    call.deletions.settle()
    shown = shapes.backup(details.view, _names(call), done=done, deleting=name in call.deletions.going())
    return m.BackupDetails(backup=shown, backupDetails=[_detail(call, store, details)])


def delete_snapshot(call: Call, name: str) -> m.Done:
    """Delete a snapshot, and what only it refers to."""
    call.require("delete", views.backup(call.session.store(), name).view.app)
    call.deletions.asked(jobs.delete(call.session, name))
    return m.Done()


def snapshot_log(call: Call, name: str) -> Response:
    """What is kept of the log of a snapshot, a line of logfmt each."""
    store = call.session.store()
    call.require("view", views.backup(store, name).view.app)
    text = "".join(map(_line, kept_log(store, backup_called(name))))
    headers = {"Content-Disposition": 'attachment; filename="snapshot.log"', "Cache-Control": "no-store"}
    return Response(text, headers=headers, media_type="text/plain")


def velero(_: Call) -> m.Velero:
    """Whether snapshots can be taken here."""
    return m.Velero(isVeleroInstalled=True)


def _listed(call: Call, app: str | None) -> m.Backups:
    """Those of one application, or full ones for None. One that is asked to be deleted here is there until it is gone;
    if it could not be deleted, it is as it was."""
    found = open_catalog(call.session).backups()
    call.deletions.settle({each.name for each in found})
    names, going = _names(call), call.deletions.going()
    shown = [each for each in found if (each.app or None) == app]
    return m.Backups(backups=[shapes.backup(each, names, deleting=each.name in going) for each in shown])


def _names(call: Call) -> Mapping[str, str]:
    """Names of registered applications, by slug; none where the cluster does not answer."""
    try:
        return {each.slug: each.name for each in app_names(call.session)}
    except SnaplineError:
        return {}


def _detail(call: Call, store: ObjectStore, details: BackupDetails) -> m.BackupDetail:
    view = details.view
    scripts = hooks(store, details.hooks, lambda: call.session.repository())
    return m.BackupDetail(
        name=view.name,
        status=shapes.phase(view.status),
        volumeSizeHuman=shapes.size(view.size),
        namespaces=_namespaces(store, view.name),
        hooks=list(map(shapes.hook, scripts)),
        volumes=list(map(shapes.volume, details.volumes)),
        errors=shapes.errors((*details.errors, *view.reasons)),
        warnings=shapes.errors((*details.warnings, *view.notes)),
    )


def _namespaces(store: ObjectStore, name: str) -> list[str]:
    """Where it looked; none while that is not known."""
    job = backup_called(name)
    try:
        found: BackupRecord | BackupPlan | None = ledger.finished_backup(store, name)
        found = found or ledger.find(store, keys.plan(job), BackupPlan)
    except Damaged:
        return []  # which the errors of the snapshot tell
    return sorted({space for each in found.covers for space in each.namespaces}) if found else []


def _line(line: KeptLine) -> str:
    text = line.text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'time="{_rfc3339(line.time)}" level={line.level} msg="{text}"\n'


def _rfc3339(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")

"""Restores as KOTS' console asks for them. A restore may be asked about by its own name, or by that of its snapshot."""

from collections.abc import Sequence

from producers.actions import jobs
from producers.http.api.operation import Call
from producers.http.kots import models as m
from producers.http.kots import shapes
from producers.http.problems import Problem
from producers.views import jobs as views
from producers.views.catalog import open_catalog
from producers.views.job_views import BackupView, RestoreView
from schemas import keys
from schemas.errors import Code, Damaged, NotFound
from schemas.job import Job, restore
from schemas.records import RestorePlan, VolumeResult
from workers.jobs import ledger
from workers.ports import ObjectStore


def restore_status(call: Call, app: str) -> m.RestoreStatus:
    """Whether a restore of the application runs."""
    running = _running(_restores(call), app)
    if not running:
        return m.RestoreStatus(status="")
    return m.RestoreStatus(status="running", restore_name=running[0].name)


def restore_app_snapshot(call: Call, app: str, name: str) -> m.Restoring:
    """Restore an application from one of its snapshots, or out of a full one."""
    _must_hold(views.backup(call.session.store(), name).view, [app])
    _must_be_free(_restores(call), app)
    return m.Restoring(restoreName=jobs.restore(call.session, name, "applications", app).job.name)


def cancel_restore(call: Call, app: str) -> None:
    """Cancel the restore of the application that runs, if any does. What it has done stays."""
    for each in _running(_restores(call), app):
        if each.app == app:
            jobs.cancel(call.session, each.name)


def app_restore(call: Call, app: str, name: str) -> m.Restore:
    """How far a restore of the application is. It is called by its name, or by that of the snapshot: then the newest
    one of it is meant."""
    found = _newest(_restores(call), name, app)
    if found is None:
        raise NotFound(f"there is no restore {name!r:.80} of {app}", code=Code.NO_SUCH_JOB)
    active = found.status in shapes.UNDERWAY
    return m.Restore(active=active, restoreDetail=_detail(call, found.name))


def restore_apps(call: Call, name: str, body: m.RestoreApps) -> m.AppsRestoring:
    """Restore applications out of a full snapshot: all of them at once, or each by itself."""
    view = views.backup(call.session.store(), name).view
    if body.restoreAll:
        call.require("restore")
        asked = jobs.restore(call.session, name, "applications").job.name
        return m.AppsRestoring(restores=[m.AppRestoring(appSlug=slug, restoreName=asked) for slug in view.apps])
    if not body.appSlugs:
        raise Problem(422, "body.appSlugs: name at least one application, or say restoreAll")
    _must_hold(view, body.appSlugs)
    running = _restores(call)
    for slug in body.appSlugs:
        call.require("restore", slug)
        _must_be_free(running, slug)
    return m.AppsRestoring(
        restores=[
            m.AppRestoring(appSlug=slug, restoreName=jobs.restore(call.session, name, "applications", slug).job.name)
            for slug in dict.fromkeys(body.appSlugs)
        ]
    )


def apps_restore_status(call: Call, name: str, body: m.CheckApps) -> m.AppStatuses:
    """How far the restores of applications out of a full snapshot are. One that was not begun is `New`."""
    view = views.backup(call.session.store(), name).view
    if body.checkAll:
        call.require("view", view.app)
    slugs = list(view.apps) if body.checkAll else list(dict.fromkeys(body.appSlugs))
    for slug in slugs:
        call.require("view", slug)
    restores = _restores(call)
    return m.AppStatuses(
        statuses=[m.AppStatus(appSlug=slug, restoreDetail=_of_app(call, restores, name, slug)) for slug in slugs]
    )


def _of_app(call: Call, restores: Sequence[RestoreView], name: str, app: str) -> m.RestoreDetail:
    found = _newest([each for each in restores if each.backup == name], name, app)
    if found is None:
        return m.RestoreDetail(name="", phase="New", volumes=[], errors=[], warnings=[])
    return _detail(call, found.name)


def _detail(call: Call, name: str) -> m.RestoreDetail:
    store = call.session.store()
    details = views.restore(store, name)
    return shapes.restore(details, _volumes(store, restore(name), details.view.status in shapes.UNDERWAY))


def _volumes(store: ObjectStore, job: Job, underway: bool) -> list[m.RestoreVolume]:
    """Those that its plan has; none before it has one, or if that cannot be believed, which its errors tell."""
    try:
        plan = ledger.find(store, keys.plan(job), RestorePlan)
        if plan is None:
            return []
        found = [ledger.find(store, each.key, VolumeResult) for each in store.list(keys.volume_results(job))]
    except Damaged:
        return []
    results = {each.volume: each for each in found if each is not None}
    return [
        shapes.written(
            each,
            result := results.get(each.key),
            begun=underway and result is None and ledger.exists(store, keys.slices(job, each.key)),
            underway=underway,
        )
        for each in plan.volumes
    ]


def _restores(call: Call) -> list[RestoreView]:
    return open_catalog(call.session).restores()


def _newest(restores: Sequence[RestoreView], name: str, app: str) -> RestoreView | None:
    """The restore of that name, or else the newest from a backup of that name, if it concerns the application."""
    ours = [each for each in restores if _concerns(each, app)]
    return next(
        (each for each in ours if each.name == name), next((each for each in ours if each.backup == name), None)
    )


def _running(restores: Sequence[RestoreView], app: str) -> list[RestoreView]:
    return [each for each in restores if each.status in shapes.UNDERWAY and _concerns(each, app)]


def _concerns(view: RestoreView, app: str) -> bool:
    return view.app == app or (view.app is None and view.scope != "console")


def _must_be_free(restores: Sequence[RestoreView], app: str) -> None:
    """Raises Problem: two restores of one application at once are a mistake."""
    if running := _running(restores, app):
        text = f"{running[0].name} is restoring {app} already"
        remedy = f"wait for it, or POST /api/v1/jobs/{running[0].name}/cancel ends it"
        raise Problem(409, text, code=Code.NOT_FINISHED, what_to_do=remedy)


def _must_hold(view: BackupView, apps: Sequence[str]) -> None:
    """Raises NotFound for an application that is not in the backup."""
    for app in apps:
        if app != view.app and app not in view.apps:
            raise NotFound(f"{view.name} does not hold {app!r:.80}", code=Code.NOT_IN_BACKUP, subject=view.name)

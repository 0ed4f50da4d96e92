"""The line as a literal table: for each queue the step that is called, and what is called if that fails for good.

What a queue hears stands in schemas/topology.py. Event types are named here only where a queue does different things
for them.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec

from schemas import events as e
from schemas import topology
from schemas.job import snapshot_of
from schemas.messages import Message
from workers.deliveries import Delivery
from workers.jobs import at_work, endings, ledger, outages, progress
from workers.needs import Needs
from workers.receive import GiveUp, Row, Step
from workers.steps import (
    alarms,
    backup_copy,
    backup_finalize,
    backup_thaw,
    license_gate,
    maintain,
    manifest_capture,
    notify,
    restore_apply,
    restore_clear,
    restore_finalize,
    restore_prepare,
    restore_undeploy,
    retention,
    verify,
    volumes_copy,
    volumes_mount,
    volumes_restore,
    watchdog,
)

P = ParamSpec("P")
Event = e.CloudEvent[Any]
Work = Callable[Concatenate[Event, P], Iterator[e.Event]]


def gate(has: Needs) -> Row:
    """Requests become jobs, or are rejected."""
    cluster = has.cluster
    has.trusted_keys()  # what is wrong with either setting stops the process

    def needs() -> license_gate.GateNeeds:
        return license_gate.GateNeeds(
            has.destinations,
            cluster,
            has.settings.console_namespace,
            has.trusted_keys(),
            has.now,
            lambda sender: has.rights.believes(sender, e.TickMinute),
        )

    def refuse_restore(event: Event, why: Message, via: Delivery) -> Iterator[e.Event]:
        return license_gate.refuse_restore(event, via.sender, why, needs())

    restores = _allowed(
        has, lambda event, via: license_gate.restore_requested(event, via.sender, needs()), refuse_restore
    )

    return Row(
        {
            e.BackupRequested: lambda event, via: license_gate.backup_requested(event, via.sender, needs()),
            **dict.fromkeys((e.RestoreRequested, e.BackupTestRestoreRequested), restores),
        },
        {
            e.BackupRequested: lambda event, why, via: license_gate.refuse_backup(event, via.sender, why, needs()),
            **dict.fromkeys((e.RestoreRequested, e.BackupTestRestoreRequested), refuse_restore),
        },
    )


def capture(has: Needs) -> Row:
    """Objects are stored, volumes planned."""
    settings = has.settings
    holding = manifest_capture.Holding(settings.helper_image, _seconds(settings.ready_timeout_seconds))
    needs = manifest_capture.CaptureNeeds(
        has.destinations, has.cluster, settings.console_namespace, has.queueing, holding, has.now
    )
    return Row(_patient(has, lambda event, _: manifest_capture.capture(event, needs)), _fail_job(has))


def volumes(has: Needs) -> Row:
    """One slice of a pod's volumes is copied, or of one volume written back."""
    copy = volumes_copy.CopyNeeds(
        has.destinations,
        lambda: has.cluster,
        has.volume_files,
        has.slicing,
        has.locks,
        has.now,
        has.settings.suspicion,
    )
    restore = volumes_restore.RestoreNeeds(has.destinations, has.volume_files, has.slicing, has.locks, has.now)
    return Row(
        {
            e.VolumesCopyRequested: _at_work(has, lambda event, _: volumes_copy.copy(event, copy)),
            e.VolumesRestoreRequested: _at_work(has, lambda event, _: volumes_restore.restore(event, restore)),
        },
        {
            e.VolumesCopyRequested: lambda event, why, _: volumes_copy.give_up(event, why, copy),
            e.VolumesRestoreRequested: lambda event, why, _: volumes_restore.give_up(event, why, restore),
        },
    )


def finalize_backup(has: Needs) -> Row:
    """Backups end, and what those that have failed left frozen is thawed."""
    needs = backup_finalize.FinalizeBackupNeeds(has.destinations, has.now)
    thaw = backup_thaw.ThawNeeds(has.destinations, lambda: has.cluster, has.now)
    heard = (e.BackupPlanned, e.VolumesCopied, e.VolumesCopyFailed)
    return Row(
        {
            **dict.fromkeys(heard, lambda event, _: backup_finalize.finalize(event, needs)),
            e.BackupFailed: lambda event, _: backup_thaw.thaw(event, thaw),
        },
        dict.fromkeys(heard, _fail_job(has)),
    )


def prepare_restore(has: Needs) -> Row:
    """Restores are planned, and what they replace is removed."""
    needs = restore_prepare.PrepareNeeds(
        has.destinations, has.cluster, has.settings.console_namespace, has.queueing, has.now
    )
    patience = _seconds(has.settings.undeploy_timeout_seconds)
    undeploy = restore_undeploy.UndeployNeeds(has.destinations, has.cluster, patience, has.now)
    return Row(
        {
            e.RestoreLicensed: lambda event, _: restore_prepare.prepare(event, needs),
            e.RestoreUndeployRequested: _patient(has, lambda event, _: restore_undeploy.undeploy(event, undeploy)),
            **dict.fromkeys(topology.BACKUP_ENDS, lambda event, _: restore_prepare.go_on(event, needs)),
        },
        {
            e.RestoreLicensed: _fail_job(has),
            e.RestoreUndeployRequested: _at_work(
                has, lambda event, why, _: restore_undeploy.give_up(event, why, undeploy)
            ),
        },
    )


def apply_restore(has: Needs) -> Row:
    """Objects are created, wave by wave, and volumes mounted."""
    settings = has.settings
    patience, wait = _seconds(settings.ready_timeout_seconds), _seconds(settings.volume_wait_seconds)
    needs = restore_apply.ApplyNeeds(has.destinations, has.cluster, settings.helper_image, patience, wait, has.now)
    mount = volumes_mount.MountNeeds(has.destinations, has.cluster, settings.helper_image, patience, has.now)
    heard = (e.RestorePrepared, e.VolumesRestored, e.VolumesRestoreFailed)
    return Row(
        {
            **dict.fromkeys(heard, _patient(has, lambda event, _: restore_apply.apply(event, needs))),
            e.VolumesMountRequested: _patient(has, lambda event, _: volumes_mount.mount(event, mount)),
        },
        {
            **dict.fromkeys(heard, lambda event, why, _: restore_apply.give_up(event, why, needs)),
            e.VolumesMountRequested: lambda event, why, _: volumes_mount.give_up(event, why, mount),
        },
    )


def finalize_restore(has: Needs) -> Row:
    """Restores end, and what they leave in the cluster goes."""
    patience = _seconds(has.settings.ready_timeout_seconds)
    needs = restore_finalize.FinalizeRestoreNeeds(
        has.destinations, has.cluster, patience, has.now, has.settings.helper_image
    )
    clear = restore_clear.ClearNeeds(
        has.destinations, has.cluster, has.now, _seconds(has.settings.undeploy_timeout_seconds)
    )
    return Row(
        {
            e.RestoreApplied: _at_work(has, lambda event, _: restore_finalize.finalize(event, needs)),
            **dict.fromkeys(topology.RESTORE_ENDS, lambda event, _: restore_clear.clear(event, clear)),
        },
        {e.RestoreApplied: _fail_job(has)},
    )


def notify_receivers(has: Needs) -> Row:
    """Receivers are told what has happened, and digests are sent."""
    needs = notify.NotifyNeeds(has.destinations, has.notification_targets, has.send_news, has.log_news, has.now)
    news = (*e.NEWS, *e.BEGINNINGS)
    return Row(
        {
            **dict.fromkeys(news, lambda event, _: notify.notify(event, needs)),
            e.TickMinute: lambda event, _: notify.tick(event, needs),
        },
        dict.fromkeys(news, lambda event, why, _: notify.give_up(event, why, needs)),
    )


def maintain_repository(has: Needs) -> Row:
    """Backups are deleted, verified and copied, space is reclaimed."""
    needs = maintain.MaintainNeeds(has.destinations, has.background)
    reading = verify.VerifyNeeds(has.destinations, has.background)
    copying = backup_copy.CopyBackupNeeds(has.destinations, has.now, has.settings.slice_length, has.background)
    steps: dict[type[e.Event], Step] = {
        e.BackupDeleteRequested: lambda event, _: maintain.delete(event, needs),
        e.RepositoryPruneRequested: lambda event, via: maintain.prune(event, via.sender, needs),
        e.BackupVerifyRequested: lambda event, via: verify.verify(event, via.sender, reading),
        e.BackupCopyRequested: lambda event, via: backup_copy.copy(event, via.sender, copying),
    }
    refusals: dict[type[e.Event], GiveUp] = {
        e.BackupDeleteRequested: lambda event, why, _: maintain.not_deleted(event, why, needs),
        e.RepositoryPruneRequested: lambda event, why, _: maintain.not_pruned(event, why, needs),
        e.BackupVerifyRequested: lambda event, why, _: verify.give_up(event, why, reading),
        e.BackupCopyRequested: lambda event, why, _: backup_copy.refuse(event, why, copying),
    }
    failures: dict[type[e.Event], GiveUp] = {
        **refusals,
        e.BackupCopyRequested: lambda event, why, _: backup_copy.give_up(event, why, copying),
    }
    return Row({kind: _allowed(has, step, refusals[kind]) for kind, step in steps.items()}, failures)


def watch(has: Needs) -> Row:
    """Jobs that stand still are nudged."""
    patience = _seconds(has.settings.stall_after_seconds)
    needs = watchdog.WatchdogNeeds(has.destinations, patience, has.now, has.queue_state)
    return Row(
        lambda event, _: watchdog.tick(event, needs),
        lambda *_: iter(()),  # the next tick looks again
        correlate=lambda event: watchdog.request_of(event, needs),
        patience=timedelta(0),
    )


def expire(has: Needs) -> Row:
    """What has expired is asked to be deleted."""
    namespace, every = has.settings.console_namespace, _seconds(has.settings.retention_seconds)
    needs = retention.RetentionNeeds(has.destinations, has.cluster, namespace, every, has.now, has.finals)
    return Row(
        lambda event, _: retention.tick(event, needs),
        lambda *_: iter(()),  # the next tick looks again
        patience=timedelta(0),
    )


def look_for_alarms(has: Needs) -> Row:
    """What is wrong although no job says so is told."""
    settings = has.settings
    needs = alarms.AlarmNeeds(
        destinations=has.destinations,
        cluster=has.cluster,
        console_namespace=settings.console_namespace,
        trusted=has.trusted_keys() if settings.license_keys is not None else None,
        queues=[*topology.QUEUES, *has.rights.node_queues],
        states=has.sure_states,
        room=has.room,
        remembered=has.remembered_backups,
        now=has.now,
    )
    return Row(
        lambda event, _: alarms.tick(event, needs),
        lambda *_: iter(()),  # the next tick looks again
        patience=timedelta(0),
    )


TABLE: Mapping[str, Callable[[Needs], Row]] = {
    "license.gate": gate,
    "manifest.capture": capture,
    "backup.finalize": finalize_backup,
    "restore.prepare": prepare_restore,
    "restore.apply": apply_restore,
    "restore.finalize": finalize_restore,
    "notify": notify_receivers,
    "repository.maintain": maintain_repository,
    "watchdog": watch,
    "retention": expire,
    "alarms": look_for_alarms,
}
"""The queues of the line; every `volumes.<node>` has the row `volumes`."""


def row(queue: topology.Queue, has: Needs) -> Row:
    """The queue's part of the table, with its adapters made. Raises what making them raises."""
    return (volumes if queue.node else TABLE[queue.name])(has)


def _allowed(has: Needs, step: Step, refuse: GiveUp) -> Step:
    """The step, for senders who may ask for it; others are refused."""

    def asked(event: Event, via: Delivery) -> Iterator[e.Event]:
        reason = has.rights.refusal(via.sender, event.data)
        return step(event, via) if reason is None else refuse(event, reason, via)

    return asked


def _at_work(
    has: Needs, step: Callable[Concatenate[Event, P], Iterator[e.Event]]
) -> Callable[Concatenate[Event, P], Iterator[e.Event]]:
    """What a step of a restore, or of its safety snapshot, does outside of the store, or what is done if it fails for
    good: nobody clears up behind it meanwhile. Other backups have nobody who would."""

    def work(event: Event, /, *more: P.args, **named: P.kwargs) -> Iterator[e.Event]:
        about: e.JobEvent = event.data
        restore = about.job if about.job.kind == "restore" else snapshot_of(about.job)
        store = has.destinations.store(about.destination)
        done = progress.unless_settled(store, about.job, has.now, step(event, *more, **named))
        if restore is None:
            yield from done
        else:
            yield from at_work.working(store, restore, has.queueing.new_run(), done)

    return work


def _patient(
    has: Needs, step: Callable[[Event, Delivery], Iterator[e.Event]]
) -> Callable[[Event, Delivery], Iterator[e.Event]]:
    """A step that waits for the cluster: after an outage, its waits begin anew."""

    def work(event: Event, via: Delivery) -> Iterator[e.Event]:
        about: e.JobEvent = event.data
        if has.patience.failing(via) >= outages.OUTAGE:
            outages.begin_anew(has.destinations.store(about.destination), about.job, has.now())
        yield from step(event, via)

    return _at_work(has, work)


def _fail_job(has: Needs) -> GiveUp:
    """A job whose step fails for good has failed; one that was deleted meanwhile does not come back as a failed one."""

    def fail(event: e.CloudEvent[Any], reason: Message, _: Delivery) -> Iterator[e.Event]:
        about: e.JobEvent = event.data
        store = has.destinations.store(about.destination)
        if not ledger.deleted(store, about.job):
            yield endings.fail(store, about.job, has.now(), reason)

    return fail


def _seconds(number: float) -> timedelta:
    return timedelta(seconds=number)

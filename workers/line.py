"""The line as a literal table: queue -> {event type: step}, and what is called if a step fails for good."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, TypeVar, cast

import structlog

from schemas import events as e
from schemas import topology
from schemas.messages import Message
from workers.adapters.notifiers import webhook
from workers.adapters.volume_files import KubeletVolumes
from workers.deliveries import Delivery
from workers.jobs import endings
from workers.jobs.locks import Locks
from workers.jobs.slicing import Slicing
from workers.needs import Needs, now
from workers.receive import GiveUp, Row, Step
from workers.steps import (
    backup_finalize,
    license_gate,
    maintain,
    manifest_capture,
    notify,
    restore_apply,
    restore_finalize,
    restore_prepare,
    volumes_copy,
    volumes_restore,
    watchdog,
)

K = TypeVar("K", bound=e.Event)


def _gate(needs: Needs) -> Row:
    gate = license_gate.GateNeeds(
        needs.destinations, needs.cluster, needs.settings.console_namespace, needs.trusted_keys, now
    )
    return Row(
        steps=dict(
            [
                on(e.BackupRequested, lambda event, via: license_gate.backup_requested(event, via.sender, gate)),
                on(e.RestoreRequested, lambda event, via: license_gate.restore_requested(event, via.sender, gate)),
            ]
        ),
        give_up=dict(
            [
                failing(e.BackupRequested, license_gate.refuse_backup),
                failing(e.RestoreRequested, license_gate.refuse_restore),
            ]
        ),
    )


def _capture(needs: Needs) -> Row:
    capture = manifest_capture.CaptureNeeds(needs.destinations, needs.cluster, needs.settings.console_namespace, now)
    return _one((e.BackupLicensed,), lambda event: manifest_capture.capture(event, capture), needs)


def _volumes(needs: Needs) -> Row:
    settings, locks = needs.settings, Locks()
    files = KubeletVolumes(settings.kubelet_pods)
    slicing = Slicing(settings.slice_length, needs.stop.is_set, needs.cancellations)
    copying = volumes_copy.CopyNeeds(needs.destinations, files, slicing, locks, now)
    restoring = volumes_restore.RestoreNeeds(needs.destinations, files, slicing, locks, now)
    return Row(
        steps=dict(
            [
                on(e.VolumesCopyRequested, lambda event, _: volumes_copy.copy(event, copying)),
                on(e.VolumesRestoreRequested, lambda event, _: volumes_restore.restore(event, restoring)),
            ]
        ),
        give_up=dict(
            [
                failing(e.VolumesCopyRequested, lambda event, why: volumes_copy.give_up(event, why, copying)),
                failing(e.VolumesRestoreRequested, lambda event, why: volumes_restore.give_up(event, why, restoring)),
            ]
        ),
    )


def _finalize_backup(needs: Needs) -> Row:
    finalize = backup_finalize.FinalizeBackupNeeds(needs.destinations, now)
    heard = (e.BackupPlanned, e.VolumesCopied, e.VolumesCopyFailed)
    return _one(heard, lambda event: backup_finalize.finalize(event, finalize), needs)


def _prepare(needs: Needs) -> Row:
    prepare = restore_prepare.PrepareNeeds(
        needs.destinations,
        needs.cluster,
        needs.settings.console_namespace,
        _seconds(needs.settings.undeploy_timeout_seconds),
        now,
    )
    return _one((e.RestoreLicensed,), lambda event: restore_prepare.prepare(event, prepare), needs)


def _apply(needs: Needs) -> Row:
    apply = restore_apply.ApplyNeeds(
        needs.destinations,
        needs.cluster,
        needs.settings.helper_image,
        _seconds(needs.settings.ready_timeout_seconds),
        _seconds(needs.settings.volume_wait_seconds),
        now,
    )
    heard = (e.RestorePrepared, e.VolumesRestored, e.VolumesRestoreFailed)
    return _one(heard, lambda event: restore_apply.apply(event, apply), needs)


def _finalize_restore(needs: Needs) -> Row:
    finalize = restore_finalize.FinalizeRestoreNeeds(
        needs.destinations, needs.cluster, _seconds(needs.settings.ready_timeout_seconds), now
    )
    return _one((e.RestoreApplied,), lambda event: restore_finalize.finalize(event, finalize), needs)


def _notify(needs: Needs) -> Row:
    secret = needs.settings.webhook_secret.get_secret_value()
    urls = [url.strip() for url in needs.settings.webhook_urls.split(",") if url.strip()]
    log = structlog.get_logger("notify")

    def post(url: str, body: bytes, event_id: str) -> None:
        webhook.post(url, body, secret=secret, event_id=event_id)

    receivers = notify.NotifyNeeds(needs.destinations, urls, post, lambda line: log.info("notification", news=line))
    return Row(
        steps=dict(on(kind, lambda event, _: notify.notify(event, receivers)) for kind in e.FINAL),
        give_up=dict(failing(kind, lambda event, why: notify.give_up(event, why, receivers)) for kind in e.FINAL),
    )


def _maintain(needs: Needs) -> Row:
    upkeep = maintain.MaintainNeeds(needs.destinations)
    watch = watchdog.WatchdogNeeds(needs.destinations, _seconds(needs.settings.stall_after_seconds), now)
    return Row(
        steps=dict(
            [
                on(e.BackupDeleteRequested, lambda event, _: maintain.delete(event, upkeep)),
                on(e.RepositoryPruneRequested, lambda event, _: maintain.prune(event, upkeep)),
                on(e.BackupVerifyRequested, lambda event, _: maintain.verify(event, upkeep)),
                on(e.TickMinute, lambda event, _: watchdog.tick(event, watch)),
            ]
        ),
        give_up=dict(
            [
                failing(e.BackupDeleteRequested, maintain.not_deleted),
                failing(e.BackupVerifyRequested, maintain.not_verified),
            ]
        ),
    )


TABLE: Mapping[str, Callable[[Needs], Row]] = {
    "license.gate": _gate,
    "manifest.capture": _capture,
    "backup.finalize": _finalize_backup,
    "restore.prepare": _prepare,
    "restore.apply": _apply,
    "restore.finalize": _finalize_restore,
    "notify": _notify,
    "repository.maintain": _maintain,
}
"""The queues of the line; every `volumes.<node>` has the row `_volumes`."""


def row(queue: topology.Queue, needs: Needs) -> Row:
    """The queue's part of the table, with its adapters connected. Raises what connecting raises."""
    return (_volumes if queue.node else TABLE[queue.name])(needs)


def on(kind: type[K], step: Callable[[e.CloudEvent[K], Delivery], Iterator[e.Event]]) -> tuple[type[e.Event], Step]:
    """An entry of `Row.steps`: the event's type is checked once, by the reader of the message."""
    return kind, lambda delivery: step(cast(e.CloudEvent[K], delivery.event), delivery)


def failing(
    kind: type[K], give_up: Callable[[e.CloudEvent[K], Message], Iterator[e.Event]]
) -> tuple[type[e.Event], GiveUp]:
    """An entry of `Row.give_up`."""
    return kind, lambda event, reason: give_up(cast(e.CloudEvent[K], event), reason)


def _one(heard: tuple[type[e.Event], ...], step: Callable[[Any], Iterator[e.Event]], needs: Needs) -> Row:
    """One step for all that the queue hears; a job whose step fails for good has failed."""
    return Row(
        steps={kind: lambda delivery: step(delivery.event) for kind in heard},
        give_up={kind: lambda event, reason: _fail_job(event, reason, needs) for kind in heard},
    )


def _fail_job(event: e.CloudEvent[Any], reason: Message, needs: Needs) -> Iterator[e.Event]:
    about: e.JobEvent = event.data
    yield endings.fail(needs.destinations.store(about.destination), about.job, now(), reason)


def _seconds(number: float) -> timedelta:
    return timedelta(seconds=number)

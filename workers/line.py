"""The line as a literal table: queue -> {event type: step}, and what is called if a step fails for good."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TypeVar, cast

import structlog

from schemas import events as e
from schemas import topology
from workers.adapters.notifiers import webhook
from workers.adapters.volume_files import KubeletVolumes
from workers.deliveries import Delivery
from workers.needs import Needs, now
from workers.receive import GiveUp, Row, Step
from workers.steps import (
    backup_finalize,
    endings,
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
from workers.steps.slicing import Slicing, Turns

K = TypeVar("K", bound=e.Event)


def _gate(needs: Needs) -> Row:
    gate = license_gate.Gate(needs.store, needs.cluster, needs.settings.console_namespace, needs.trusted_keys, now)
    return Row(
        steps=dict(
            [
                on(e.BackupRequested, lambda event, via: license_gate.backup_requested(event, gate, via.sender)),
                on(e.RestoreRequested, lambda event, via: license_gate.restore_requested(event, gate, via.sender)),
            ]
        ),
        give_up=dict(
            [
                failing(e.BackupRequested, lambda event, why: license_gate.refuse_backup(event, why)),
                failing(e.RestoreRequested, lambda event, why: license_gate.refuse_restore(event, why)),
            ]
        ),
    )


def _capture(needs: Needs) -> Row:
    capturing = manifest_capture.Capture(
        needs.store, needs.cluster, needs.repository, needs.settings.console_namespace, now
    )
    return Row(
        steps=dict([on(e.BackupLicensed, lambda event, _: manifest_capture.capture(event, capturing))]),
        give_up=dict([failing(e.BackupLicensed, lambda event, why: _fail_backup(needs, event.data.backup, why))]),
    )


def _volumes(needs: Needs) -> Row:
    settings, turns = needs.settings, Turns()
    files = KubeletVolumes(settings.kubelet_pods)
    slicing = Slicing(settings.slice_length, needs.stop.is_set, needs.cancellations)
    copying = volumes_copy.Copying(needs.store, needs.repository, files, slicing, turns, now)
    restoring = volumes_restore.Restoring(needs.store, needs.repository, files, slicing, turns, now)
    return Row(
        steps=dict(
            [
                on(e.VolumesCopyRequested, lambda event, _: volumes_copy.copy(event, copying)),
                on(e.VolumesRestoreRequested, lambda event, _: volumes_restore.restore(event, restoring)),
            ]
        ),
        give_up=dict(
            [
                failing(
                    e.VolumesCopyRequested,
                    lambda event, why: volumes_copy.fail(needs.store, event.data, why, now()),
                ),
                failing(
                    e.VolumesRestoreRequested,
                    lambda event, why: volumes_restore.fail(
                        needs.store, event.data.restore, event.data.unit, why, now()
                    ),
                ),
            ]
        ),
    )


def _finalize_backup(needs: Needs) -> Row:
    heard: tuple[type[backup_finalize.Heard], ...] = (e.BackupPlanned, e.VolumesCopied, e.VolumesCopyFailed)
    return Row(
        steps=dict(on(kind, lambda event, _: backup_finalize.finalize(event, needs.store, now)) for kind in heard),
        give_up=dict(failing(kind, lambda event, why: _fail_backup(needs, event.data.backup, why)) for kind in heard),
    )


def _prepare(needs: Needs) -> Row:
    preparing = restore_prepare.Preparing(
        needs.store,
        needs.repository,
        needs.cluster,
        needs.settings.console_namespace,
        _seconds(needs.settings.undeploy_timeout_seconds),
        now,
    )
    return Row(
        steps=dict([on(e.RestoreLicensed, lambda event, _: restore_prepare.prepare(event, preparing))]),
        give_up=dict([failing(e.RestoreLicensed, lambda event, why: _fail_restore(needs, event.data.restore, why))]),
    )


def _apply(needs: Needs) -> Row:
    applying = restore_apply.Applying(
        needs.store,
        needs.repository,
        needs.cluster,
        needs.settings.helper_image,
        _seconds(needs.settings.ready_timeout_seconds),
        _seconds(needs.settings.volume_wait_seconds),
        now,
    )
    heard: tuple[type[restore_apply.Heard], ...] = (e.RestorePrepared, e.VolumesRestored, e.VolumesRestoreFailed)
    return Row(
        steps=dict(on(kind, lambda event, _: restore_apply.apply(event, applying)) for kind in heard),
        give_up=dict(failing(kind, lambda event, why: _fail_restore(needs, event.data.restore, why)) for kind in heard),
    )


def _finalize_restore(needs: Needs) -> Row:
    finalizing = restore_finalize.Finalizing(
        needs.store, needs.repository, needs.cluster, _seconds(needs.settings.ready_timeout_seconds), now
    )
    return Row(
        steps=dict([on(e.RestoreApplied, lambda event, _: restore_finalize.finalize(event, finalizing))]),
        give_up=dict([failing(e.RestoreApplied, lambda event, why: _fail_restore(needs, event.data.restore, why))]),
    )


def _notify(needs: Needs) -> Row:
    secret = needs.settings.webhook_secret.get_secret_value()
    urls = [url.strip() for url in needs.settings.webhook_urls.split(",") if url.strip()]
    log = structlog.get_logger("notify")

    def post(url: str, body: bytes, event_id: str) -> None:
        webhook.post(url, body, secret=secret, event_id=event_id)

    notifying = notify.Notifying(needs.store, urls, post, lambda line: log.info("notification", news=line))
    return Row(
        steps=dict(on(kind, lambda event, _: notify.notify(event, notifying)) for kind in e.FINAL),
        give_up=dict(failing(kind, lambda event, why: notify.give_up(event, why, notifying)) for kind in e.FINAL),
    )


def _maintain(needs: Needs) -> Row:
    watch = watchdog.Watch(needs.store, _seconds(needs.settings.stall_after_seconds), now)
    return Row(
        steps=dict(
            [
                on(e.BackupDeleteRequested, lambda event, _: maintain.delete(event, needs.store, needs.repository)),
                on(e.RepositoryPruneRequested, lambda event, _: maintain.prune(event, needs.store, needs.repository)),
                on(e.BackupVerifyRequested, lambda event, _: maintain.verify(event, needs.store, needs.repository)),
                on(e.TickMinute, lambda event, _: watchdog.tick(event, watch)),
            ]
        ),
        give_up=dict(
            [
                failing(e.BackupDeleteRequested, lambda event, why: maintain.not_deleted(event, why)),
                failing(e.BackupVerifyRequested, lambda event, why: maintain.not_verified(event, why)),
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
    kind: type[K], give_up: Callable[[e.CloudEvent[K], str], Iterator[e.Event]]
) -> tuple[type[e.Event], GiveUp]:
    """An entry of `Row.give_up`."""
    return kind, lambda event, reason: give_up(cast(e.CloudEvent[K], event), reason)


def _seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def _fail_backup(needs: Needs, name: str, reason: str) -> Iterator[e.Event]:
    yield endings.stop_backup(needs.store, name, now(), reason)


def _fail_restore(needs: Needs, name: str, reason: str) -> Iterator[e.Event]:
    yield endings.stop_restore(needs.store, name, now(), reason)

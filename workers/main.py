"""The composition root: settings -> adapters -> a literal table queue -> {event type: step}.

    python -m workers.main QUEUE

Exit codes: 0 stopped by a signal, 1 a fault (restart it), 2 wrong settings or queue name.
"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from os import environ
from typing import TypeVar, cast

import structlog

from schemas import events as e
from schemas import license, topology
from schemas.destination import Destination
from schemas.errors import Invalid, SnaplineError
from schemas.settings import Settings, from_environment
from workers.adapters import broker, configured, logs
from workers.adapters.cancel_broadcasts import CancelBroadcasts
from workers.adapters.notifiers import webhook
from workers.adapters.volume_files import KubeletVolumes
from workers.deliveries import Delivery
from workers.ports import Cancellations, Cluster, ObjectStore, Repository
from workers.receive import GiveUp, Row, Step, Tell, handler
from workers.repository import open_repository
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


def now() -> datetime:
    """The clock, UTC."""
    return datetime.now(UTC)


class World:
    """The adapters of one process, made from its settings when first asked for."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        self.settings = settings
        self.stop = stop

    @cached_property
    def cluster(self) -> Cluster:
        """The Kubernetes API."""
        return configured.cluster(self.settings)

    @cached_property
    def destination(self) -> Destination:
        """Where backups go."""
        return configured.destination(self.settings, lambda: self.cluster)

    @cached_property
    def store(self) -> ObjectStore:
        """The destination's bucket."""
        return configured.store(self.destination)

    @cached_property
    def repository(self) -> Repository:
        """The destination's volume repository."""
        return open_repository(
            self.store,
            self.destination.passphrase.get_secret_value(),
            cache=configured.index_cache(self.settings),
            level=self.settings.compression_level,
        )

    @cached_property
    def cancellations(self) -> Cancellations:
        """The cancel broadcasts."""
        return CancelBroadcasts(self.settings.amqp_url.get_secret_value(), self.stop)

    @cached_property
    def trusted_keys(self) -> Mapping[str, bytes]:
        """The license keys in the configured folder."""
        folder = self.settings.license_keys
        if folder is None:
            raise Invalid("SNAPLINE_LICENSE_KEYS is not set; give the folder of the trusted `<key id>.pem` files")
        try:
            return license.load_trusted_keys({file.name: file.read_bytes() for file in sorted(folder.glob("*.pem"))})
        except OSError as error:
            raise Invalid(f"could not read the license keys in {folder}: {error}") from error


# --- the table


def _gate(world: World) -> Row:
    gate = license_gate.Gate(world.store, world.cluster, world.settings.console_namespace, world.trusted_keys, now)
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


def _capture(world: World) -> Row:
    capturing = manifest_capture.Capture(
        world.store, world.cluster, world.repository, world.settings.console_namespace, now
    )
    return Row(
        steps=dict([on(e.BackupLicensed, lambda event, _: manifest_capture.capture(event, capturing))]),
        give_up=dict([failing(e.BackupLicensed, lambda event, why: _fail_backup(world, event.data.backup, why))]),
    )


def _volumes(world: World) -> Row:
    settings, turns = world.settings, Turns()
    files = KubeletVolumes(settings.kubelet_pods)
    slicing = Slicing(settings.slice_length, world.stop.is_set, world.cancellations)
    copying = volumes_copy.Copying(world.store, world.repository, files, slicing, turns, now)
    restoring = volumes_restore.Restoring(world.store, world.repository, files, slicing, turns, now)
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
                    lambda event, why: volumes_copy.fail(world.store, event.data, why, now()),
                ),
                failing(
                    e.VolumesRestoreRequested,
                    lambda event, why: volumes_restore.fail(
                        world.store, event.data.restore, event.data.unit, why, now()
                    ),
                ),
            ]
        ),
    )


def _finalize_backup(world: World) -> Row:
    heard: tuple[type[backup_finalize.Heard], ...] = (e.BackupPlanned, e.VolumesCopied, e.VolumesCopyFailed)
    return Row(
        steps=dict(on(kind, lambda event, _: backup_finalize.finalize(event, world.store, now)) for kind in heard),
        give_up=dict(failing(kind, lambda event, why: _fail_backup(world, event.data.backup, why)) for kind in heard),
    )


def _prepare(world: World) -> Row:
    preparing = restore_prepare.Preparing(
        world.store,
        world.repository,
        world.cluster,
        world.settings.console_namespace,
        _seconds(world.settings.undeploy_timeout_seconds),
        now,
    )
    return Row(
        steps=dict([on(e.RestoreLicensed, lambda event, _: restore_prepare.prepare(event, preparing))]),
        give_up=dict([failing(e.RestoreLicensed, lambda event, why: _fail_restore(world, event.data.restore, why))]),
    )


def _apply(world: World) -> Row:
    applying = restore_apply.Applying(
        world.store,
        world.repository,
        world.cluster,
        world.settings.helper_image,
        _seconds(world.settings.ready_timeout_seconds),
        _seconds(world.settings.volume_wait_seconds),
        now,
    )
    heard: tuple[type[restore_apply.Heard], ...] = (e.RestorePrepared, e.VolumesRestored, e.VolumesRestoreFailed)
    return Row(
        steps=dict(on(kind, lambda event, _: restore_apply.apply(event, applying)) for kind in heard),
        give_up=dict(failing(kind, lambda event, why: _fail_restore(world, event.data.restore, why)) for kind in heard),
    )


def _finalize_restore(world: World) -> Row:
    finalizing = restore_finalize.Finalizing(
        world.store, world.repository, world.cluster, _seconds(world.settings.ready_timeout_seconds), now
    )
    return Row(
        steps=dict([on(e.RestoreApplied, lambda event, _: restore_finalize.finalize(event, finalizing))]),
        give_up=dict([failing(e.RestoreApplied, lambda event, why: _fail_restore(world, event.data.restore, why))]),
    )


def _notify(world: World) -> Row:
    secret = world.settings.webhook_secret.get_secret_value()
    urls = [url.strip() for url in world.settings.webhook_urls.split(",") if url.strip()]
    log = structlog.get_logger("notify")

    def post(url: str, body: bytes, event_id: str) -> None:
        webhook.post(url, body, secret=secret, event_id=event_id)

    notifying = notify.Notifying(world.store, urls, post, lambda line: log.info("notification", news=line))
    return Row(
        steps=dict(on(kind, lambda event, _: notify.notify(event, notifying)) for kind in e.FINAL),
        give_up=dict(failing(kind, lambda event, why: notify.give_up(event, why, notifying)) for kind in e.FINAL),
    )


def _maintain(world: World) -> Row:
    watch = watchdog.Watch(world.store, _seconds(world.settings.stall_after_seconds), now)
    return Row(
        steps=dict(
            [
                on(e.BackupDeleteRequested, lambda event, _: maintain.delete(event, world.store, world.repository)),
                on(e.RepositoryPruneRequested, lambda event, _: maintain.prune(event, world.store, world.repository)),
                on(e.BackupVerifyRequested, lambda event, _: maintain.verify(event, world.store, world.repository)),
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


TABLE: Mapping[str, Callable[[World], Row]] = {
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


def row(queue: topology.Queue, world: World) -> Row:
    """The queue's part of the table, with its adapters connected. Raises what connecting raises."""
    return (_volumes if queue.node else TABLE[queue.name])(world)


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


def _fail_backup(world: World, name: str, reason: str) -> Iterator[e.Event]:
    yield endings.stop_backup(world.store, name, now(), reason)


def _fail_restore(world: World, name: str, reason: str) -> Iterator[e.Event]:
    yield endings.stop_restore(world.store, name, now(), reason)


# --- the process


def work(
    queue: topology.Queue,
    world: World,
    tell: Tell | None = None,
    change: Callable[[Row], Row] = lambda row: row,
) -> None:
    """Serves `queue` until the world stops. `tell` stands in for the publisher; `change` wraps the steps."""
    url = world.settings.amqp_url.get_secret_value()
    publisher = broker.Publisher(url, f"snapline/{queue.name}")
    broker.serve(
        url,
        queue,
        handler(queue.name, change(row(queue, world)), tell or publisher.publish),
        stop=world.stop,
        trusted=frozenset(user.strip() for user in world.settings.trusted_users.split(",") if user.strip()),
        health_port=world.settings.health_port,
    )
    publisher.close()


def stop_on_signals() -> threading.Event:
    """Set by SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def start(name: str) -> tuple[topology.Queue, World]:
    """Queue and world for this process, with logging configured. Raises Invalid."""
    settings = from_environment(environ)
    logs.configure(secrets=settings.secrets())
    try:
        return topology.queue(name), World(settings, stop_on_signals())
    except KeyError as error:
        raise Invalid(str(error.args[0])) from error


def main(arguments: list[str]) -> int:
    """Runs one worker; the exit code."""
    try:
        [name] = arguments
        queue, world = start(name)
        work(queue, world)
    except ValueError:
        sys.stderr.write(__doc__ or "")
        return 2
    except SnaplineError as error:
        sys.stderr.write(f"snapline worker: {error}\n")
        return 2 if isinstance(error, Invalid) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A front's session over twins: everything that an action or a view needs, and nothing of the world."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from producers.bus import Bus
from producers.session import Session
from schemas import events as e
from schemas import keys, topology
from schemas.job import Job, asked_for, backup, request_uuid
from schemas.messages import Message
from schemas.records import BackupRecord, BackupRejection, BackupRequest, RestoreRejection, VolumeRecord
from schemas.settings import Settings
from tests.support.sealed import PASSPHRASE, sealed
from workers.adapters.broker import DeadLetter, Logged, Since, Start
from workers.adapters.twins.bus import MemoryBus
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger, rejections
from workers.ports import ObjectStore

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class TwinBus:
    """The producers' bus over the twin of the workers'. `listening` has the queues with a worker; what tells the audit
    trail is `audited`, and all else `published`."""

    def __init__(self) -> None:
        self.memory = MemoryBus()
        self.published: list[e.AnyEvent] = []
        self.audited: list[e.AnyEvent] = []
        self.cancelled: list[Job] = []
        self.listening: set[str] = set()
        self.signatures: dict[str, str] = {}
        self.closed = False

    def publish(self, event: e.AnyEvent, signature: str | None = None) -> None:
        if signature:
            self.signatures[event.id] = signature
        if isinstance(event.data, e.AuditRecorded):
            self.audited.append(event)
        else:
            self.published.append(event)
        self.memory.publish(event)

    def broadcast_cancel(self, job: Job) -> None:
        self.cancelled.append(job)

    def listeners(self, queue: str) -> int:
        return int(queue in self.listening)

    def read_log(
        self, since: Since, stop: Callable[[], bool] = lambda: False, idle: timedelta | None = None
    ) -> Iterator[Logged]:
        read = 0
        while not stop():
            entries = self.memory.read_log(since if isinstance(since, datetime) else "first")
            yield from entries[read:]
            read = len(entries)
            if idle is not None:
                return
            time.sleep(0.01)

    def log_slice(self, start: Start, most: int, until: int | None = None) -> list[Logged]:
        return self.memory.log_slice(start, most, until)

    def dead_letters(self, queue: str | None = None) -> list[DeadLetter]:
        queues = [queue] if queue else list(topology.QUEUES)
        return [letter for name in queues for letter in self.memory.dead_letters(name)]

    def count_dead_letters(self, queues: Sequence[str]) -> int:
        return self.memory.count_dead_letters(queues)

    def redrive(self, queue: str, ids: set[str] | None = None, bodies: Mapping[str, bytes] | None = None) -> int:
        return self.memory.redrive(queue, ids, bodies)

    def drop(self, queue: str, ids: set[str] | None = None) -> int:
        return self.memory.drop(queue, ids)

    def close(self) -> None:
        self.closed = True


class Front:
    """A session with twins at hand."""

    def __init__(
        self,
        tmp: Path,
        store: ObjectStore | None = None,
        *,
        bus: Bus | None = None,
        cluster: MemoryCluster | None = None,
        **settings: object,
    ) -> None:
        """`bus` is in place of the twin, which then nobody uses."""
        self.bus, self.cluster = TwinBus(), cluster or MemoryCluster()
        self.objects: ObjectStore = store or MemoryObjectStore()
        """What somebody sees of the store who has no passphrase."""
        self.store: ObjectStore = sealed(self.objects)
        made = Settings.model_validate(
            {
                "amqp_url": SecretStr("amqp://snapline:x@h/"),
                "directory": tmp,
                "passphrase": SecretStr(PASSPHRASE),
                "cache": tmp / "cache",
                **settings,
            }
        )
        self.session = Session(
            made, "tests", bus=bus or self.bus, cluster=self.cluster, open_store=lambda _destination: self.objects
        )

    def begin(self, name: str) -> None:
        """A backup that is under way."""
        ledger.begin(self.store, backup(name))
        ledger.create(self.store, keys.request(backup(name)), request(name))

    def finish(self, name: str, **fields: object) -> BackupRecord:
        """It ends."""
        record = BackupRecord.model_validate(
            {
                "name": name,
                "request": "q",
                "status": "Completed",
                "requested_at": NOON,
                "completed_at": NOON + timedelta(minutes=1),
                "volumes": [volume()],
                **fields,
            }
        )
        ledger.create(self.store, keys.final(backup(name)), record)
        self.store.delete(keys.running(backup(name)))
        return record

    def back_up(self, *names: str) -> None:
        """Finished backups, with all that the line leaves of them."""
        for name in names:
            self.begin(name)
            self.finish(name)


def request(name: str) -> BackupRequest:
    """What was asked of a backup."""
    return BackupRequest(name=name, request="q", event_id="e", requested_at=NOON)


def volume(volume_id: str = "v", claim: str | None = "data", namespace: str = "shop") -> VolumeRecord:
    """A copied volume."""
    return VolumeRecord(
        namespace=namespace,
        pod="db-0",
        name="data",
        kind="claim" if claim else "emptyDir",
        claim=claim,
        volume_id=volume_id,
        scanned_bytes=100,
        changed_bytes=50,
        uploaded_bytes=25,
        files=3,
    )


def reject_backup(front: Front, event_id: str, *reasons: Message) -> str:
    """A backup of an application that is not there is asked for, and refused; what it would have been called."""
    uuid = request_uuid("snapline", "tests", event_id)
    job = asked_for("backup", "nope", uuid)
    rejection = BackupRejection(
        name=job.name, request=uuid, event_id=event_id, rejected_at=NOON, app="nope", reasons=list(reasons)
    )
    rejections.create(front.store, job, rejection)
    return job.name


def reject_restore(front: Front, event_id: str, *reasons: Message) -> str:
    """A restore of a backup that is not there is asked for, and refused; what it would have been called."""
    uuid = request_uuid("snapline", "tests", event_id)
    job = asked_for("restore", "nope", uuid)
    rejection = RestoreRejection(
        name=job.name,
        request=uuid,
        event_id=event_id,
        rejected_at=NOON,
        backup="nope",
        scope="full",
        reasons=list(reasons),
    )
    rejections.create(front.store, job, rejection)
    return job.name

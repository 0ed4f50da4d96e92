"""Two destinations with keys of their own, backups in the first, and a process that copies them and may die."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from schemas import events as e
from schemas import keys
from schemas.errors import NotYet, PermanentError, TransientError
from schemas.job import backup
from schemas.messages import told
from schemas.records import BackupRecord, BackupRequest, HookOutput, VolumeRecord, encode
from tests.support.line import until
from tests.support.receiving import other_key_record
from tests.support.repositories import MANY_PACKS, Killed, WrappedStore
from tests.support.volumes import AT_ONCE, copy, key_record, volume_of
from workers.adapters.stores.sealed_records import SealedRecords
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import at_work, ledger
from workers.jobs.background import Background
from workers.ports import ObjectStore
from workers.repository import VolumeRepository
from workers.repository.format.ambient import Ambient
from workers.steps import backup_copy, maintain
from workers.steps.backup_copy import CopyBackupNeeds
from workers.steps.maintain import MaintainNeeds

NOW = datetime(2026, 11, 26, tzinfo=UTC)
WRITES = ("put", "create", "delete")
TREE_BY_TREE = replace(MANY_PACKS, batch_content=1)
"""A slice of some hundredths of a second takes a tree chunk or two."""


@dataclass
class Life:
    """A process dies at its write of the number `at`, before or after that is done; 0 is never."""

    at: int = 0
    done: bool = False
    writes: int = 0
    is_dead: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class Mortal(WrappedStore):
    """A store as one process sees it."""

    def __init__(self, store: ObjectStore, life: Life) -> None:
        super().__init__(store)
        self._life = life

    def before(self, operation: str, key: str, body: bytes | bytearray = b"") -> None:
        """See there."""
        life = self._life
        with life.lock:
            if life.is_dead:
                raise Killed
            if operation not in WRITES or not life.at:
                return
            life.writes += 1
            if life.writes < life.at:
                return
            life.is_dead = True
            if life.done and operation == "put":
                self.store.put(key, body)
            elif life.done and operation == "create":
                self.store.create(key, bytes(body))
            elif life.done:
                self.store.delete(key)
            raise Killed


class Places:
    """The destinations `default` and `nas`, with other keys each, and the time in both."""

    def __init__(self) -> None:
        self.now = NOW
        self.objects = {name: MemoryObjectStore(lambda: self.now) for name in ("default", "nas")}
        self.objects["default"].create("repository/keys/first", key_record()[0])
        self.objects["nas"].create("repository/keys/first", other_key_record()[0])

    def opened(self, life: Life | None = None) -> dict[str, tuple[ObjectStore, VolumeRepository]]:
        """As a process sees them."""
        ambient = Ambient(TREE_BY_TREE, AT_ONCE, lambda: self.now)
        known: dict[str, tuple[ObjectStore, VolumeRepository]] = {}
        for name, keys_of in (("default", key_record()[1]), ("nas", other_key_record()[1])):
            objects = Mortal(self.objects[name], life or Life())
            repository = VolumeRepository(objects, keys_of, ambient=ambient)
            known[name] = SealedRecords(objects, lambda repository=repository: repository), repository  # type: ignore[misc]
        return known

    def store(self, name: str) -> ObjectStore:
        """Its objects."""
        return self.opened()[name][0]

    def repository(self, name: str) -> VolumeRepository:
        """Its repository."""
        return self.opened()[name][1]

    def back_up(self, name: str, *roots: Path, **more: Any) -> BackupRecord:
        """A finished backup in `default`, of a volume for each root, with captured objects and the output of a hook."""
        store, repository = self.opened()["default"]
        job = backup(name)
        asked = BackupRequest(name=name, request=f"request of {name}", event_id="q", requested_at=self.now)
        ledger.create(store, keys.request(job), asked)
        manifest, output = keys.manifest(job, "digest"), keys.hook_output(job, "shop/db", "pre-0")
        store.create(manifest, repository.seal(f"objects of {name}".encode(), manifest))
        store.create(output, repository.seal(encode(HookOutput(command=["sync"], stdout=name)), output))
        record = BackupRecord(
            name=name,
            request=asked.request,
            status="Completed",
            requested_at=self.now,
            completed_at=self.now,
            manifest=manifest,
            volumes=[self._volume(repository, root) for root in roots],
        ).model_copy(update=more)
        return ledger.create(store, keys.final(job), record)

    def _volume(self, repository: VolumeRepository, root: Path) -> VolumeRecord:
        claim = root.name
        parent = ledger.find(self.store("default"), keys.parent(claim), VolumeRecord)
        copied = copy(repository, root, parent=parent.volume_id if parent else None)
        record = VolumeRecord(
            namespace="shop",
            pod="db",
            name=claim,
            kind="claim",
            claim=claim,
            volume_id=volume_of(copied),
            scanned_bytes=copied.scanned_bytes,
            changed_bytes=copied.changed_bytes,
            uploaded_bytes=copied.uploaded_bytes,
            files=copied.files,
        )
        ledger.put(self.store("default"), keys.parent(claim), record)
        return record


class Process:
    """A worker of repository.maintain, until it dies."""

    def __init__(self, places: Places, life: Life | None = None) -> None:
        self.places = places
        known = places.opened(life)
        self.known = known
        destinations = MemoryDestinations(known)
        background = Background(timedelta(seconds=60))
        self.copying = CopyBackupNeeds(destinations, lambda: places.now, timedelta(0), background)
        self.maintaining = MaintainNeeds(destinations, background, moment=timedelta(0))
        self.progress: list[e.UpkeepProgressed] = []

    def hear(self, event: e.Event, id_: str = "x") -> list[e.Event] | None:
        """What is told in the end; None if the message is to come again. Raises what is to be tried again."""
        wrapped: Any = e.wrap(event, id=id_, source="tests", time=NOW)
        copying = isinstance(event, e.BackupCopyRequested)
        said: list[e.Event] = []
        try:
            copies = backup_copy.copy(wrapped, "me", self.copying)
            for each in copies if copying else maintain.delete(wrapped, self.maintaining):
                (self.progress if isinstance(each, e.UpkeepProgressed) else said).append(each)  # type: ignore[arg-type]
        except NotYet:
            return None
        except PermanentError as error:
            assert copying
            return list(backup_copy.give_up(wrapped, told(error), self.copying))
        return said

    def ends(self, event: e.Event, id_: str = "x") -> e.Event:
        """The one answer to a request."""
        said: list[e.Event] = []

        def ended() -> bool:
            try:
                said.extend(self.hear(event, id_) or [])
            except TransientError:
                return False
            return bool(said)

        until(ended, "it ends")
        [answer] = said
        return answer

    def copy(self, name: str, to: str = "nas", **more: Any) -> e.Event:
        """The answer to the request for a copy."""
        return self.ends(e.BackupCopyRequested(backup=name, to=to, **more), f"copy {name}")


def lives_until_it_ends(places: Places, act: Callable[[Process], e.Event], *, done: bool) -> tuple[e.Event, int]:
    """Processes that die at their first, second, third ... write, one after the other, until one of them has the
    answer; and how many have died. Their leases run out."""
    for at in range(1, 10_000):
        try:
            return act(Process(places, Life(at, done))), at - 1
        except Killed:
            places.now += at_work.SILENCE + timedelta(seconds=1)
    raise AssertionError("it never ends")

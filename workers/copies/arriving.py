"""A backup on its way from one destination into another: volume by volume, slice by slice, its record last."""

import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import keys
from schemas.errors import Damaged, TransientError
from schemas.job import Job, backup
from schemas.records import BackupRecord, BackupRequest, Incoming, Parent, VolumeRecord
from workers.jobs import ledger
from workers.ports import ObjectStore, Progress, Repository, Say


@dataclass(frozen=True)
class Place:
    """A destination, opened."""

    name: str
    store: ObjectStore
    repository: Repository


@dataclass(frozen=True)
class Moment:
    """The clock, how long a slice lasts, and an id that no other run has."""

    now: Callable[[], datetime]
    slice: timedelta
    run: str


class Arrival:
    """One run of it. Safe to kill, and to run again: what has come is not moved twice."""

    def __init__(self, source: Place, target: Place, record: BackupRecord, moment: Moment) -> None:
        self._source, self._target, self._record, self._moment = source, target, record, moment
        self._job: Job = backup(record.name)
        self._key = keys.incoming(self._job)

    def bring(self, say: Say) -> None:
        """Returns when the backup is in the target. Raises NotFound and Damaged for what cannot be read in the source,
        and TransientError where another run has taken over."""
        state = self._begin()
        for number, volume in enumerate(self._record.volumes[len(state.volumes) :], len(state.volumes)):
            state = self._volume(state, number, volume, say)
        self._bring_documents()
        self._keep(state)  # it still refers to all volumes, and no other run has taken over
        self._end(state)

    def _begin(self) -> Incoming:
        """What came before, if it was of the same backup; this run goes on with it."""
        fresh = Incoming(run=self._moment.run, request=self._record.request, source=self._source.name)
        standing = ledger.find(self._target.store, self._key, Incoming)
        if standing is not None and self._is_ours(standing):
            fresh = standing.model_copy(update={"run": self._moment.run})
        ledger.put(self._target.store, self._key, fresh)
        return fresh

    def _is_ours(self, standing: Incoming) -> bool:
        came = [volume.original for volume in standing.volumes]
        wanted = [volume.volume_id for volume in self._record.volumes[: len(came)]]
        return (standing.request, standing.source, came) == (self._record.request, self._source.name, wanted)

    def _keep(self, state: Incoming) -> Incoming:
        """Records how far it is, unless another run goes on with it."""
        standing = ledger.find(self._target.store, self._key, Incoming)
        if standing is None or standing.run != state.run:
            text = f"another process copies backup {self._record.name} to {self._target.name!r}"
            raise TransientError(text, subject=self._record.name)
        ledger.put(self._target.store, self._key, state)
        return state

    def _volume(self, state: Incoming, number: int, volume: VolumeRecord, say: Say) -> Incoming:
        try:
            return self._slices(state, number, volume, say)
        except Damaged as error:
            raise Damaged(f"volume {volume.key}: {error}", code=error.code, subject=volume.key) from error

    def _slices(self, state: Incoming, number: int, volume: VolumeRecord, say: Say) -> Incoming:
        like = ledger.find(self._target.store, self._parent(volume), Parent)
        while True:
            ends = time.monotonic() + self._moment.slice.total_seconds()
            reached = self._target.repository.receive(
                volume.volume_id,
                self._source.repository,
                like=(like.original, like.volume_id) if like and like.original else None,
                checkpoint=b64decode(state.checkpoint) if state.checkpoint else None,
                binding=f"{self._key} {number} {volume.volume_id}",
                stop=lambda ends=ends: time.monotonic() >= ends,  # type: ignore[misc]
                progress=self._of_all(number, say),
            )
            if reached.volume is None:
                checkpoint = b64encode(reached.checkpoint or b"").decode()
                state = self._keep(state.model_copy(update={"checkpoint": checkpoint}))
                continue
            received = volume.model_copy(
                update={
                    "volume_id": reached.volume,
                    "original": volume.volume_id,
                    "changed_bytes": reached.read_bytes,
                    "uploaded_bytes": reached.uploaded_bytes,
                }
            )
            return self._keep(state.model_copy(update={"volumes": [*state.volumes, received], "checkpoint": None}))

    def _of_all(self, number: int, say: Say) -> Callable[[Progress], None]:
        """Tells how far one of the volumes is as how far all are."""
        sizes = [volume.scanned_bytes for volume in self._record.volumes]
        before, total = sum(sizes[:number]), sum(sizes)
        return lambda reached: say("copying bytes", min(total, before + reached.bytes_done), total)

    def _bring_documents(self) -> None:
        """What is sealed by itself: the captured objects, and what hooks said; and the request, by which a copy is
        known to have been made, and can be deleted."""
        source, target = self._source, self._target
        sealed = [found.key for found in source.store.list(keys.hook_outputs(self._job))]
        for key in [*sealed, *filter(None, [self._record.manifest])]:
            plain = source.repository.unseal(source.store.get(key), key)
            target.store.put(key, target.repository.seal(plain, key))
        asked = ledger.find(source.store, keys.request(self._job), BackupRequest) or self._asked()
        asked = asked.model_copy(update={"destination": target.name, "copy_to": [], "claims": []})
        ledger.create(target.store, keys.request(self._job), asked)

    def _asked(self) -> BackupRequest:
        record = self._record
        return BackupRequest(
            name=record.name,
            request=record.request,
            event_id=record.request,
            requested_at=record.requested_at,
            app=record.app,
            schedule=record.schedule,
            apps=record.apps,
        )

    def _end(self, state: Incoming) -> None:
        made = {
            "destination": self._target.name,
            "volumes": state.volumes,
            "copied_from": self._source.name,
            "copied_at": self._moment.now(),
        }
        store = self._target.store
        standing = ledger.create(store, keys.final(self._job), self._record.model_copy(update=made))
        if [volume.volume_id for volume in standing.volumes] == [volume.volume_id for volume in state.volumes]:
            for volume in state.volumes:
                parent = Parent(volume_id=volume.volume_id, original=volume.original)
                ledger.put(store, self._parent(volume), parent)
        store.delete(self._key)

    def _parent(self, volume: VolumeRecord) -> str:
        """Where the newest copy of the volume from that destination is remembered."""
        return keys.parent(f"copy/{self._source.name}/{volume.key}")

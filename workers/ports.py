"""All that a step knows of the world. Adapters fit these; twins in `adapters/twins/` do too."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from schemas.job import Job
from schemas.kubernetes import Discovery, Object, ResourceType
from schemas.messages import Message
from schemas.records import NO_CHANGES, Changes


@dataclass(frozen=True)
class StoredObject:
    """One key of an object store, as LIST reports it."""

    key: str
    size: int  # bytes
    modified: datetime  # UTC
    etag: str  # another one for other content under the key; else opaque
    locked_until: datetime | None = None  # UTC; what lists say of object lock and retention periods


@dataclass(frozen=True)
class QueueState:
    """How it is with a queue: its consumers, and the messages that wait for one of them."""

    consumers: int
    messages: int


class ObjectStore(Protocol):
    """A bucket (below one prefix). Keys use `/`; bodies are whole byte strings.

    Every method raises TransientError where trying again may help (`StoreCredentials` for what has expired), and Denied
    for bad credentials.
    """

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """The body, or `length` bytes from `start`. Raises NotFound."""
        ...

    def put(self, key: str, body: bytes | bytearray) -> None:
        """Writes, replacing what was there. Raises Locked."""
        ...

    def create(self, key: str, body: bytes) -> bool:
        """Writes if the key is free (If-None-Match). False, and no change, if it is taken."""
        ...

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """All keys that begin with `prefix`, each once, in no promised order. Sees every finished write."""
        ...

    def names(self, prefix: str) -> Iterator[str]:
        """What is directly below `prefix`, which is empty or ends with `/`: the names of objects, and those of
        directories with `/` at their end, each once, in no promised order. Reads nothing inside the directories. A
        directory whose objects are being made or removed at this moment may be among them."""
        ...

    def delete(self, key: str) -> None:
        """Removes; no error if it is gone already. Raises Locked where the store refuses because of a lock or a
        retention period. Where a store keeps what was deleted as an older version, that stays as long as it says."""
        ...


@dataclass(frozen=True)
class ExecResult:
    """What became of a command in a container. Output is text; bytes that are not UTF-8 have become U+FFFD."""

    exit_code: int | None
    """126: it could not be run, 127: it was not found, as in a shell; None: the deadline passed before it ended."""
    stdout: str = ""  # the last `limit` bytes
    stderr: str = ""
    stdout_cut: bool = False  # whether there was more before
    stderr_cut: bool = False


class Cluster(Protocol):
    """The Kubernetes API: names in, plain dicts out.

    Every method raises TransientError (unreachable, throttled, 5xx; `ClusterAway` if there is no answer or the
    credentials have expired, 401), Denied (403) and Invalid
    (the server refused the object: 400, 422, an admission webhook's denial).
    """

    def discover(self) -> Discovery:
        """What the server prefers, without subresources: one entry per kind. Always asks anew.
        An API group whose server is down is `unreadable`: a kind that is missing then may well be there."""
        ...

    def list(self, type_: ResourceType, namespace: str | None = None, selector: str | None = None) -> Iterator[Object]:
        """Objects of a kind, paged by 500; in all namespaces without `namespace`. `selector` is a
        Kubernetes label selector string. An unknown kind yields nothing."""
        ...

    def get(self, type_: ResourceType, namespace: str | None, name: str) -> Object:
        """One object. Raises NotFound."""
        ...

    def create(self, type_: ResourceType, obj: Object) -> Object:
        """Creates and returns the stored object. Raises AlreadyExists; NotFound without its namespace or kind."""
        ...

    def patch(
        self, type_: ResourceType, namespace: str | None, name: str, patch: Object, *, status: bool = False
    ) -> Object:
        """JSON merge patch (of the status subresource with `status`). Raises NotFound."""
        ...

    def delete(
        self,
        type_: ResourceType,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        grace_seconds: int | None = None,
    ) -> None:
        """Asks for deletion in the background; no error if it is gone, or is not the object `uid` any more.
        Returns before it is gone."""
        ...

    def exec(
        self, namespace: str, pod: str, container: str, command: Sequence[str], *, deadline: timedelta, limit: int
    ) -> ExecResult:
        """Runs `command` (a program and its arguments; no shell) in a running container, and waits until it ends, at
        most for `deadline`. Its standard input is empty. Of each output no more than the last `limit` bytes are kept.

        The API cannot stop a command: after the deadline, as after a TransientError in the middle, it may still run.
        A command that must not outlive its deadline has to take care of that itself (`timeout 30 ...`).
        Raises NotFound without the pod, Invalid for a container that the pod does not have, and TransientError while
        the container does not run."""
        ...


class VolumeFiles(Protocol):
    """The volumes of the pods of one node, as the kubelet mounts them."""

    def directory(self, pod_uid: str, volume: str) -> Path:
        """Where the volume's files are; `volume` is the PV's name, or an inline volume's own.
        Raises NotFound, and TransientError while the kubelet is still mounting it."""
        ...


@dataclass(frozen=True)
class Progress:
    """How far the copy or restore of one volume has come."""

    bytes_done: int
    bytes_total: int
    files_done: int


@dataclass(frozen=True)
class CopySlice:
    """What a slice of copying has reached. `volume` is set when the copy is complete, else `checkpoint`."""

    volume: str | None  # the id to restore from
    checkpoint: bytes | None  # give it back to go on; opaque, at most some MiB
    scanned_bytes: int  # of the whole copy so far, as are the following
    changed_bytes: int
    uploaded_bytes: int
    files: int
    changes: Changes = NO_CHANGES  # of a copy that is complete
    warnings: tuple[str, ...] = ()  # what went or changed while it was read, as on any live volume
    unreadable: tuple[str, ...] = ()  # what is there and not in the copy, or not whole, and why


@dataclass(frozen=True)
class ReceivedSlice:
    """What a slice of receiving a volume from another repository has reached; `volume` and `checkpoint` as in
    `CopySlice`."""

    volume: str | None
    checkpoint: bytes | None
    read_bytes: int  # in the other repository, of the whole volume so far, as is the following
    uploaded_bytes: int


@dataclass(frozen=True)
class RestoreSlice:
    """What a slice of restoring has reached. Without a `checkpoint` it is complete."""

    checkpoint: bytes | None
    bytes: int
    files: int
    warnings: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()  # files that could not be restored, and why


@dataclass(frozen=True)
class Pruned:
    """What a prune has reclaimed; of what is too young to go, so many bytes that may go from `young_until` on; and so
    many that the store keeps locked, all of them gone free at `locked_until`, None if nobody says."""

    reclaimed_bytes: int
    young_bytes: int = 0
    young_until: datetime | None = None
    locked_bytes: int = 0
    locked_until: datetime | None = None


Say = Callable[[str, int, int], None]
"""How upkeep tells how far it has come: what is being done, how much of that is done, and how much there is to do."""


ALL_PARTS = 1 << 32


@dataclass(frozen=True)
class Part:
    """A part of all contents, by the ids of their chunks, which are random: so many of ALL_PARTS from `begin` on, and
    from 0 on after the last. Parts that follow each other cover everything, whatever comes and goes meanwhile."""

    begin: int = 0
    length: int = ALL_PARTS

    def holds(self, id_: bytes) -> bool:
        """Whether the chunk is in it."""
        return (int.from_bytes(id_[:4]) - self.begin) % ALL_PARTS < self.length


EVERYTHING = Part()


class Repository(Protocol):
    """The volume repository, one per destination. Any number of processes may write at once."""

    def copy(
        self,
        root: Path,
        *,
        parent: str | None,
        checkpoint: bytes | None,
        binding: str = "",
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> CopySlice:
        """Stores the tree below `root`, reusing what `parent` (an earlier volume id) has unchanged. What cannot be read
        is `unreadable`, and the rest is stored. Ends early, at a chunk boundary, soon after `stop()` is true. A
        `checkpoint` opens only with the `binding` it was made with: what is copied, for whom. Raises Damaged for
        another's. Safe to run twice."""
        ...

    def restore(
        self,
        volume: str,
        target: Path,
        *,
        checkpoint: bytes | None,
        binding: str = "",
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> RestoreSlice:
        """Writes the volume's files into the directory `target`, never outside it. Raises Damaged, NotFound. A
        `checkpoint` opens only with the `volume` and the `binding` it was made with.
        What is already there and not in the volume is removed. A file that cannot be read back is `lost`, the rest is
        restored. Safe to run twice."""
        ...

    def receive(
        self,
        volume: str,
        source: "Repository",
        *,
        like: tuple[str, str] | None,
        checkpoint: bytes | None,
        binding: str = "",
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> ReceivedSlice:
        """Makes the same volume here as `volume` is in `source`; of its content only what is missing here is uploaded.
        `like` are an earlier volume there and the one that was made of it here: what both have is not read. Raises
        NotFound if it is not in `source`, and Damaged for content that cannot be read there: it is received whole, or
        not at all. Else as `copy`."""
        ...

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """Compressed and encrypted; opens only with the same `context` (its key in the store)."""
        ...

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """The plaintext. Raises Damaged."""
        ...

    def seal_record(self, record: bytes, key: str) -> bytes:
        """A record as it is kept at `key`, where alone it opens."""
        ...

    def open_record(self, kept: bytes, key: str) -> bytes:
        """The record that is kept at `key`. Raises Damaged (`RecordNotAuthentic`) for what was not sealed for this key
        of this repository."""
        ...

    def verify(self, volume: str, say: Say, part: Part = EVERYTHING) -> list[Message]:
        """Reads a volume back, its tree and this `part` of its contents; the problems found. `say` is told of bytes."""
        ...

    def check(self, volumes: Mapping[str, str], say: Say) -> list[Message]:
        """Whether all is there that the volumes need (by id, what to call them), without reading contents; the
        problems found."""
        ...

    def forget(self, volumes: Iterable[str]) -> None:
        """Deletes volumes; the next prune reclaims what they alone refer to."""
        ...

    def make_room(self) -> None:
        """Lets go of the ballast, so that a store which is full takes some small objects; a prune puts it back."""
        ...

    def prune(self, keep: Callable[[], set[str]], say: Say) -> Pruned:
        """Deletes what no volume in `keep()` refers to. Safe to kill: what is done is not done again."""
        ...


@dataclass(frozen=True)
class Answer:
    """What became of telling a receiver: `busy` may be tried again, `refused` will never be taken. `response` is the
    code of an HTTP server's answer, where there was one."""

    status: Literal["delivered", "busy", "refused"]
    reason: Message | None = None
    response: int | None = None


@dataclass(frozen=True)
class Room:
    """How much room a destination has, in bytes."""

    free: int
    total: int


class Destinations(Protocol):
    """The places where backups go, by name. Each is opened when it is first asked for, and again after it has been
    changed, so ask for it anew with every event, and keep nothing of it.

    Every method raises TransientError where trying again may help, and Denied for bad credentials.
    """

    def names(self) -> list[str]:
        """All that there are, sorted."""
        ...

    def defaults(self) -> list[str]:
        """The name of the default one, which need not be there; then of those that were it before, the latest first."""
        ...

    def store(self, name: str) -> ObjectStore:
        """Its objects. Raises NotFound (`NoDestination`), and Invalid if it cannot be used. Records (`keys.is_record`)
        are sealed in it, so reading and writing them also raises as `repository`, and Damaged for what is not ours."""
        ...

    def repository(self, name: str) -> "Repository":
        """Its volume repository, made if there is none. Raises as `store`; Invalid without a passphrase, and Denied
        for a wrong one."""
        ...


class Cancellations(Protocol):
    """Whether somebody has cancelled a job."""

    def cancelled(self, job: Job) -> bool:
        """True from the moment the cancel marker or broadcast is seen. Cheap to ask often."""
        ...

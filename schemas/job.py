"""A job: one backup or one restore, and how its name derives from the request that made it."""

import hashlib
import re
import uuid
from dataclasses import dataclass
from typing import Literal

Kind = Literal["backup", "restore"]
KINDS: tuple[Kind, ...] = ("backup", "restore")

_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # Kubernetes' own for generated names
_SUFFIX_LENGTH = 5
_BEFORE = "-before"  # longer than a suffix, so that no other job is called so
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_REQUESTS = uuid.UUID("6f0f5a52-95b5-4f6b-9d7e-6c8a3c1de0a4")
_SENT = uuid.UUID("0d5f3b1e-58a0-4c55-9f0b-2b1f7f4f6f43")


@dataclass(frozen=True, order=True)
class Job:
    """One backup or restore. Its name is unique among its kind, within its destination."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def backup(name: str) -> Job:
    """The backup called `name`."""
    return Job("backup", name)


def restore(name: str) -> Job:
    """The restore called `name`."""
    return Job("restore", name)


def safety_snapshot(restore: Job) -> Job:
    """The backup of what a restore deletes, which it takes first."""
    return backup(f"{restore.name}{_BEFORE}")


def snapshot_of(job: Job) -> Job | None:
    """The restore before which the job is the safety snapshot; None for any other job."""
    if job.kind == "backup" and job.name.endswith(_BEFORE):
        return restore(job.name.removesuffix(_BEFORE))
    return None


def is_name(name: str) -> bool:
    """Whether `name` can be the name of a job (an RFC 1123 subdomain)."""
    return _NAME.fullmatch(name) is not None


def request_uuid(sender: str, source: str, id_: str) -> str:
    """The identity of a request: the same sender, source and id are the same request."""
    return str(uuid.uuid5(_SENT, f"{len(sender)}:{sender}{len(source)}:{source}{id_}"))


def derived_uuid(source: str, id_: str) -> str:
    """The identity of what nobody has sent: a job that another leads to. And of requests, before senders counted."""
    return str(uuid.uuid5(_REQUESTS, f"{len(source)}:{source}{id_}"))


def asked_for(kind: Kind, prefix: str, request: str, attempt: int = 0) -> Job:
    """The job that a request makes, called after `prefix`; after its kind, where that can begin no name."""
    name = name_for(prefix, request, attempt)
    return Job(kind, name if is_name(name) else name_for(kind, request, attempt))


def name_for(prefix: str, request: str, attempt: int = 0) -> str:
    """`<prefix>-xxxxx`, derived from the request; `attempt` counts names taken by other requests."""
    number = int.from_bytes(hashlib.sha256(f"{request}/{attempt}".encode()).digest())
    suffix = ""
    for _ in range(_SUFFIX_LENGTH):
        number, digit = divmod(number, len(_SUFFIX_ALPHABET))
        suffix += _SUFFIX_ALPHABET[digit]
    return f"{prefix}-{suffix}"

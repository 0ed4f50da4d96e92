"""Object-store layout of the jobs: names <-> keys, pure both ways. (The volume repository lives below `repository/`.)

running/<kind>/<name>                  a job that has no final record yet; kind is `backups` or `restores`
<kind>/<name>/request.json             what was asked, written once; stays as a tombstone after deletion
<kind>/<name>/cancel.json              somebody cancelled it
<kind>/<name>/deleted.json             it was deleted; with the request, what stays of it
backups/<name>/manifests/<digest>      the captured objects, sealed
backups/<name>/plan.json               what will be copied, written once
backups/<name>/slices/<unit>.json      how far a unit has come; overwritten
backups/<name>/units/<unit>.json       a unit's result, written once
backups/<name>/backup.json             the final record: the backup exists if and only if this does
restores/<name>/undeploy.json          what is to be deleted first, with uids, written once
restores/<name>/plan.json              what will be created and filled, written once
restores/<name>/began/<wave>.json      when a wave was first tried
restores/<name>/applied/<wave>.json    a wave of objects is applied, written once
restores/<name>/slices|units/…         as above
restores/<name>/restore.json           the final record
parents/<identity>.json                the newest volume of a claim, for the next incremental; overwritten
notifications/<event>/<target>.json    a target has accepted an event
"""

import hashlib
import re
import uuid
from typing import Literal
from urllib.parse import quote

Kind = Literal["backups", "restores"]

_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # Kubernetes' own for generated names
_SUFFIX_LENGTH = 5
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_REQUESTS = uuid.UUID("6f0f5a52-95b5-4f6b-9d7e-6c8a3c1de0a4")

RUNNING = "running/"


def is_job_name(name: str) -> bool:
    """Whether `name` can be the name of a backup or restore (an RFC 1123 subdomain)."""
    return _NAME.fullmatch(name) is not None


def request_uuid(source: str, id_: str) -> str:
    """The identity of a request: the same source and id are the same request."""
    return str(uuid.uuid5(_REQUESTS, f"{len(source)}:{source}{id_}"))


def job_name(prefix: str, request: str, attempt: int = 0) -> str:
    """`<prefix>-xxxxx`, derived from the request; `attempt` counts names taken by other requests."""
    number = int.from_bytes(hashlib.sha256(f"{request}/{attempt}".encode()).digest())
    suffix = ""
    for _ in range(_SUFFIX_LENGTH):
        number, digit = divmod(number, len(_SUFFIX_ALPHABET))
        suffix += _SUFFIX_ALPHABET[digit]
    return f"{prefix}-{suffix}"


def running(kind: Kind, name: str) -> str:
    """The marker of an unfinished job."""
    return f"{RUNNING}{kind}/{name}"


def parse_running(key: str) -> tuple[Kind, str]:
    """The inverse of `running`. Raises ValueError for another key."""
    _, kind, name = key.split("/", 2)
    if kind == "backups":
        return "backups", name
    if kind == "restores":
        return "restores", name
    raise ValueError(f"{key!r} is not the marker of a running job")


def job(kind: Kind, name: str) -> str:
    """The prefix of everything that belongs to one job."""
    return f"{kind}/{name}/"


def request(kind: Kind, name: str) -> str:
    """What was asked."""
    return f"{kind}/{name}/request.json"


def cancel(kind: Kind, name: str) -> str:
    """The cancel marker."""
    return f"{kind}/{name}/cancel.json"


def deleted(kind: Kind, name: str) -> str:
    """The tombstone."""
    return f"{kind}/{name}/deleted.json"


def plan(kind: Kind, name: str) -> str:
    """What will be done."""
    return f"{kind}/{name}/plan.json"


def manifest(backup: str, digest: str) -> str:
    """The captured objects."""
    return f"backups/{backup}/manifests/{digest}"


def undeploy(restore: str) -> str:
    """What a restore deletes first."""
    return f"restores/{restore}/undeploy.json"


def helper_pod(restore: str, unit: str) -> str:
    """The pod that binds the claims of one backed-up pod while they are restored."""
    return "snapline-restore-" + hashlib.sha256(f"{restore}/{unit}".encode()).hexdigest()[:12]


def began(restore: str, wave: str) -> str:
    """When a wave was first tried."""
    return f"restores/{restore}/began/{wave}.json"


def applied(restore: str, wave: str) -> str:
    """The outcome of one wave of objects."""
    return f"restores/{restore}/applied/{wave}.json"


def slices(kind: Kind, name: str, unit: str) -> str:
    """How far a unit has come."""
    return f"{kind}/{name}/slices/{quote(unit)}.json"


def units(kind: Kind, name: str) -> str:
    """The prefix of the results of a job's units."""
    return f"{kind}/{name}/units/"


def unit(kind: Kind, name: str, unit_: str) -> str:
    """A unit's result."""
    return f"{units(kind, name)}{quote(unit_)}.json"


def final(kind: Kind, name: str) -> str:
    """The final record."""
    return f"{kind}/{name}/{kind[:-1]}.json"


def parse_final(key: str) -> str | None:
    """The job's name, if `key` is a final record."""
    kind, _, rest = key.partition("/")
    name, _, leaf = rest.partition("/")
    return name if kind in ("backups", "restores") and leaf == f"{kind[:-1]}.json" else None


def parent(identity: str) -> str:
    """Where the newest volume of a claim is remembered."""
    return f"parents/{quote(identity, safe='')}.json"


def notification(event_id: str, target: str) -> str:
    """That `target` has accepted event `event_id`."""
    return f"notifications/{quote(event_id, safe='')}/{hashlib.sha256(target.encode()).hexdigest()[:16]}.json"

"""Where a worker may die: the records that jobs write, as places with names; and at which places each worker dies.

A record that is missing here fails `tests/unit/test_kill_places.py`, and the tests of the line that come by it.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from schemas import keys
from schemas.records.hooks import HookStage

RECORDS: Mapping[str, str] = {
    "mark of a backup": "running/backup/*",
    "mark of a restore": "running/restore/*",
    "end of a backup": "final/backup/*",
    "end of a restore": "final/restore/*",
    "claim of a backup": "claims/**/backups/*/*",
    "claim of a restore": "claims/**/holders/*",
    "place in line": "claims/**/line/*/*/*",
    "rejection": "rejected/*/*/*",
    "asked": "asked/*/*",
    "answer": "answers/*",
    "backup request": "backups/*/request.json",
    "backup queued": "backups/*/queued.json",
    "backup turn": "backups/*/turn.json",
    "manifest": "backups/*/manifests/*",
    "hook plans": "backups/*/hook-plans/*",
    "backup plan": "backups/*/plan.json",
    "copy slice": "backups/*/slices/**",
    "hooks around a copy": "backups/*/hooks/**",
    "output of a hook": "backups/*/hook-outputs/**",
    "copied pod": "backups/*/pods/**",
    "hold": "held/backup/*",
    "scheduled run": "schedules/*/*",
    "tombstone": "backups/*/deleted.json",
    "parent": "parents/*",
    "restore request": "restores/*/request.json",
    "restore queued": "restores/*/queued.json",
    "restore turn": "restores/*/turn.json",
    "replaced": "restores/*/replaced/*",
    "undeploy": "restores/*/undeploy.json",
    "check of a test restore": "restores/*/check.json",
    "restore plan": "restores/*/plan.json",
    "undeployed": "restores/*/owners/*/undeployed.json",
    **{f"wave {wave} began": f"restores/*/owners/*/waves/{wave}/began.json" for wave in get_args(keys.Wave)},
    **{f"wave {wave} applied": f"restores/*/owners/*/waves/{wave}/applied.json" for wave in get_args(keys.Wave)},
    "owner ended": "restores/*/owners/*/ended.json",
    "owner put back": "restores/*/owners/*/put-back.json",
    "work for a restore": "restores/*/workers/*",
    **{f"stage {stage}": f"*/*/stages/{stage}/**/began.json" for stage in get_args(keys.Stage)},
    "writing slice": "restores/*/slices/**",
    "written volume": "restores/*/volumes/**",
    "hook of a restored pod": "restores/*/hooks/**",
    "run of a restore hook": "restores/*/hook-runs/**",
    "output of a restore hook": "restores/*/hook-outputs/**",
    "notification": "notifications/*/*",
    "expiring": "upkeep/expiring/*",
    "looked for expired": keys.LOOKED,
    "entry of a digest": "digests/*/entries/*/*",
    "digest being sent": "digests/*/sending.json",
    "wanted prune": "upkeep/prunes/*",
    "verification": "upkeep/verifications/*",
    "position of samples": "upkeep/samples/*",
    "verified": "verified/*",
    "test restored": "test-restores/*",
    "wanted copy": "upkeep/copies/*/*",
    "incoming backup": "upkeep/incoming/*",
    "copied backup": "copies/*/copied/*",
    "failed copy": "copies/*/failed/*",
    "lease": "upkeep/leases/*",
    "clock": keys.CLOCK,
}
"""Name -> pattern of the keys: `*` is a part between slashes, `**` one or more parts."""
UNKNOWN = "unknown"


def _expression(pattern: str) -> re.Pattern[str]:
    parts = {"*": "[^/]+", "**": ".+"}
    return re.compile("".join(parts.get(part, re.escape(part)) for part in re.split(r"(\*+)", pattern)))


_EXPRESSIONS = {name: _expression(pattern) for name, pattern in RECORDS.items()}


def records_of(key: str) -> list[str]:
    """The names of the records that `key` may be: one, if the table is right."""
    return [name for name, expression in _EXPRESSIONS.items() if expression.fullmatch(key)]


def place_of(how: str, key: str, body: bytes | bytearray = b"") -> str:
    """The name of a write or a deletion (`how`) of a record. Hooks around a copy are a place for each stage; all that
    goes with a deleted backup is one."""
    [name] = records_of(key) or [f"{UNKNOWN} {key}"]
    if name == "hooks around a copy" and how == "write":
        name = f"{name}: {json.loads(body)['stage']}"
    if how == "delete" and key.startswith(keys.BACKUPS) and name != "tombstone":
        name = "rest of a backup"
    return f"{how} {name}"


DEATHS: Mapping[str, frozenset[str]] = {
    "license.gate": frozenset(
        {
            "write mark of a backup",
            "write mark of a restore",
            "write backup request",
            "write restore request",
            "write rejection",
            "write asked",
        }
    ),
    "manifest.capture": frozenset(
        {
            "write claim of a backup",
            "write backup turn",
            "write backup queued",
            "write place in line",
            "delete place in line",
            "write mark of a backup",
            "write manifest",
            "write hook plans",
            "create pods",
            "write backup plan",
        }
    ),
    "volumes.node-a": frozenset(
        {
            *(f"write hooks around a copy: {stage}" for stage in get_args(HookStage)),
            "write output of a hook",
            "write parent",
            "write copy slice",
            "write copied pod",
            "write written volume",
            "exec",
            "write work for a restore",
            "delete work for a restore",
        }
    ),
    "backup.finalize": frozenset(
        {
            "write end of a backup",
            "delete claim of a backup",
            "delete mark of a backup",
        }
    ),
    "restore.prepare": frozenset(
        {
            "write claim of a restore",
            "delete claim of a restore",
            "write restore turn",
            "write restore queued",
            "write place in line",
            "delete place in line",
            "write mark of a restore",
            "write replaced",
            "write undeploy",
            "write restore plan",
            "write stage undeployed",
            "write undeployed",
            "delete pods",
            "delete statefulsets.apps",
            "delete persistentvolumeclaims",
            "write work for a restore",
            "delete work for a restore",
            "write stage put-back",
            "create deployments.apps",
            "write owner ended",
        }
    ),
    "restore.apply": frozenset(
        {
            *(f"write wave {wave} began" for wave in get_args(keys.Wave)),
            *(f"write wave {wave} applied" for wave in get_args(keys.Wave)),
            "create persistentvolumeclaims",
            "create pods",
            "create statefulsets.apps",
            "delete pods",
            "write stage claims-mounted",
            "write stage nodes-assigned",
            "write stage pods-waiting",
            "write work for a restore",
            "delete work for a restore",
            "write mark of a restore",
            "write owner ended",
        }
    ),
    "restore.finalize": frozenset(
        {
            "write hook of a restored pod",
            "write run of a restore hook",
            "exec",
            "write output of a restore hook",
            "write work for a restore",
            "delete work for a restore",
            "write end of a restore",
            "create deployments.apps",
            "write owner put back",
            "delete mark of a restore",
        }
    ),
    "notify": frozenset({"write notification"}),
    "repository.maintain": frozenset(
        {
            "write tombstone",
            "delete tombstone",
            "delete end of a backup",
            "delete rest of a backup",
            "write lease",
            "delete lease",
            "write wanted prune",
            "delete wanted prune",
        }
    ),
    "watchdog": frozenset({"write clock", "write mark of a backup", "delete mark of a backup"}),
}
"""Worker -> where it has to die in `tests/integration/test_kills_at_records.py`: at these records, and around these
changes of the cluster. It dies at others as well, where it comes by."""


def died_at(markers: Path) -> dict[str, set[str]]:
    """Worker -> the places at which it died."""
    died: dict[str, set[str]] = defaultdict(set)
    for marker in markers.iterdir():
        queue, _, place = marker.name.partition(" ")
        died[queue].add(place)
    return died


def missing(markers: Path) -> list[str]:
    """The deaths that have not been died."""
    died = died_at(markers)
    return [f"{queue}: {place}" for queue, places in DEATHS.items() for place in sorted(places - died[queue])]


def unknown(markers: Path) -> list[str]:
    """Deaths at what `RECORDS` does not know."""
    return [marker.name for marker in markers.iterdir() if f" {UNKNOWN} " in marker.name]

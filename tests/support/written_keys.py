"""Every key that jobs write, by the function of `schemas.keys` that makes it: what holds of all is tried on these.

`tests/unit/test_kill_places.py` fails for a function that is missing here.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import get_args

from schemas import keys
from schemas.job import backup, restore

NOW = datetime(2026, 11, 26, tzinfo=UTC)
COPY, BACK, POD = backup("shop-bcdfg"), restore("shop-bcdfg-hjkmn"), "shop/data 0"

WRITTEN: Mapping[str, list[str]] = {
    "running": [keys.running(COPY), keys.running(BACK)],
    "final": [keys.final(COPY), keys.final(BACK)],
    "request": [keys.request(COPY), keys.request(BACK)],
    "rejection": [keys.rejection(COPY, "request"), keys.rejection(BACK, "request")],
    "asked": [keys.asked("backup", "request"), keys.asked("restore", "request")],
    "answer": [keys.answer("request")],
    "deleted": [keys.deleted(COPY)],
    "hold": [keys.hold(COPY)],
    "scheduled_run": [keys.scheduled_run("nightly", NOW)],
    "plan": [keys.plan(COPY), keys.plan(BACK)],
    "turn": [keys.turn(COPY), keys.turn(BACK)],
    "queued": [keys.queued(COPY), keys.queued(BACK)],
    "holder": [keys.holder("console", 1), keys.holder("application/shop", 12)],
    "sharer": [keys.sharer("console", COPY, "run"), keys.sharer("application/shop", COPY, "run")],
    "in_line": [keys.in_line("console", COPY, NOW), keys.in_line("application/shop", BACK, NOW)],
    "manifest": [keys.manifest(COPY, "digest")],
    "undeploy": [keys.undeploy(BACK)],
    "checked": [keys.checked(BACK)],
    "replaced": [keys.replaced(BACK, "digest")],
    "undeployed": [keys.undeployed(BACK, "shop")],
    "wave_began": [keys.wave_began(BACK, "shop", wave) for wave in get_args(keys.Wave)],
    "wave_applied": [keys.wave_applied(BACK, "shop", wave) for wave in get_args(keys.Wave)],
    "owner_ended": [keys.owner_ended(BACK, "shop")],
    "put_back": [keys.put_back(BACK, "shop")],
    "worker_of": [keys.worker_of(BACK, "run")],
    "stage_began": [keys.stage_began(BACK, stage, whose) for stage in get_args(keys.Stage) for whose in ("shop", POD)]
    + [keys.stage_began(COPY, "claims-mounted", POD)],
    "slices": [keys.slices(COPY, POD), keys.slices(BACK, POD)],
    "hooks_of": [keys.hooks_of(COPY, POD), keys.hooks_of(BACK, POD)],
    "hook_plans": [keys.hook_plans(COPY, "digest")],
    "hook_output": [keys.hook_output(COPY, POD, "pre-0"), keys.hook_output(BACK, POD, "restore-0")],
    "hook_run": [keys.hook_run(BACK, POD, 0)],
    "pod_result": [keys.pod_result(COPY, POD)],
    "volume_result": [keys.volume_result(BACK, POD)],
    "parent": [keys.parent("claim/uid")],
    "notification": [keys.notification("event", "target")],
    "expiring": [keys.expiring(COPY)],
    "LOOKED": [keys.LOOKED],
    "digest_entry": [keys.digest_entry("target", NOW, "event")],
    "digest_sending": [keys.digest_sending("target")],
    "wanted_prune": [keys.wanted_prune("backup/shop-bcdfg")],
    "verification": [keys.verification("request")],
    "samples": [keys.samples("instance")],
    "verified": [keys.verified(COPY)],
    "test_restored": [keys.test_restored(COPY)],
    "wanted_copy": [keys.wanted_copy(COPY, "nas")],
    "incoming": [keys.incoming(COPY)],
    "copied": [keys.copied(COPY, "nas")],
    "copy_failed": [keys.copy_failed(COPY, "nas")],
    "upkeep_lease": [keys.upkeep_lease(kind) for kind in get_args(keys.Upkeep)],
    "CLOCK": [keys.CLOCK],
}
"""Function, or constant, of `schemas.keys` -> keys that it makes of what a job writes."""

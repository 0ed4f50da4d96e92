"""The hooks of a backup are kept sealed: only what was captured for the very job opens, so nobody who can write to the
store has commands of their own run."""

import hashlib
from collections.abc import Mapping

from schemas import keys
from schemas.errors import Damaged
from schemas.job import Job
from schemas.records import HookPlans, PodHooks, decode, encode
from workers.ports import ObjectStore, Repository


def store_plans(store: ObjectStore, repository: Repository, job: Job, pods: Mapping[str, PodHooks]) -> str | None:
    """The key of the pods' hooks; None for no hooks."""
    if not pods:
        return None
    plain = encode(HookPlans(pods=dict(pods)))
    key = keys.hook_plans(job, hashlib.sha256(plain).hexdigest())
    store.create(key, repository.seal(plain, key))
    return key


def load_plans(store: ObjectStore, repository: Repository, job: Job, key: str) -> HookPlans:
    """The hooks of a backup's pods. Raises NotFound, Damaged."""
    if not key.startswith(keys.hook_plans(job, "")):
        raise Damaged(f"the plan of {job} names hooks that are not its own ({key!r:.200})")
    return decode(HookPlans, key, repository.unseal(store.get(key), key))

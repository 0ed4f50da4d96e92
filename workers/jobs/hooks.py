"""How far the hooks of a backup's pods have come, by their records; and what hooks ran and said, kept sealed."""

from collections.abc import Iterator

from schemas import keys
from schemas.job import Job
from schemas.records import HookOutput, HookState, decode, encode
from workers.jobs import ledger
from workers.ports import ObjectStore, Repository


def states(store: ObjectStore, job: Job) -> Iterator[tuple[str, HookState]]:
    """Each pod (`<namespace>/<pod>`) around whose copy hooks have begun, with its state; by name."""
    for found in sorted(store.list(keys.hooks(job)), key=lambda found: found.key):
        yield keys.parse_hooks(job, found.key), ledger.read(store, found.key, HookState)


def owing_pods(store: ObjectStore, job: Job) -> list[str]:
    """The pods in which the hooks before the copy have begun, and those after it are still to be run."""
    return [pod for pod, state in states(store, job) if state.owes] if job.kind == "backup" else []


def keep_output(store: ObjectStore, repository: Repository, key: str, output: HookOutput) -> str:
    """Keeps what a hook said, in place of what it said before; the key."""
    store.put(key, repository.seal(encode(output), key))
    return key


def load_output(store: ObjectStore, repository: Repository, key: str) -> HookOutput:
    """What a hook ran and said. Raises NotFound, Damaged."""
    return decode(HookOutput, key, repository.unseal(store.get(key), key))

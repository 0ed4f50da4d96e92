"""Claims that hold data which no pod of the backup mounts: it cannot be copied, and somebody should know.

Velero and KOTS pass them over in silence. https://velero.io/docs/main/file-system-backup/
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from schemas.errors import Code
from schemas.kubernetes import Object
from schemas.messages import Message
from workers.manifests.capture.volume_choice import opted_in
from workers.manifests.kube.objects import (
    CLAIM,
    POD,
    Name,
    claims_of,
    is_excluded,
    is_going,
    kind_of,
    name_of,
    spec_of,
    status_of,
    title,
)

STATEFUL_SET = ("apps", "StatefulSet")
WORKLOADS = (STATEFUL_SET, ("apps", "Deployment"), ("apps", "DaemonSet"), ("apps", "ReplicaSet"))
"""Kinds whose pods should be there all the time."""


def unmounted(
    taken: list[Object], going: Iterable[Object], live: Iterable[Object]
) -> tuple[list[Message], list[Message]]:
    """Warnings of the claims in the backup that no pod mounts, and errors of those that a workload in it would have
    copied, if it had a pod. `taken` is all in the backup, `going` is what is being deleted, `live` are all claims."""
    pods = [obj for obj in (*taken, *going) if kind_of(obj) == POD]
    mounted = {(name_of(pod)[0], claim) for pod in pods for claim in claims_of(pod).values()}
    free = {name_of(claim): claim for claim in live if name_of(claim) not in mounted and _holds_data(claim)}
    wanted = _wanted(taken, free)
    captured = [name_of(obj) for obj in taken if kind_of(obj) == CLAIM]
    warnings = [_told(free[name], "no pod") for name in captured if name in free and name not in wanted]
    errors = [_told(free[name], f"no pod, though {title(by)} has it copied") for name, by in sorted(wanted.items())]
    return warnings, errors


def _holds_data(claim: Object) -> bool:
    return status_of(claim).get("phase") == "Bound" and not is_going(claim) and not is_excluded(claim)


def _wanted(taken: list[Object], free: Mapping[Name, Object]) -> dict[Name, Object]:
    """Those that the pod template of a workload has copied, with the workload."""
    found: dict[Name, Object] = {}
    for workload in taken:
        if kind_of(workload) in WORKLOADS and not is_excluded(workload):
            namespace, wants = name_of(workload)[0], list(_tests(workload))
            names = (name for name in free if name[0] == namespace and any(test(name[1]) for test in wants))
            found.update((name, workload) for name in names if name not in found)
    return found


def _tests(workload: Object) -> Iterator[Callable[[str], bool]]:
    """Whether a claim of this name is one that the workload has copied."""
    template = {"metadata": {}, **(spec_of(workload).get("template") or {})}
    named = opted_in(template)
    claims = claims_of(template)
    for volume in named:
        if volume in claims:
            yield claims[volume].__eq__
    if kind_of(workload) == STATEFUL_SET:
        for made in spec_of(workload).get("volumeClaimTemplates") or []:
            if made["metadata"]["name"] in named:
                yield _of_replicas(f"{made['metadata']['name']}-{name_of(workload)[1]}-", workload)


def _of_replicas(prefix: str, workload: Object) -> Callable[[str], bool]:
    """One for each replica; all, if it is scaled down to none. Others are left over from more replicas."""
    pattern, replicas = re.compile(re.escape(prefix) + r"(\d+)"), spec_of(workload).get("replicas", 1)

    def test(claim: str) -> bool:
        found = pattern.fullmatch(claim)
        return found is not None and (not replicas or int(found[1]) < int(replicas))

    return test


def _told(claim: Object, by: str) -> Message:
    text = f"{title(claim)} is mounted by {by}: what is in it is not in the backup"
    return Message(code=Code.VOLUME_NOT_COPIED, text=text, subject=title(claim))

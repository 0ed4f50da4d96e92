"""Writes the chosen hooks into a backup's plan, so that whatever is delivered again runs the same. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from schemas.errors import Code
from schemas.kubernetes import Object
from schemas.messages import Message
from schemas.records import PodHooks, PodPlan
from schemas.velero import ResourceHooks
from workers.hooks.choose import Chosen, applies, hooks_of
from workers.manifests.kube.objects import (
    POD,
    Name,
    claims_of,
    is_going,
    kind_of,
    name_of,
    spec_of,
    status_of,
    title,
    uid_of,
)


@dataclass
class Planned:
    """The pods of a plan, their hooks (by `<namespace>/<pod>`), and what to tell people."""

    pods: list[PodPlan] = field(default_factory=list)
    hooks: dict[str, PodHooks] = field(default_factory=dict)
    warnings: list[Message] = field(default_factory=list)
    errors: list[Message] = field(default_factory=list)


def plan_hooks(objects: Sequence[Object], resources: Sequence[ResourceHooks], copied: Sequence[PodPlan]) -> Planned:
    """`copied` (the pods whose volumes are copied) with their hooks, and pods that have hooks alone, which get a plan
    without volumes. Where the only volumes of such a pod are copied with another pod, its hooks go around that copy.

    A pod with hooks that does not run is an error: nothing can be run in it."""
    planned = Planned(warnings=list(_unmatched(objects, resources)))
    pods = {(pod.namespace, pod.name): pod for pod in copied}
    shared = {(pod.namespace, volume.claim): name_of_plan(pod) for pod in copied for volume in pod.volumes}
    for obj in (obj for obj in objects if kind_of(obj) == POD):
        hooks = hooks_of(obj, resources)
        planned.warnings += hooks.warnings
        if not (hooks.pre or hooks.post):
            continue
        if why := _why_not(obj):
            planned.errors.append(_not_run(obj, why))
            continue
        own = name_of(obj)
        holders = _holders(obj, shared) - {own}
        if own in pods and holders:
            planned.warnings.append(_apart(obj, holders))
        place = own if own in pods or not holders else min(holders)
        plan = pods[place] = (pods.get(place) or _alone(obj)).model_copy(update={"hooks": True})
        planned.hooks[plan.key] = _joined(planned.hooks.get(plan.key, PodHooks()), hooks)
    planned.pods = list(pods.values())
    return planned


def name_of_plan(pod: PodPlan) -> Name:
    """Namespace and name."""
    return pod.namespace, pod.name


def _holders(pod: Object, shared: Mapping[tuple[str, str | None], Name]) -> set[Name]:
    """The pods with which claims of this one are copied."""
    namespace = name_of(pod)[0]
    return {shared[namespace, claim] for claim in claims_of(pod).values() if (namespace, claim) in shared}


def _joined(before: PodHooks, more: Chosen) -> PodHooks:
    return PodHooks(pre=[*before.pre, *more.pre], post=[*before.post, *more.post])


def _alone(pod: Object) -> PodPlan:
    namespace, name = name_of(pod)
    return PodPlan(namespace=namespace, name=name, uid=uid_of(pod), node=spec_of(pod)["nodeName"], volumes=[])


def _why_not(pod: Object) -> str:
    if is_going(pod):
        return "it is being deleted"
    phase = status_of(pod).get("phase")
    return "" if phase == "Running" and spec_of(pod).get("nodeName") else f"it is {phase or 'not started'}, not Running"


def _not_run(pod: Object, why: str) -> Message:
    text = f"{title(pod)}: its hooks were not run: {why}; back up again when it runs"
    return Message(code=Code.HOOK_NOT_RUN, text=text, subject=title(pod))


def _apart(pod: Object, holders: set[Name]) -> Message:
    others = ", ".join(sorted(f"{namespace}/{name}" for namespace, name in holders))
    text = f"{title(pod)}: its hooks go around its own volumes; what it shares with {others} is copied with that pod"
    return Message(code=Code.HOOK_INVALID, text=text, subject=title(pod))


def _unmatched(objects: Sequence[Object], resources: Sequence[ResourceHooks]) -> Iterator[Message]:
    """Hooks that are meant for nobody are most likely a mistake."""
    pods = [obj for obj in objects if kind_of(obj) == POD]
    for number, hooks in enumerate(resources, 1):
        if (hooks.pre or hooks.post) and not any(applies(hooks, pod) for pod in pods):
            name = hooks.name or f"number {number}"
            text = f"the Backup's hooks {name} match no pod; look at their namespaces, resources and labels"
            yield Message(code=Code.HOOK_INVALID, text=text, subject=name)

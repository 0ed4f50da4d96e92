"""Which hooks a captured pod gets around the copy of its volumes: from its annotations, else from the Backup. Pure.

An annotation for a phase takes the place of all that the Backup asks for in that phase.
https://velero.io/docs/main/backup-hooks/
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from schemas.errors import Code
from schemas.kubernetes import Object
from schemas.messages import Message
from schemas.records import HookPlan
from schemas.velero import ALL, Exec, ResourceHooks
from workers.hooks.parsing import DEFAULT_SECONDS, Annotations, OnError, argv, seconds
from workers.manifests.kube.objects import annotations_of, labels_of, name_of, spec_of, status_of, title, uid_of

Phase = Literal["pre", "post"]
PREFIXES: dict[Phase, tuple[str, ...]] = {
    "pre": ("pre.hook.backup.velero.io", "hook.backup.velero.io"),
    "post": ("post.hook.backup.velero.io",),
}
"""Of the annotations; the second is an older form."""
PODS = frozenset({"pods", "pod", "po"})
"""What a list of resources may call them."""
ENDED = ("Succeeded", "Failed")
"""Phases of pods in which nothing can be run any more."""
ANNOTATION = "annotation"
"""The source of a hook that the pod itself asks for."""


@dataclass
class Chosen:
    """The hooks of one pod, in order, and what is odd about them."""

    pre: list[HookPlan] = field(default_factory=list)
    post: list[HookPlan] = field(default_factory=list)
    warnings: list[Message] = field(default_factory=list)


def hooks_of(pod: Object, resources: Sequence[ResourceHooks]) -> Chosen:
    """The hooks of a captured pod. `resources` are those of the Backup; a pod that has ended gets none."""
    if status_of(pod).get("phase") in ENDED:
        return Chosen()
    pre, odd_pre = _phase(pod, resources, "pre")
    post, odd_post = _phase(pod, resources, "post")
    return Chosen(pre, post, odd(pod, (*odd_pre, *odd_post)))


def applies(hooks: ResourceHooks, pod: Object) -> bool:
    """Whether hooks of the Backup are meant for the pod."""
    namespace, _ = name_of(pod)
    inside = _matches(hooks.included_namespaces, namespace) or not hooks.included_namespaces
    resources = {name.lower() for name in hooks.included_resources}
    selector = hooks.label_selector
    return (
        inside
        and not _matches(hooks.excluded_namespaces, namespace)
        and (not resources or not resources.isdisjoint({ALL, *PODS}))
        and {name.lower() for name in hooks.excluded_resources}.isdisjoint({ALL, *PODS})
        and (selector is None or selector.matches(labels_of(pod)))
    )


def refusal(pod: Object, container: str, command: Sequence[str]) -> str:
    """Why a hook cannot be run, as far as the pod and the hook themselves tell; else ""."""
    if not command or not command[0]:
        return "its command is empty"
    if container not in _containers(pod):
        return f"the pod has no container {container}"
    return ""


def first_container(pod: Object) -> str:
    """Where hooks run that do not say."""
    return str(spec_of(pod)["containers"][0]["name"])


def odd(pod: Object, problems: Iterable[str]) -> list[Message]:
    """What is told of values that make no sense."""
    return [
        Message(code=Code.HOOK_INVALID, text=f"{title(pod)}: {problem}", subject=title(pod)) for problem in problems
    ]


def _phase(pod: Object, resources: Sequence[ResourceHooks], phase: Phase) -> tuple[list[HookPlan], list[str]]:
    for prefix in PREFIXES[phase]:
        given = Annotations(annotations_of(pod), prefix)
        if command := given.text("command"):
            return [_annotated(pod, given, command)], given.problems
    problems: list[str] = []
    chosen = [
        _specified(pod, hooks.name or "Backup", entry.exec, problems)
        for hooks in resources
        if applies(hooks, pod)
        for entry in (hooks.pre if phase == "pre" else hooks.post)
    ]
    return chosen, problems


def _annotated(pod: Object, given: Annotations, command: str) -> HookPlan:
    limit = given.seconds("timeout", DEFAULT_SECONDS)
    return _plan(pod, ANNOTATION, given.text("container"), argv(command), given.on_error(), limit)


def _specified(pod: Object, name: str, hook: Exec, problems: list[str]) -> HookPlan:
    limit = seconds(hook.timeout) if hook.timeout else DEFAULT_SECONDS
    if limit is None:
        text = f"the timeout of the Backup's hooks {name} ({hook.timeout!r:.60}) is no duration such as 30s or 5m"
        problems.append(f"{text}; {DEFAULT_SECONDS:g} s hold")
    return _plan(pod, name, hook.container or "", hook.command, hook.on_error or "Continue", limit)


def _plan(
    pod: Object, source: str, container: str, command: list[str], on_error: OnError, limit: float | None
) -> HookPlan:
    container = container or first_container(pod)
    return HookPlan(
        source=source,
        pod=name_of(pod)[1],
        uid=uid_of(pod),
        container=container,
        command=command,
        on_error=on_error,
        timeout_seconds=limit or DEFAULT_SECONDS,
        refused=refusal(pod, container, command),
    )


def _containers(pod: Object) -> set[str]:
    """Those that run while the pod does: sidecars are init containers that are always restarted."""
    spec = spec_of(pod)
    sidecars = [each for each in spec.get("initContainers") or [] if each.get("restartPolicy") == "Always"]
    return {str(container["name"]) for container in (*(spec.get("containers") or []), *sidecars)}


def _matches(patterns: Iterable[str], namespace: str) -> bool:
    return any(fnmatchcase(namespace, pattern) for pattern in patterns)

"""Which hooks a restored pod gets: a command after it runs, and an init container before it does. Pure.

Both come from annotations of the captured pod. (Velero's Restore resource can ask for hooks as well; KOTS' restores ask
for none, and a restore here has no such resource.)
https://velero.io/docs/main/restore-hooks/
"""

import copy
import hashlib
from typing import Any

from schemas.kubernetes import Object
from schemas.messages import Message
from schemas.records import RestoreHookPlan
from workers.hooks.choose import ANNOTATION, first_container, odd, refusal
from workers.hooks.parsing import DEFAULT_SECONDS, Annotations, argv
from workers.manifests.kube.objects import annotations_of, name_of, spec_of, uid_of

EXEC = "post.hook.restore.velero.io"
INIT = "init.hook.restore.velero.io"
UNNAMED = "velero-restore-init-"
"""How init containers begin that a hook gives no name; Velero's word, so that its own leftovers are known as well."""


def exec_hook(pod: Object) -> tuple[RestoreHookPlan | None, list[Message]]:
    """The command to run in a captured pod after its restore, if any, and what is odd about it."""
    given = Annotations(annotations_of(pod), EXEC)
    command = given.text("command")
    if not command:
        return None, []
    container = given.text("container") or first_container(pod)
    words = argv(command)
    hook = RestoreHookPlan(
        source=ANNOTATION,
        pod=name_of(pod)[1],
        uid=uid_of(pod),
        container=container,
        command=words,
        on_error=given.on_error(),
        timeout_seconds=given.seconds("exec-timeout", DEFAULT_SECONDS) or DEFAULT_SECONDS,
        wait_seconds=given.seconds("wait-timeout", None),
        wait_for_ready=given.flag("wait-for-ready"),
        refused=refusal(pod, container, words),
    )
    return hook, odd(pod, given.problems)


def init_container(pod: Object, restore: str) -> dict[str, Any] | None:
    """The init container that a captured pod gets in the restore called `restore`, if any. One without a name gets the
    same each time; one without a command runs what its image says."""
    given = Annotations(annotations_of(pod), INIT)
    image = given.text("container-image")
    if not image:
        return None
    container: dict[str, Any] = {"name": given.text("container-name") or _name(pod, restore), "image": image}
    if command := given.text("command"):
        container["command"] = argv(command)
    return container


def with_init_container(pod: Object, container: dict[str, Any]) -> Object:
    """A copy of the pod in which `container` is its first init container. One that an earlier restore has put there
    goes."""
    changed = copy.deepcopy(pod)
    own = [
        each
        for each in spec_of(changed).get("initContainers") or []
        if each["name"] != container["name"] and not each["name"].startswith(UNNAMED)
    ]
    changed["spec"]["initContainers"] = [container, *own]
    return changed


def _name(pod: Object, restore: str) -> str:
    return UNNAMED + hashlib.sha256("/".join((restore, *name_of(pod))).encode()).hexdigest()[:8]

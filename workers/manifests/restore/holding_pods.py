"""Pods that hold volumes while they are filled: the helper that binds claims, and the pod that waits for its emptyDirs.

Protocol with the node's worker: the init container makes `.snapline` (WAITING) in each emptyDir when it starts; the
worker writes the files and then `.snapline/done` (DONE); the init container removes `.snapline` and ends. It notes in a
volume of its own that it was let go, since Kubernetes runs init containers again when a node restarts.
"""

from typing import Any

from schemas.kubernetes import Object
from workers.manifests.kube.label_value import label_value
from workers.manifests.kube.objects import annotations_of, is_going, spec_of, status_of
from workers.manifests.kube.own import FRESH, RESTORE_LABEL, WAIT_CONTAINER
from workers.manifests.restore.placement import placement
from workers.manifests.restore.sanitise.pod import without_waiting

WAITING = ".snapline"
"""Directory in a volume that a pod waits for."""
DONE = f"{WAITING}/done"
"""File in it that lets the pod go."""

NOBODY = 65534
MOUNTS = "/snapline/volumes"
MEMORY = "/snapline/memory"

SCRIPT = """
trap 'exit 143' TERM
let_go() { touch "$MEMORY/done"; for v in $VOLUMES; do rm -rf "$v/.snapline"; done; exit 0; }
if [ -e "$MEMORY/done" ]; then let_go; fi
for v in $VOLUMES; do mkdir -p "$v/.snapline" || exit 1; done
end=$(( $(date +%s) + SECONDS_TO_WAIT ))
while :; do
  missing=""
  for v in $VOLUMES; do [ -e "$v/.snapline/done" ] || missing="$missing ${v##*/}"; done
  if [ -z "$missing" ]; then let_go; fi
  if [ "$(date +%s)" -ge "$end" ]; then
    echo "snapline-wait: no restored data within $SECONDS_TO_WAIT s for:$missing; the restore's record says why" >&2
    exit 1
  fi
  sleep 0.2 2>/dev/null || sleep 1
done
""".strip()

RESOURCES = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}}


def waiting_pod(pod: Object, volumes: list[str], image: str, deadline_seconds: float) -> Object:
    """The captured `pod` with a first init container that waits for the emptyDir `volumes` to be filled.

    After `deadline_seconds` it fails, says so, and is tried again by the kubelet. The pod has no owner, so that a
    controller that matches it adopts it."""
    waiting = without_waiting(pod)
    metadata, spec = waiting["metadata"], waiting["spec"]
    metadata.pop("ownerReferences", None)
    metadata["annotations"] = {**annotations_of(waiting), FRESH: "true"}
    spec["initContainers"] = [
        _wait_container(spec, volumes, image, deadline_seconds),
        *(spec.get("initContainers") or []),
    ]
    spec["volumes"] = [*(spec.get("volumes") or []), {"name": WAIT_CONTAINER, "emptyDir": {}}]
    return waiting


def may_wait(pod: Object) -> bool:
    """Whether the live pod (empty: none) is there to stay and has the waiting init container."""
    if not pod or is_going(pod):
        return False
    return any(container["name"] == WAIT_CONTAINER for container in spec_of(pod).get("initContainers") or [])


def waits_for_files(pod: Object) -> bool:
    """Whether the live pod has come to its waiting init container."""
    statuses = status_of(pod).get("initContainerStatuses") or []
    return any(s["name"] == WAIT_CONTAINER and "running" in (s.get("state") or {}) for s in statuses)


def waits(pod: Object) -> bool:
    """Whether the live pod has a waiting init container that has not been let go."""
    statuses = {
        status["name"]: status.get("state") or {} for status in status_of(pod).get("initContainerStatuses") or []
    }
    ended = (statuses.get(WAIT_CONTAINER) or {}).get("terminated") or {}
    return may_wait(pod) and ended.get("exitCode") != 0


def let_go_command(volumes: list[str]) -> list[str]:
    """What to run in the waiting init container, so that it waits no longer for these of its volumes."""
    paths = [f"{MOUNTS}/{volume}" for volume in volumes]
    return ["mkdir", "-p", *(f"{path}/{DONE}" for path in paths)]


def helper_pod(restore: str, namespace: str, name: str, claims: list[str], template_pod: Object, image: str) -> Object:
    """A pod that does nothing but mount `claims`, on a node where `template_pod` (captured; may be empty) may run."""
    volumes = [f"claim-{number}" for number in range(len(claims))]
    place = placement(template_pod)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {RESTORE_LABEL: label_value(restore), **place.labels},
        },
        "spec": {
            **place.spec,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": "hold",
                    "image": image,
                    "command": ["sleep", "2147483647"],
                    "resources": RESOURCES,
                    "securityContext": _restricted(NOBODY),
                    "volumeMounts": [{"name": v, "mountPath": f"{MOUNTS}/{v}"} for v in volumes],
                }
            ],
            "volumes": [
                {"name": volume, "persistentVolumeClaim": {"claimName": claim}}
                for volume, claim in zip(volumes, claims, strict=True)
            ],
        },
    }


def _wait_container(spec: dict[str, Any], volumes: list[str], image: str, deadline_seconds: float) -> dict[str, Any]:
    paths = {volume: f"{MOUNTS}/{volume}" for volume in volumes}
    mounts = [{"name": volume, "mountPath": path} for volume, path in paths.items()]
    return {
        "name": WAIT_CONTAINER,
        "image": image,
        "command": ["sh", "-c", SCRIPT],
        "env": [
            {"name": "VOLUMES", "value": " ".join(paths.values())},
            {"name": "MEMORY", "value": MEMORY},
            {"name": "SECONDS_TO_WAIT", "value": str(max(1, round(deadline_seconds)))},
        ],
        "resources": RESOURCES,
        "securityContext": _as_user_of(spec),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [*mounts, {"name": WAIT_CONTAINER, "mountPath": MEMORY}],
    }


def _as_user_of(spec: dict[str, Any]) -> dict[str, Any]:
    """Runs as the user of the first container, who may remove `.snapline`; where the pod names none, as the image's."""
    pod, first = spec.get("securityContext") or {}, (spec["containers"][0].get("securityContext") or {})
    user = first.get("runAsUser", pod.get("runAsUser"))
    rootless = first.get("runAsNonRoot", pod.get("runAsNonRoot"))
    if user is None and rootless:
        user = NOBODY
    if user is None:
        return {"allowPrivilegeEscalation": False}
    group = first.get("runAsGroup", pod.get("runAsGroup"))
    context = _restricted(user) if user else {"runAsUser": user, "allowPrivilegeEscalation": False}
    return context if group is None else {**context, "runAsGroup": group}


def _restricted(user: int) -> dict[str, Any]:
    """What the strictest pod security standard asks for."""
    return {
        "runAsUser": user,
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }

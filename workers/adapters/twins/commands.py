"""Commands in the twin's containers: an API server's checks, around a callable that runs them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from schemas.errors import Invalid, TransientError
from schemas.kubernetes import Object
from workers.ports import ExecResult


@dataclass(frozen=True)
class Ended:
    """What a command has done; without an exit code, it has not ended in time."""

    exit_code: int | None = 0
    stdout: bytes = b""
    stderr: bytes = b""


Run = Callable[[Object, str, Sequence[str], timedelta], Ended]
"""Runs a command in a container of a pod, for no longer than it is told."""


def do_nothing(pod: Object, container: str, command: Sequence[str], deadline: timedelta) -> Ended:  # noqa: ARG001
    """Every command succeeds at once, and says nothing."""
    return Ended()


def check_runs(pod: Object, container: str) -> Object:
    """The container's part of the pod's spec. Raises Invalid if the pod has no such container, and TransientError if
    it does not run."""
    name = pod["metadata"]["name"]
    found = next((c for c in _containers(pod["spec"]) if c["name"] == container), None)
    if found is None:
        raise Invalid(f"container {container} is not valid for pod {name}")
    if not pod["spec"].get("nodeName"):
        raise TransientError(f"pod {name} does not have a host assigned")
    if not _runs(pod.get("status") or {}, container):
        raise TransientError(f'container not found ("{container}")')
    return found


def result(ended: Ended, limit: int) -> ExecResult:
    """What the caller of the port gets."""
    out, err = (_last(data, limit) for data in (ended.stdout, ended.stderr))
    return ExecResult(ended.exit_code, out, err, len(ended.stdout) > limit, len(ended.stderr) > limit)


def _containers(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for field in ("containers", "initContainers", "ephemeralContainers"):
        yield from spec.get(field) or []


def _runs(status: dict[str, Any], container: str) -> bool:
    """By the container's own status; a pod whose kubelet is left out runs when it says so."""
    fields = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
    states = [entry.get("state") or {} for f in fields for entry in status.get(f) or [] if entry["name"] == container]
    return "running" in states[0] if states else status.get("phase") == "Running"


def _last(data: bytes, limit: int) -> str:
    return data[max(0, len(data) - limit) :].decode(errors="replace")

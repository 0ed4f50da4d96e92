"""What every cluster does with commands. `conftest` says which clusters."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest

from schemas.errors import Invalid, NotFound, TransientError
from schemas.kubernetes import NAMESPACES, PODS, Object
from tests.support.line import until
from workers.ports import Cluster, ExecResult

LIMIT = 1000


@pytest.fixture(scope="module")
def place(cluster: Cluster) -> Iterator[str]:
    """A namespace with the pod `runs`, which has started, and the pod `waits`, which fits no node."""
    name = f"contract-{uuid.uuid4().hex[:8]}"
    cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    until(lambda: _created(cluster, _pod(name, "runs")), "the pod is accepted")
    cluster.create(PODS, _pod(name, "waits", nodeSelector={"no-node-has": "this-label"}))
    _play_kubelet(cluster, name)
    until(lambda: (cluster.get(PODS, name, "runs").get("status") or {}).get("phase") == "Running", "it runs")
    yield name
    cluster.delete(PODS, name, "runs", grace_seconds=0)
    cluster.delete(NAMESPACES, None, name)


def _pod(namespace: str, name: str, **spec: object) -> Object:
    containers = [{"name": each, "image": "busybox:1.35", "command": ["sleep", "3600"]} for each in ("main", "other")]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "containers": containers,
            **spec,
        },
    }


def _created(cluster: Cluster, pod: Object) -> bool:
    """False while the namespace has no service account yet."""
    try:
        cluster.create(PODS, pod)
    except TransientError:
        return False
    return True


def _play_kubelet(cluster: Cluster, namespace: str) -> None:
    """The twin has neither scheduler nor kubelet."""
    if type(cluster).__name__ == "MemoryCluster":
        cluster.patch(PODS, namespace, "runs", {"spec": {"nodeName": "node-a"}})
        cluster.patch(PODS, namespace, "runs", {"status": {"phase": "Running"}}, status=True)


def run(cluster: Cluster, place: str, *command: str, seconds: float = 20, limit: int = LIMIT) -> ExecResult:
    return cluster.exec(place, "runs", "main", command, deadline=timedelta(seconds=seconds), limit=limit)


def test_outputs_come_apart_and_with_the_exit_code(cluster: Cluster, place: str) -> None:
    assert run(cluster, place, "true") == ExecResult(0)
    assert run(cluster, place, "sh", "-c", "echo out; echo err >&2; exit 3") == ExecResult(3, "out\n", "err\n")
    assert run(cluster, place, "sh", "-c", "kill -9 $$").exit_code == 137


def test_words_reach_the_program_as_they_are(cluster: Cluster, place: str) -> None:
    words = ["a b", "$HOME", "*", "", "é", "a&b=c%20+"]
    assert run(cluster, place, "printf", "%s|", *words).stdout == "".join(f"{word}|" for word in words)


def test_standard_input_is_empty(cluster: Cluster, place: str) -> None:
    assert run(cluster, place, "cat") == ExecResult(0)


def test_bytes_that_are_no_text_are_replaced(cluster: Cluster, place: str) -> None:
    assert run(cluster, place, "printf", r"\377ok").stdout == "\N{REPLACEMENT CHARACTER}ok"


def test_of_much_output_the_end_is_kept(cluster: Cluster, place: str) -> None:
    result = run(cluster, place, "sh", "-c", "yes | head -c 3000000; echo end; echo few >&2")
    assert (len(result.stdout), result.stdout[-6:]) == (LIMIT, "y\nend\n")
    assert (result.stdout_cut, result.stderr_cut) == (True, False)
    assert result.stderr == "few\n"
    assert run(cluster, place, "echo", "x", limit=2) == ExecResult(0, "x\n")
    assert run(cluster, place, "echo", "x", limit=0) == ExecResult(0, stdout_cut=True)


def test_at_the_deadline_there_is_no_exit_code_but_what_was_said(cluster: Cluster, place: str) -> None:
    assert run(cluster, place, "sh", "-c", "echo begun; sleep 300", seconds=3) == ExecResult(None, "begun\n")


def test_a_flood_does_not_hold_up_the_deadline(cluster: Cluster, place: str) -> None:
    result = run(cluster, place, "timeout", "8", "yes", seconds=1)
    assert (result.exit_code, len(result.stdout), result.stdout_cut) == (None, LIMIT, True)


def test_a_command_that_cannot_start_ends_as_in_a_shell(cluster: Cluster, place: str) -> None:
    missing = run(cluster, place, "no-such-program")
    assert missing.exit_code == 127
    assert "no-such-program" in missing.stderr
    assert run(cluster, place, "/no/such/program").exit_code == 127
    assert run(cluster, place, "/etc/passwd").exit_code == 126


def test_without_a_command_nothing_is_run(cluster: Cluster, place: str) -> None:
    with pytest.raises(Invalid):
        run(cluster, place)


def test_what_is_not_there_is_told_apart(cluster: Cluster, place: str) -> None:
    def ask(pod: str, container: str) -> None:
        cluster.exec(place, pod, container, ["true"], deadline=timedelta(seconds=5), limit=LIMIT)

    with pytest.raises(NotFound, match="nope"):
        ask("nope", "main")
    with pytest.raises(Invalid, match="nope"):
        ask("runs", "nope")
    with pytest.raises(TransientError):
        ask("waits", "main")
    ask("runs", "other")

"""One hook in a container: what becomes of it, and the end of one that takes too long."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.errors import Denied, TransientError
from schemas.kubernetes import Object
from tests.support.hooks import Pods, db, hook
from tests.support.local_commands import run_here
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.commands import Ended
from workers.hooks.ending import MARK, end, marked
from workers.hooks.run import KEPT, Ran, failure, obstacle, run

NO_ENV = (
    b'OCI runtime exec failed: exec failed: unable to start container process: exec: "env": executable file not found'
)


def _run(pods: Pods, **fields: object) -> Ran:
    return run(pods.cluster, "shop", hook("dump", **fields), "pre", "mark", pods.clock)


def test_a_result_tells_what_was_said_and_how_it_ended() -> None:
    pods = Pods()
    pods.answer("dump", Ended(0, b"dumped 12 tables\n", b"one notice"))
    result, said = _run(pods)
    assert (said.command, said.stdout, said.stderr) == (["dump"], "dumped 12 tables\n", "one notice")
    assert (result.exit_code, result.error) == (0, "")
    assert (result.pod, result.container, result.phase) == ("db-0", "main", "pre")


def test_of_a_long_output_the_end_is_kept_and_marked() -> None:
    pods = Pods()
    pods.answer("dump", Ended(0, b"x" * 10_000 + b"the end"))
    _, said = _run(pods)
    assert (len(said.stdout), said.stdout[-7:], said.stdout_cut) == (KEPT, "the end", True)
    assert not said.stderr_cut
    pods.answer("dump", Ended(0, b"", b"x" * 10_000 + b"the end"))
    _, said = _run(pods)
    assert (len(said.stderr), said.stderr[-7:], said.stderr_cut, said.stdout_cut) == (KEPT, "the end", True, False)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Ended(3, b"", b"cannot connect to server with s3cr3t"), "it ended with exit code 3"),
        (Ended(126), "it ended with exit code 126"),
        (Denied("pods/exec is forbidden"), "pods/exec is forbidden"),
    ],
)
def test_an_error_is_told_in_plain_words(answer: Ended | Exception, error: str) -> None:
    pods = Pods()
    pods.answer("dump", answer)
    result, _ = _run(pods)
    assert result.error == error
    told = f"Pod shop/db-0, container main: its pre backup hook (annotation) failed: {error}"
    assert str(failure(result)) == told


def test_a_program_with_arguments_and_no_array_is_explained() -> None:
    pods = Pods()
    pods.answer("dump /all", Ended(127, b"", b"env: 'dump /all': No such file or directory"))
    assert "as a JSON array" in _run(pods, command=["dump /all"])[0].error


def test_a_hook_that_is_refused_is_not_run() -> None:
    pods = Pods()
    assert _run(pods, refused="its command is empty", command=[])[0].error == "its command is empty"
    assert pods.ran == []


def test_what_may_pass_is_not_a_result() -> None:
    pods = Pods()
    pods.answer("dump", TransientError("the connection was lost"))
    with pytest.raises(TransientError):
        _run(pods)


def test_a_container_without_env_runs_it_unmarked() -> None:
    pods, ran = Pods(), []

    def execute(_pod: object, _container: str, command: list[str], _deadline: timedelta) -> Ended:
        ran.append(list(command))
        return Ended(127, b"", NO_ENV) if command[0] == "env" else Ended(0, b"done")

    pods.cluster = MemoryCluster([db()], run=execute)  # type: ignore[arg-type]
    assert _run(pods)[1].stdout == "done"
    assert ran == [["env", f"{MARK}=mark", "dump"], ["dump"]]


@pytest.mark.parametrize("command", [["A=b", "c"], ["-i"]])
def test_what_env_would_misread_runs_unmarked(command: list[str]) -> None:
    assert marked(command, "mark") == command


@pytest.mark.parametrize(
    ("ended", "words"),
    [(Ended(0), "it had not ended after 30 s, and was ended"), (Ended(3), "may still run"), (Ended(127), "may still")],
)
def test_after_its_time_a_command_is_ended_or_may_still_run(ended: Ended, words: str) -> None:
    pods = Pods()
    pods.answer("dump", Ended(None, b"half of it"))
    pods.answer("end", ended)
    result, said = _run(pods)
    assert words in result.error
    assert (result.exit_code, said.stdout) == (None, "half of it")
    assert pods.ran == ["dump", "end"]


def _shells() -> Iterator[list[str]]:
    """Those that images have, as far as this machine has them: they differ in what they make of an environment."""
    for name in ("sh", "bash", "busybox"):
        if shutil.which(name):
            yield [name, "sh"] if name == "busybox" else [name]


@pytest.mark.parametrize("shell", list(_shells()))
@pytest.mark.parametrize("stubborn", [False, True])
def test_the_marked_command_and_all_that_it_started_are_ended(stubborn: bool, shell: list[str]) -> None:
    def in_shell(pod: Object, container: str, command: Sequence[str], deadline: timedelta) -> Ended:
        return run_here(pod, container, [*shell, *command[1:]], deadline)

    trap = "trap '' TERM; " if stubborn else ""
    script = f"{trap}sleep 1000 & {sys.executable} -c 'import time; time.sleep(1000)' & echo $! ; wait; sleep 1000"
    mark = os.urandom(8).hex()
    with subprocess.Popen(
        marked(["setsid", "sh", "-c", script], mark), stdout=subprocess.PIPE, process_group=0, text=True
    ) as begun:
        assert begun.stdout
        child = int(begun.stdout.readline())
        assert end(MemoryCluster([db()], run=in_shell), "shop", hook("sh"), mark)
        begun.wait(200)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    """Whether there is such a process; one that has ended has no environment."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes() != b""
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_where_nothing_is_marked_nothing_is_ended() -> None:
    assert not end(MemoryCluster([db()], run=run_here), "shop", hook("sh"), os.urandom(8).hex())


@pytest.mark.parametrize(
    ("pod", "same_pod", "text", "passing"),
    [
        (db(), True, None, None),
        (None, True, "the pod is gone", False),
        (db(phase="Succeeded"), True, "the pod has ended", False),
        (db(phase="Pending"), True, "container main does not run", True),
        (db(status={"containerStatuses": [{"name": "main", "state": {"waiting": {}}}]}), True, "does not run", True),
        ({**db(), "metadata": {**db()["metadata"], "uid": "pod-2"}}, True, "was replaced", False),
        ({**db(), "metadata": {**db()["metadata"], "uid": "pod-2"}}, False, None, None),
    ],
)
def test_obstacles_pass_or_last(pod: dict[str, object] | None, same_pod: bool, text: str | None, passing: bool) -> None:
    found = obstacle(MemoryCluster([pod] if pod else []), "shop", hook("dump"), same_pod=same_pod)
    if text is None:
        assert found is None
    else:
        assert found
        assert text in found.text
        assert found.passing == passing

"""How the closing Status of the exec API is read, in the words of several container runtimes."""

import json

import pytest

from schemas.errors import TransientError
from schemas.kubernetes import Object
from workers.adapters.cluster.exec import outcome

CONTAINERD = "error executing command in container: failed to exec in container: OCI runtime exec failed: exec failed"
CRUN = "error executing command in container: exec failed with exit code 1: executable file `x` not found in $PATH"


def _failure(reason: str, message: str, **more: object) -> bytes:
    return json.dumps({"status": "Failure", "reason": reason, "message": message, "code": 500, **more}).encode()


def _exit(code: str) -> Object:
    return {"causes": [{"reason": "ExitCode", "message": code}]}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (b'{"metadata":{},"status":"Success"}', 0),
        (_failure("NonZeroExitCode", "command terminated with non-zero exit code", details=_exit("137")), 137),
        (_failure("InternalError", f'{CONTAINERD}: exec: "x": executable file not found in $PATH: unknown'), 127),
        (_failure("InternalError", f'{CONTAINERD}: exec: "/x": stat /x: no such file or directory'), 127),
        (_failure("InternalError", f'{CONTAINERD}: exec: "/x": permission denied: unknown'), 126),
        (_failure("InternalError", f"{CRUN}: No such file or directory"), 127),
    ],
)
def test_every_end_has_an_exit_code(status: bytes, code: int) -> None:
    assert outcome(status, "tried")[0] == code


@pytest.mark.parametrize(
    "status",
    [
        b"",
        b"nonsense",
        b"[]",
        _failure("NonZeroExitCode", "no causes"),
        _failure("NonZeroExitCode", "odd", details=_exit("many")),
        _failure("InternalError", "dial unix /run/containerd/containerd.sock: connect: no such file or directory"),
        _failure("InternalError", "container is not running"),
    ],
)
def test_what_is_not_the_commands_end_may_be_tried_again(status: bytes) -> None:
    with pytest.raises(TransientError, match="tried"):
        outcome(status, "tried")

"""The exec API: a command's outputs and its end, on the channels of a WebSocket that speaks v4.channel.k8s.io.

A command goes on when its caller leaves, as on a real node. Here it ends when it writes what nobody reads any
more, when its pod goes, or when the emulator stops.
"""

import asyncio
import json
import os
import re
from collections.abc import Sequence

from aiohttp.web import BaseRequest, StreamResponse, WebSocketResponse, json_response

from deploy.local.emulator.commands import Commands, Started
from schemas.errors import Invalid, NotFound, TransientError
from schemas.kubernetes import PODS, Object
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.commands import check_runs

PATH = re.compile(r"/api/v1/namespaces/(?P<namespace>[^/]+)/pods/(?P<pod>[^/]+)/exec")
PROTOCOL = "v4.channel.k8s.io"
STDOUT, STDERR, ENDED = 1, 2, 3
BLOCK = 32 * 1024


def status(code: int, reason: str, message: str) -> Object:
    """A failure, as the API server words it."""
    kind = {"apiVersion": "v1", "kind": "Status", "metadata": {}}
    return {**kind, "status": "Failure", "code": code, "reason": reason, "message": message}


async def answer(request: BaseRequest, cluster: MemoryCluster, commands: Commands) -> StreamResponse:
    """Answers one request for `PATH`: the WebSocket once all has been said, or the refusal."""
    asked = PATH.fullmatch(request.path)
    assert asked is not None
    socket = WebSocketResponse(protocols=[PROTOCOL])
    try:
        pod = cluster.get(PODS, asked["namespace"], asked["pod"])
        container = _container(pod, request.query.get("container"))
    except NotFound as error:
        return _refused(404, "NotFound", str(error))
    except Invalid as error:
        return _refused(400, "BadRequest", str(error))
    except TransientError as error:
        unplaced = not pod["spec"].get("nodeName")
        return _refused(*((400, "BadRequest") if unplaced else (500, "InternalError")), str(error))
    channels = [number for name, number in (("stdout", STDOUT), ("stderr", STDERR)) if request.query.get(name)]
    if not channels:
        return _refused(400, "BadRequest", "you must specify at least 1 of stdin, stdout, stderr")
    if not socket.can_prepare(request).ok:
        return _refused(400, "BadRequest", "Upgrade request required")
    await socket.prepare(request)
    await _run(socket, pod, container, request.query.getall("command", []), channels, commands)
    return socket


def _container(pod: Object, name: str | None) -> Object:
    names = [container["name"] for container in pod["spec"]["containers"]]
    if not name and len(names) > 1:
        of_pod = f"for pod {pod['metadata']['name']}, choose one of: [{' '.join(names)}]"
        raise Invalid(f"a container name must be specified {of_pod}")
    return check_runs(pod, name or names[0])


def _refused(code: int, reason: str, message: str) -> StreamResponse:
    return json_response(status(code, reason, message), status=code)


async def _run(
    socket: WebSocketResponse,
    pod: Object,
    container: Object,
    command: Sequence[str],
    channels: Sequence[int],
    commands: Commands,
) -> None:
    try:
        started = await commands.start(pod, container, command)
    except (OSError, ValueError, TypeError) as error:
        await _end(socket, _not_started(command, error))
        return
    leaving = asyncio.create_task(_left(socket))
    telling = asyncio.create_task(_tell(socket, started, channels))
    try:
        await asyncio.wait([leaving, telling], return_when=asyncio.FIRST_COMPLETED)
        if telling.done() and not telling.exception():
            await _end(socket, _ended(telling.result()))
    finally:
        leaving.cancel()
        telling.cancel()
        await asyncio.gather(leaving, telling, return_exceptions=True)


async def _left(socket: WebSocketResponse) -> None:
    """Returns when the caller has closed. Whatever is sent on standard input is not read."""
    async for _ in socket:
        pass


async def _tell(socket: WebSocketResponse, started: Started, channels: Sequence[int]) -> int:
    """Passes the outputs on to their ends; the exit code."""
    await asyncio.gather(
        _copy(started.stdout, socket, STDOUT if STDOUT in channels else None),
        _copy(started.stderr, socket, STDERR if STDERR in channels else None),
    )
    return await started.process.wait()


async def _copy(descriptor: int, socket: WebSocketResponse, channel: int | None) -> None:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
    )
    try:
        while data := await reader.read(BLOCK):
            if channel is not None:
                await socket.send_bytes(bytes([channel]) + data)
    finally:
        transport.close()


async def _end(socket: WebSocketResponse, outcome: Object) -> None:
    await socket.send_bytes(bytes([ENDED]) + json.dumps(outcome).encode())
    await socket.close()


def _ended(returned: int) -> Object:
    code = 128 - returned if returned < 0 else returned
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    cause = {"reason": "ExitCode", "message": str(code)}
    message = f"command terminated with non-zero exit code: exit status {code}"
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": message,
        "details": {"causes": [cause]},
    }


def _not_started(command: Sequence[str], error: Exception) -> Object:
    """In the words of containerd and runc."""
    match error:
        case FileNotFoundError():
            why = f'exec: "{command[0]}": executable file not found in $PATH'
        case PermissionError():
            why = f'exec: "{command[0]}": permission denied'
        case _ if not command:
            why = "args must not be empty"
        case _:
            why = f'exec: "{command[0]}": {error}'
    said = "error executing command in container: failed to exec in container: OCI runtime exec failed: exec failed"
    return status(500, "InternalError", f"{said}: unable to start container process: {why}: unknown")

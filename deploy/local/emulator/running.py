"""The emulator in a thread of its own: HTTPS on 127.0.0.1, controllers at work, a kubeconfig to get in."""

import asyncio
import base64
import secrets
import ssl
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any

import kmock
import yaml
from aiohttp.test_utils import RawTestServer

from deploy.local.emulator.api import EmulatedApi
from deploy.local.emulator.certificate import HOST, serving
from deploy.local.emulator.commands import Commands
from deploy.local.emulator.settling import Settling, concerns
from deploy.local.emulator.world import founding
from schemas.kubernetes import Object, ResourceType
from workers.adapters.twins.cluster import MemoryCluster


class Emulator:
    """A running emulated cluster. Use as a context manager, or call `stop`."""

    url: str
    kubeconfig: Path
    cluster: MemoryCluster  # the objects, for looking and for changing from outside HTTP
    api: EmulatedApi  # kmock's handler: `api["get /apis/apps/v1"] << 503` injects a fault

    def __init__(self, root: Path, port: int, kubeconfig: Path, nodes: Sequence[str]) -> None:
        self.kubeconfig = kubeconfig
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._stirred = asyncio.Event()
        self._started: Future[str] = Future()
        self.cluster = MemoryCluster(founding(nodes), changed=self._wake)
        self._commands = Commands(self.cluster, root)
        token = secrets.token_urlsafe(32)
        self.api = EmulatedApi(self.cluster, self._commands, token)
        self._settling = Settling(self.cluster, root, nodes, self._commands.kill)
        tls, authority = serving()
        self._thread = threading.Thread(target=self._run, args=(port, tls), name="kubernetes-emulator", daemon=True)
        self._thread.start()
        self.url = self._started.result()
        kubeconfig.parent.mkdir(parents=True, exist_ok=True)
        kubeconfig.touch(mode=0o600)
        kubeconfig.write_text(_kubeconfig(self.url, authority, token))

    def stop(self) -> None:
        """Stops serving. The volumes' directories stay."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def __enter__(self) -> "Emulator":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wake(self, type_: ResourceType, obj: Object) -> None:
        if concerns(type_, obj) and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stirred.set)

    def _run(self, port: int, tls: ssl.SSLContext) -> None:
        try:
            self._loop.run_until_complete(self._serve(port, tls))
        except Exception as error:
            if self._started.done():
                raise
            self._started.set_exception(error)
        finally:
            self._loop.close()

    async def _serve(self, port: int, tls: ssl.SSLContext) -> None:
        class Server(RawTestServer):
            async def start_server(self, loop: asyncio.AbstractEventLoop | None = None, **options: Any) -> None:
                await super().start_server(loop, ssl=tls, **options)

        async with self.api, kmock.Server(self.api, HOST, port or None, Server) as server:
            settling = asyncio.create_task(self._settling.run(self._stirred))
            self._started.set_result(str(server.url).rstrip("/"))
            await self._stopping.wait()
            await self._commands.stop()
            settling.cancel()
            self.api.hang_up()
        await asyncio.sleep(0)  # sockets close in the loop's next round


def start(root: Path, *, port: int = 0, kubeconfig: Path | None = None, nodes: Sequence[str] = ("node-a",)) -> Emulator:
    """An emulated cluster that answers already. `root` gets `pv/<volume>` and `<node>/pods/<uid>/volumes/...`;
    `kubeconfig` is written, by default to `root/kubeconfig`. Port 0 is any free one."""
    return Emulator(root, port, kubeconfig or root / "kubeconfig", nodes)


def _kubeconfig(url: str, authority: bytes, token: str) -> str:
    context = {"name": "emulated", "context": {"cluster": "emulated", "user": "anyone"}}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "emulated",
                    "cluster": {
                        "server": url,
                        "certificate-authority-data": base64.b64encode(authority).decode(),
                    },
                }
            ],
            "users": [{"name": "anyone", "user": {"token": token}}],
            "contexts": [context],
            "current-context": "emulated",
        }
    )

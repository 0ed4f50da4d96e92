"""A private RabbitMQ on 127.0.0.1, from the distribution's package; other brokers and their epmd are not touched.

Pods reach it at another address of this machine, if one is given.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from deploy.local.ports import free_ports, is_free
from deploy.local.processes import die_with_parent
from schemas import broker_definitions
from schemas.errors import Denied, Invalid, SnaplineError, TransientError
from workers.adapters.broker import connection

SERVERS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/local/lib/rabbitmq/bin/rabbitmq-server")
"""The server itself; the one on PATH is the distribution's wrapper, which insists on a user of its own. So do its
other commands, which lie beside it."""
PATIENCE = 240.0
"""Seconds until it must answer."""
ACCOUNTS = Path(__file__).parents[1] / "rabbitmq"
"""The rights of other systems' users, a file each."""


@dataclass(frozen=True)
class Tls:
    """PEM files: the server's certificate and key, and the authority that clients' certificates have to be by, if they
    show one."""

    authority: Path
    certificate: Path
    key: Path


class RabbitMQ:
    """A running broker with the users `snapline` (all rights), `producer` (may ask for backups, and read) and
    `operator` (may publish all requests, and read)."""

    def __init__(
        self, root: Path, port: int, vhosts: int, address: str, tls: Tls | None = None, *, managed: bool = False
    ) -> None:
        self._root, self.address, self._tls = root.resolve(), address, tls
        free, self._dist, self._epmd_port, management = free_ports(4)
        self.port = port or free
        self.management_port = management if managed else None
        self._passwords = {user: secrets.token_hex(12) for user in ("snapline", "producer", "operator")}
        self.vhosts = ["/", *(f"v{number}" for number in range(vhosts))]
        self._name = f"snapline-{secrets.token_hex(4)}@localhost"
        self._epmd: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._root.mkdir(parents=True, exist_ok=True)
        self._configure()
        self._launch()

    @property
    def url(self) -> str:
        """For the workers."""
        return self.url_of("snapline")

    @property
    def producer_url(self) -> str:
        """For other systems."""
        return self.url_of("producer")

    @property
    def operator_url(self) -> str:
        """For other systems that may ask for everything."""
        return self.url_of("operator")

    def url_of(self, user: str, vhost: str = "/") -> str:
        """For a user and a virtual host."""
        address = f"{user}:{self._passwords[user]}@127.0.0.1:{self.port}/{quote(vhost, safe='')}"
        if self._tls is None:
            return f"amqp://{address}"
        return f"amqps://{address}?cacertfile={quote(str(self._tls.authority), safe='')}"

    @property
    def management_url(self) -> str:
        """Where its HTTP API is, if it is `managed`."""
        return f"http://127.0.0.1:{self.management_port}"

    def control(self, *arguments: str) -> str:
        """What `rabbitmqctl` says. Raises CalledProcessError."""
        command = [str(Path(_server()).with_name("rabbitmqctl")), "--quiet", "--node", self._name, *arguments]
        return subprocess.run(
            command,
            env=self._environment(),
            cwd=self._root,
            check=True,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        ).stdout

    @property
    def pid(self) -> int | None:
        """Of the server, if it has been started."""
        return self._server.pid if self._server is not None else None

    def kill(self) -> None:
        """SIGKILL to the server."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()

    def restart(self) -> None:
        """Starts it again, with the data that it had."""
        self._end()
        self._launch()

    def wipe(self, *, users: bool = True) -> None:
        """Kills it, deletes all its data, and starts it again, with users and nothing else; or with nothing at all,
        until they are back."""
        self.kill()
        shutil.rmtree(self._root / "data")
        self._write("definitions.json", json.dumps(self._definitions() if users else {}))
        self.restart()

    def bring_back_users(self) -> None:
        """Creates them in the running broker."""
        self._import()

    def add_vhosts(self, number: int) -> list[str]:
        """More spare virtual hosts, in the running broker. Raises CalledProcessError."""
        have = len(self.vhosts) - 1
        new = [f"v{have + index}" for index in range(number)]
        self.vhosts += new
        self._import()
        return new

    def stop(self) -> None:
        """Ends it for good."""
        self._end()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None

    def __enter__(self) -> "RabbitMQ":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _configure(self) -> None:
        files = {
            "rabbitmq.conf": "\n".join(
                [
                    *self._listeners(),
                    "loopback_users = none",
                    f"load_definitions = {self._root / 'definitions.json'}",
                    "disk_free_limit.absolute = 50MB",
                    "log.file.level = warning",
                    "",
                ]
            ),
            "definitions.json": json.dumps(self._definitions()),
            "enabled_plugins": "[].\n" if self.management_port is None else "[rabbitmq_management].\n",
            "advanced.config": "[{ra, [{wal_max_size_bytes, 16000000}]}].\n",
        }
        for name, text in files.items():
            self._write(name, text)

    def _listeners(self) -> list[str]:
        managed = [f"management.tcp.port = {self.management_port}", "management.tcp.ip = 127.0.0.1"]
        found = [] if self.management_port is None else managed
        if self._tls is None:
            listening = dict.fromkeys(("127.0.0.1", self.address))
            return [*(f"listeners.tcp.{each} = {at}:{self.port}" for each, at in enumerate(listening, 1)), *found]
        return [
            "listeners.tcp = none",
            f"listeners.ssl.1 = 127.0.0.1:{self.port}",
            f"ssl_options.cacertfile = {self._tls.authority}",
            f"ssl_options.certfile = {self._tls.certificate}",
            f"ssl_options.keyfile = {self._tls.key}",
            "ssl_options.verify = verify_peer",
            "ssl_options.fail_if_no_peer_cert = false",
            *found,
        ]

    def _write(self, name: str, text: str) -> None:
        (self._root / name).write_text(text)
        (self._root / name).chmod(0o600)

    def _import(self) -> None:
        self._write("definitions.json", json.dumps(self._definitions()))
        self.control("import_definitions", str(self._root / "definitions.json"))

    def _definitions(self) -> dict[str, Any]:
        ours = {"user": "snapline", "configure": ".*", "write": ".*", "read": ".*"}
        others = [json.loads((ACCOUNTS / f"{user}.json").read_text()) for user in ("producer", "operator")]
        rights = [ours, *(right for account in others for right in account["permissions"])]
        tags = {} if self.management_port is None else {"snapline": ("administrator",)}
        may_publish = [right for account in others for right in account["topic_permissions"]]
        return {
            "users": [
                broker_definitions.user(name, password, broker_definitions.fresh_salt(), tags.get(name, ()))
                for name, password in self._passwords.items()
            ],
            "vhosts": [{"name": vhost} for vhost in self.vhosts],
            "permissions": [right | {"vhost": vhost} for right in rights for vhost in self.vhosts],
            "topic_permissions": [right | {"vhost": vhost} for right in may_publish for vhost in self.vhosts],
            "policies": [policy for vhost in self.vhosts for policy in broker_definitions.policies(vhost)],
        }

    def _launch(self) -> None:
        environment = self._environment()
        if self._epmd is None:
            epmd = _program("epmd")
            self._epmd = subprocess.Popen(
                [epmd, "-port", str(self._epmd_port), "-address", "127.0.0.1"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=die_with_parent,
            )
        with (self._root / "server.log").open("ab") as log:
            self._server = subprocess.Popen(
                [_server()],
                env=environment,
                cwd=self._root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        self._await()

    def _environment(self) -> dict[str, str]:
        ours = {
            "HOME": str(self._root),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RUNNING_UNDER_SYSTEMD": "true",  # the script then becomes the server, so that its pid is the server's
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_DIST_PORT": str(self._dist),
            "RABBITMQ_MNESIA_BASE": str(self._root / "data"),
            "RABBITMQ_LOG_BASE": str(self._root / "log"),
            "RABBITMQ_CONFIG_FILE": str(self._root / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self._root / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(self._root / "none.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._root / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self._root / "generated"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
        }
        plain = {"RABBITMQ_NODE_PORT": str(self.port), "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1"}
        others = {name: value for name, value in os.environ.items() if not name.startswith("RABBITMQ_")}
        return others | ours | ({} if self._tls else plain)

    def _await(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                connection.close(connection.connect(self.url))
                return
            except Denied:
                return  # it has no users yet
            except SnaplineError as error:
                ended = self._server is not None and self._server.poll() is not None
                if ended or time.monotonic() > deadline:
                    self.stop()
                    raise TransientError(
                        f"RabbitMQ did not start: {error}; its log ends:\n{self._last_words()}"
                    ) from error
            time.sleep(0.1)

    def _last_words(self) -> str:
        return "\n".join((self._root / "server.log").read_text(errors="replace").splitlines()[-10:])

    def _end(self) -> None:
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGTERM)
            try:
                self._server.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


def start(
    root: Path,
    *,
    port: int = 0,
    vhosts: int = 0,
    address: str = "127.0.0.1",
    tls: Tls | None = None,
    managed: bool = False,
) -> RabbitMQ:
    """A broker that answers, with `vhosts` spare virtual hosts; port 0 is any. It can be reached at `address`, too.
    With `tls` it speaks nothing else, and only at 127.0.0.1; `managed` it has its management plugin. Raises Invalid,
    TransientError."""
    if port and not is_free(port):
        raise Invalid(f"port {port} is taken; choose another for RabbitMQ, or 0 for any")
    return RabbitMQ(root, port, vhosts, address, tls, managed=managed)


def _server() -> str:
    for path in SERVERS:
        if Path(path).exists():
            return path
    raise Invalid("there is no rabbitmq-server; install it: apt-get install rabbitmq-server")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Invalid(f"there is no {name}; it comes with Erlang: apt-get install rabbitmq-server")
    return found

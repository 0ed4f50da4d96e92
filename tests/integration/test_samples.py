"""The samples of EVENTS.md, each run as it stands there, by its own language: what they ask for is on the bus."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pika
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from producers.bus import RabbitMQ
from producers.http.app import Needs, application
from producers.http.tokens import Tokens
from producers.publish import request_backup
from schemas import event_token, topology
from schemas import events as e
from schemas.signing import HEADER
from tests.support.line import until
from tests.support.serving import serving
from workers.adapters import broker
from workers.adapters.broker.signatures import Signatures
from workers.deliveries import Delivery

pytestmark = pytest.mark.timeout(600)
EVENTS_MD = (Path(__file__).parents[2] / "schemas/EVENTS.md").read_text()
NODE = Path(sys.prefix) / "node"
"""Where packages for Node are kept beside ours."""
TOKEN = "a token"


def sample(language: str, holds: str) -> str:
    """The one block of a language that holds a text."""
    blocks = [
        block.removeprefix(f"{language}\n") for block in EVENTS_MD.split("```") if block.startswith(f"{language}\n")
    ]
    [found] = [block for block in blocks if holds in block]
    return found


def event(id_: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": id_,
        "source": "samples",
        "type": "backup.requested.v1",
        "data": {"app": "shop"},
    }


def run(*command: str, cwd: Path | None = None, **environment: str) -> str:
    """What a program prints; fails the test if it fails."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, f"{command[:3]}: {done.stdout}\n{done.stderr}"
    return done.stdout


class Heard:
    """What has reached the license gate's queue, with who sent it."""

    def __init__(self) -> None:
        self.events: list[tuple[dict[str, Any], str]] = []

    def __call__(self, event: dict[str, Any], via: Delivery) -> None:
        self.events.append((event, via.sender))

    def of(self, id_: str) -> tuple[dict[str, Any], str]:
        """The first of an id, when it is there."""
        until(lambda: any(event["id"] == id_ for event, _ in self.events), f"{id_} is heard", 120)
        return next(each for each in self.events if each[0]["id"] == id_)


@pytest.fixture
def heard(url: str) -> Iterator[Heard]:
    broker.declare(url)
    found = Heard()
    with serving(url, topology.queue("license.gate"), found):
        yield found


@pytest.fixture
def post_events(url: str) -> Iterator[str]:
    """The address of a server that takes events over HTTP, in this process, on a port of its own."""
    bus = RabbitMQ(url, "snapline/http")
    known = [event_token.make("samples", ["backup.requested.v1"], TOKEN)]
    needs = Needs(Tokens(lambda: known, lambda: 0.0), bus.publish, "snapline", lambda: datetime.now(UTC))
    config = uvicorn.Config(application(needs), host="127.0.0.1", port=0, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started or not thread.is_alive(), "the server listens")
        [socket] = server.servers[0].sockets
        yield f"http://127.0.0.1:{socket.getsockname()[1]}/events"
    finally:
        server.should_exit = True
        thread.join(60)
        bus.close()


def test_python_with_pika_alone(heard: Heard, producer_url: str, tmp_path: Path) -> None:
    program = tmp_path / "request.py"
    program.write_text(sample("python", "import pika"))
    run(sys.executable, str(program), producer_url, json.dumps(event("python")))
    asked, sender = heard.of("python")
    assert (asked["data"]["app"], asked["source"], sender) == ("shop", "samples", "producer")


def test_python_that_signs(url: str, producer_url: str) -> None:
    """The sample's signature holds on a real broker, makes its key the sender, and is wanted of who has to sign."""
    key = Ed25519PrivateKey.generate()
    named: dict[str, Any] = {}
    exec(sample("python", "load_pem_private_key"), named)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    bodies = {name: json.dumps(event(name)).encode() for name in ("signed", "unsigned", "of another")}
    headers = {name: {HEADER: named["signature"](pem, "partner", "prod", body)} for name, body in bodies.items()}
    headers["unsigned"], headers["of another"] = {}, headers["signed"]
    broker.declare(url)
    heard, queue = Heard(), topology.queue("license.gate")
    wanted = Signatures({"partner": key.public_key()}, frozenset({"producer"}), "prod")
    with serving(url, queue, heard, signatures=wanted):
        for name in ("unsigned", "of another", "signed"):
            publish_with(producer_url, bodies[name], headers[name])
        assert heard.of("signed")[1] == "key:partner"
    assert [asked["id"] for asked, _ in heard.events] == ["signed"]
    reasons = sorted(letter.reason for letter in broker.list_dead_letters(url, queue.name))
    assert len(reasons) == 2
    assert "may carry signed requests only" in reasons[1]
    assert "its signature is not one of the key 'partner'" in reasons[0]


def publish_with(url: str, body: bytes, headers: dict[str, Any]) -> None:
    """As any client does."""
    parameters = pika.URLParameters(url)
    sent = pika.BasicProperties(delivery_mode=2, user_id=parameters.credentials.username, headers=headers)
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish(topology.EVENTS, "backup.requested.v1", body, sent, mandatory=True)


def test_python_with_what_we_have_for_it(heard: Heard, producer_url: str) -> None:
    assert "request_backup" in sample("python", "producers.publish")
    assert request_backup(producer_url, app="shop", id="ours", source="samples") == "ours"
    asked, sender = heard.of("ours")
    assert (asked["data"]["app"], asked["source"], sender) == ("shop", "samples", "producer")


def test_node_with_amqplib(heard: Heard, producer_url: str, tmp_path: Path) -> None:
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("there is no npm or no node here")
    if not (NODE / "node_modules" / "amqplib").is_dir():
        NODE.mkdir(exist_ok=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(NODE), "amqplib@2"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode:
            pytest.skip(f"npm cannot install amqplib: {done.stderr[-300:]}")
    program = tmp_path / "request.js"
    program.write_text(sample("js", "amqplib"))
    run("node", str(program), producer_url, json.dumps(event("node")), NODE_PATH=str(NODE / "node_modules"))
    asked, sender = heard.of("node")
    assert (asked["data"]["app"], sender) == ("shop", "producer")


def test_the_shell_with_curl_in_both_modes(heard: Heard, post_events: str, tmp_path: Path) -> None:
    program = tmp_path / "request.sh"
    program.write_text(sample("sh", "curl"))
    said = json.loads(run("sh", str(program), post_events, TOKEN, json.dumps(event("shell"))))
    asked, sender = heard.of("shell")
    assert (asked["data"]["app"], asked["source"], sender) == ("shop", "http/samples/samples", "snapline")
    assert (said["id"], said["kind"], said["name"][:5]) == ("shell", "backup", "shop-")
    again = json.loads(run("sh", str(program), post_events, TOKEN, json.dumps(event("shell"))))
    assert again == said


def test_go_with_its_standard_library(heard: Heard, post_events: str, tmp_path: Path) -> None:
    if not shutil.which("go"):
        pytest.skip("there is no Go here")
    (tmp_path / "request.go").write_text(sample("go", "net/http"))
    program = str(tmp_path / "request")
    run("go", "build", "-o", program, "request.go", cwd=tmp_path, CGO_ENABLED="0", GO111MODULE="off")
    said = json.loads(run(program, post_events, TOKEN, json.dumps(event("go"))))
    asked, _ = heard.of("go")
    assert (asked["data"]["app"], said["id"]) == ("shop", "go")


def test_what_is_refused_over_http_reaches_nobody(heard: Heard, post_events: str, tmp_path: Path) -> None:
    program = tmp_path / "request.sh"
    program.write_text(sample("sh", "curl"))
    forged = {**event("forged"), "type": e.BackupCompleted.type, "data": {"backup": "shop-bcdfg"}}
    for token, sent, status in (("nobody", event("stranger"), "401"), (TOKEN, forged, "403")):
        command = ["sh", str(program), post_events, token, json.dumps(sent)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 22
        assert f": {status}" in done.stderr
        assert json.loads(done.stdout)["status"] == int(status)
    run("sh", str(program), post_events, TOKEN, json.dumps(event("after")))
    heard.of("after")
    assert {each["id"] for each, _ in heard.events} == {"after"}

"""A broker that speaks TLS only, with a private authority, and has its management plugin: workers, commands and the
event log work over it, and whoever is not the broker that was meant is refused, in words that say why."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copyfile
from typing import Any
from urllib.parse import quote

import pytest
from typer.testing import CliRunner

from deploy.local import rabbitmq
from deploy.local.rabbitmq import RabbitMQ, Tls
from producers.cli.main import cli
from schemas import broker_definitions, topology
from schemas import events as e
from schemas.errors import Denied, Invalid, TransientError
from schemas.rights import Rights
from schemas.services import services
from tests.support.authority import Authority, Pair
from tests.support.event_log import logged
from tests.support.line import until
from tests.support.serving import serving
from workers.adapters import broker
from workers.adapters.broker import connection, migrating
from workers.adapters.broker.migrating import Management, Trust
from workers.deliveries import Delivery

pytestmark = pytest.mark.timeout(600)
GATE = topology.queue("license.gate")
TRUST = Trust("snapline", Rights(line=frozenset({"snapline"})))


@dataclass(frozen=True)
class Secured:
    """The broker, its authority, and what it shows; which may be changed while it runs."""

    server: RabbitMQ
    authority: Authority
    shown: Pair

    def url(self, host: str = "127.0.0.1", **files: Path) -> str:
        """For the workers, with these files in place of the authority's."""
        address, _, _ = self.server.url.partition("?")
        asked = "&".join(f"{name}={quote(str(file), safe='')}" for name, file in files.items())
        return address.replace("@127.0.0.1:", f"@{host}:") + (f"?{asked}" if asked else "")

    def show(self, pair: Pair) -> None:
        """Has it show another certificate from now on."""
        copyfile(pair.certificate, self.shown.certificate)
        copyfile(pair.key, self.shown.key)
        self.server.control("eval", "ssl:clear_pem_cache().")


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder)
    shown = authority.pair("127.0.0.1")
    tls = Tls(authority.file, shown.certificate, shown.key)
    with rabbitmq.start(folder / "rabbitmq", vhosts=3, tls=tls, managed=True) as server:
        yield Secured(server, authority, shown)


def _request(id_: str) -> e.AnyEvent:
    return e.wrap(e.BackupRequested(), id=id_, source="tests", time=datetime.now(UTC))


def test_workers_commands_and_the_event_log_work_over_it(secured: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    url, got = secured.url(cacertfile=secured.authority.file), list[str]()

    def handle(event: dict[str, Any], _: Delivery) -> None:
        got.append(event["id"])

    monkeypatch.setenv("SNAPLINE_AMQP_URL", secured.url())
    monkeypatch.setenv("SNAPLINE_AMQP_CA", str(secured.authority.file))
    with serving(url, GATE, handle):
        until(lambda: broker.queue_state(url, GATE.name).consumers == 1, "it is served")
        asked = CliRunner().invoke(cli, ["publish", "backup.requested.v1", "-f", "-", "--id", "by-cli"], input="{}")
        assert asked.exit_code == 0, asked.exception
        until(lambda: got == ["by-cli"], "it is handled")
        until(lambda: [entry.event.id for entry in logged(url)] == ["by-cli"], "it is in the event log")


def test_who_is_not_the_broker_that_was_meant_is_refused(secured: Secured, tmp_path: Path) -> None:
    ours, other = secured.authority, Authority(tmp_path, "another")
    with pytest.raises(TransientError, match=r"its certificate is not trusted.*certificate chain") as refused:
        connection.connect(secured.url())  # by the authorities that everybody knows
    assert "running" not in str(refused.value)
    with pytest.raises(TransientError, match="its certificate is not trusted"):
        connection.connect(secured.url(cacertfile=other.file))
    with pytest.raises(TransientError, match=r"its certificate is not trusted.*localhost"):
        connection.connect(secured.url("localhost", cacertfile=ours.file))
    good = Pair(*(tmp_path / name for name in ("good.crt", "good.key")))
    copyfile(secured.shown.certificate, good.certificate)
    copyfile(secured.shown.key, good.key)
    secured.show(ours.pair("127.0.0.1", ended=timedelta(days=3)))
    with pytest.raises(TransientError, match=r"its certificate is not trusted.*expired"):
        connection.connect(secured.url(cacertfile=ours.file))
    secured.show(good)
    connection.close(connection.connect(secured.url(cacertfile=ours.file)))


def test_a_client_may_show_a_certificate_and_it_has_to_be_by_the_authority(secured: Secured, tmp_path: Path) -> None:
    ours = secured.authority
    known, stranger = ours.pair("license.gate"), Authority(tmp_path, "another").pair("license.gate")

    def shown(pair: Pair) -> str:
        return secured.url(cacertfile=ours.file, certfile=pair.certificate, keyfile=pair.key)

    connection.close(connection.connect(shown(known)))
    with pytest.raises(TransientError):
        connection.connect(shown(stranger))
    with pytest.raises(Invalid, match=r"could not read the certificate .*none\.pem"):
        connection.connect(shown(Pair(tmp_path / "none.pem", known.key)))


def test_it_is_not_reached_without_tls(secured: Secured) -> None:
    plain = secured.url().replace("amqps://", "amqp://")
    with pytest.raises(TransientError, match="could not reach RabbitMQ"):
        connection.connect(plain)


def test_with_its_management_a_migration_sees_and_mends_the_rest(secured: Secured) -> None:
    url = secured.server.url_of("snapline", "v1")
    management = Management(secured.server.management_url, url)
    list(migrating.migrate(url, ("node-a",), TRUST, management))
    assert migrating.check(url, ("node-a",), management) == []
    with connection.channel(url, "leave what an older version has") as channel:
        channel.queue_bind(GATE.name, topology.EVENTS, "backup.asked.v0")
        channel.queue_unbind(GATE.name, topology.EVENTS, GATE.binding_keys[0])
        channel.queue_declare("snapshot.take.XQ", durable=True)
        channel.confirm_delivery()
        channel.basic_publish("", "snapshot.take.XQ", b"old", mandatory=True)
    old, new = topology.policies()
    management.delete_policy(new.name)
    limits = {"pattern": old.pattern, "apply-to": "queues", "definition": {"max-length": 7}, "priority": 0}
    for name in (old.name, "snapline.older"):
        management.put_policy({"name": name, **limits})

    found = {(each.kind, each.name, each.state): each.waiting for each in migrating.check(url, ("node-a",), management)}
    assert found == {
        ("binding", f"{topology.EVENTS} to {GATE.name} by {GATE.binding_keys[0]}", "missing"): None,
        ("binding", f"{topology.EVENTS} to {GATE.name} by backup.asked.v0", "left over"): None,
        ("policy", old.name, "different"): None,
        ("policy", new.name, "missing"): None,
        ("policy", "snapline.older", "left over"): None,
        ("queue", "snapshot.take.XQ", "left over"): 1,
    }
    list(migrating.migrate(url, ("node-a",), TRUST, management))
    [left] = migrating.check(url, ("node-a",), management)
    assert (left.name, left.waiting) == ("snapshot.take.XQ", 1)


def test_services_do_not_get_into_the_management_and_their_rights_are_compared(
    secured: Secured, tmp_path: Path
) -> None:
    passwords = dict.fromkeys(services(("node-a",), any_node=True), "hush")
    made = broker_definitions.definitions("v2", ("node-a",), any_node=True, passwords=passwords)
    (tmp_path / "definitions.json").write_text(json.dumps(made))
    secured.server.control("import_definitions", str(tmp_path / "definitions.json"))
    where = secured.server.management_url
    for name in passwords:
        with pytest.raises(Denied, match="administrator"):
            Management(where, f"amqps://{name}:hush@127.0.0.1:{secured.server.port}/v2").queues()
    url = secured.server.url_of("snapline", "v2")
    assert migrating.check(url, ("node-a",), Management(where, url)) == []
    secured.server.control("set_permissions", "-p", "v2", "notify", ".*", ".*", ".*")
    [told] = migrating.check(url, ("node-a",), Management(where, url))
    assert (told.kind, told.name, told.state) == ("permission", "notify", "different")
    with pytest.raises(Invalid, match="the user is that of SNAPLINE_AMQP_URL"):
        Management(where.replace("http://", "http://snapline:hush@"), url)

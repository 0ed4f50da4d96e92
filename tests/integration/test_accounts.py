"""The whole line with an account for each service, with the least rights: all goes on, and nobody does another's."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pika
import pytest

from deploy import accounts
from deploy.local import looking
from deploy.local.stack import BESIDE
from producers.bus import RabbitMQ
from schemas import events as e
from schemas import keys, services, topology
from schemas.job import Job, backup
from schemas.records import BackupRecord, BackupRequest
from tests.integration.test_outsiders import body, channel, sent_by
from tests.support.event_log import logged
from tests.support.line import Line, Servers, queues, until, whole_line
from tests.support.receiver import receiver
from workers.adapters import broker
from workers.jobs import ledger

pytestmark = pytest.mark.timeout(600)
NODES = ("node-a", "node-b")
NODE, OTHER = map(topology.volumes, NODES)
FORGED = e.VolumesRestoreRequested(
    restore="r", node="node-a", volume="shop/data", pod_uid="another-pod", directory="data", slice=0
)
KEY = topology.routing_key(FORGED)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> dict[str, dict[str, str]]:
    """Each service's settings, with its account made."""
    folder = tmp_path_factory.mktemp("accounts")
    rights = accounts.write(folder, NODES, broker=f"127.0.0.1:{servers.broker.port}", vhost=servers.vhost)
    servers.broker.control("import_definitions", str(rights))
    return {name: accounts.read(folder / f"{name}.env") for name in services.services(NODES)}


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, servers: Servers, own: dict[str, dict[str, str]]) -> Iterator[Line]:
    trusted = f"snapline,{services.trusted_users(NODES)}"
    with (
        receiver("a webhook's secret") as hook,
        whole_line(
            tmp_path_factory.mktemp("line"),
            servers,
            trusted_users=trusted,
            webhook_urls=hook.url,
            webhook_secret=hook.secret,
        ) as line,
    ):
        line.stack.start_workers(own=own, beside=BESIDE)
        until(
            lambda: all(broker.queue_state(line.url, name).consumers for name in (*queues(), *BESIDE)), "all are served"
        )
        yield line


def _url(own: dict[str, dict[str, str]], service: str) -> str:
    return own[service][accounts.ADDRESS]


def test_everything_goes_on_and_each_event_is_told_by_who_may(
    line: Line, own: dict[str, dict[str, str]], servers: Servers
) -> None:
    before = line.look()
    made = line.snapline("backup", "--wait", "--timeout", "400")
    assert made["status"] == "Completed"
    line.destroy()
    restored = line.snapline("restore", "--from-backup", made["name"], "--wait", "--timeout", "400")
    assert restored["status"] == "Completed"
    assert looking.differences(before, line.look()) == []
    old = _expired(line)
    with closing(broker.Publisher(_url(own, services.SCHEDULER), "tests")) as clock:
        clock.publish(e.wrap(e.TickMinute(minute="now"), source="snapline/scheduler", time=datetime.now(UTC)))
    until(lambda: not ledger.exists(line.store, keys.final(old)), "what has expired is deleted", 120)
    assert line.snapline("delete", "backup", made["name"], "--wait", "--yes")["status"] == "Deleted"
    log = line.stack.root / "log" / "watchdog.log"
    until(lambda: "message handled" in log.read_text(), "the tick is heard")
    broker.broadcast_cancel(servers.broker.url_of("operator", servers.vhost), backup("nobody"))
    assert line.dead_letters() == []
    quiet = {"watchdog", "alarms"}  # nothing stands still, and there is nothing to be alarmed about
    quiet |= {"upgrades", "post.events", "console", OTHER.name}  # nobody watches workloads, posts, or clicks
    until(
        lambda: {entry.sender for entry in _ours(line)} | quiet == {*services.services(NODES), "snapline"},
        "everybody has told something",
    )
    for entry in _ours(line):
        assert entry.sender == "snapline" or type(entry.event.data) in services.tells(entry.sender), entry


def _ours(line: Line) -> list[broker.Logged]:
    return [entry for entry in logged(line.url) if entry.event.source.startswith("snapline/")]


def _expired(line: Line) -> Job:
    """A backup of long ago, of an application of which there is a newer one."""
    old, at = backup("shop-floor-old"), datetime.now(UTC) - timedelta(days=60)
    asked = {"name": old.name, "request": "q", "event_id": "q", "requested_at": at, "app": "shop-floor"}
    ended = {"status": "Completed", "completed_at": at, "expires_at": at + timedelta(days=30)}
    ledger.put(line.store, keys.request(old), BackupRequest.model_validate(asked))
    ledger.put(line.store, keys.final(old), BackupRecord.model_validate({**asked, **ended}))
    return old


@pytest.mark.parametrize("service", sorted({*services.services(NODES)} - {"restore.apply", NODE.name}))
def test_nobody_but_restore_apply_and_the_node_itself_has_a_volume_written(
    own: dict[str, dict[str, str]], line: Line, service: str
) -> None:
    for exchange in (topology.TOLD, topology.EVENTS):
        with channel(_url(own, service)) as opened, pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
            opened.basic_publish(exchange, KEY, body(FORGED), sent_by(service))
        assert refused.value.reply_code == 403


def test_no_detour_leads_to_a_nodes_worker(line: Line, own: dict[str, dict[str, str]]) -> None:
    """A header that copies; and two dead-letter exchanges of a queue that the account of another node may declare."""
    may = topology.routing_key(e.NotificationDelivered(event="e", target="t"))
    with channel(_url(own, "notify")) as opened:
        opened.basic_publish(topology.TOLD, may, body(FORGED), sent_by("notify", headers={"CC": [KEY]}))
    with channel(_url(own, OTHER.name)) as opened:
        for number, (exchange, key) in enumerate([(topology.TOLD, KEY), (topology.WORK, NODE.name)]):
            mine = f"{OTHER.name}.delay.{number}"
            arguments = {"x-dead-letter-exchange": exchange, "x-dead-letter-routing-key": key, "x-message-ttl": 0}
            opened.queue_declare(mine, arguments=arguments)
            opened.queue_bind(mine, topology.WORK, mine)
            opened.basic_publish(topology.WORK, mine, body(FORGED), sent_by(OTHER.name))
        letters: dict[str, str] = {}

        def all_are_parked() -> bool:  # what a look has seen is out of the next one's sight for a moment
            letters.update((letter.id, letter.reason) for letter in broker.list_dead_letters(line.url, NODE.name))
            return len(letters) == 3

        until(all_are_parked, "they are parked")
        for number in range(2):
            opened.queue_delete(f"{OTHER.name}.delay.{number}")
    reasons = " ".join(letters.values())
    for why in ("came with the routing key", "came through a dead-letter exchange", "came past the exchange"):
        assert why in reasons
    dropped: list[int] = []

    def drop_them() -> bool:
        dropped.append(broker.drop(line.url, NODE.name))
        return sum(dropped) == 3

    until(drop_them, "they are dropped")


def test_a_dead_letter_names_its_sender_whoever_has_parked_it(
    line: Line, servers: Servers, own: dict[str, dict[str, str]]
) -> None:
    with channel(servers.producer_url) as opened:
        opened.basic_publish(topology.EVENTS, "backup.requested.v1", b"rubbish", sent_by("producer"))
    found: list[dict[str, str]] = []

    def is_listed() -> bool:
        found[:] = line.snapline("dead-letters", "list", "--queue", "license.gate")
        return bool(found)

    until(is_listed, "it is parked")
    assert [letter["sender"] for letter in found] == ["producer"]
    # What somebody has looked at is back in its place a moment later.
    until(lambda: broker.drop(line.url, "license.gate") == 1, "it is dropped")


def test_the_console_does_with_its_own_account_what_people_ask_of_it(
    line: Line, servers: Servers, own: dict[str, dict[str, str]]
) -> None:
    queue = "license.gate"
    with channel(servers.producer_url) as opened:
        opened.basic_publish(topology.EVENTS, "backup.requested.v1", b"rubbish too", sent_by("producer"))
    with closing(RabbitMQ(_url(own, services.CONSOLE), "snapline/console")) as bus:
        until(lambda: [letter.body for letter in bus.dead_letters(queue)] == [b"rubbish too"], "it is parked")
        until(lambda: bus.redrive(queue) == 1, "it is given back")
        until(lambda: bus.drop(queue) == 1, "it is parked again, and dropped")
        bus.broadcast_cancel(backup("nobody"))
        bus.publish(e.wrap(e.BackupRequested(app="nobody"), source="snapline/console", time=datetime.now(UTC)))
        assert bus.listeners(queue)
        assert next(bus.read_log("first")).event

"""Whoever has one service's account on the broker: everything that is not the service's is refused, whatever they try.

What may be done is taken from who tells and hears what (schemas/services.py, schemas/topology.py), not from the rights
that are made of it; what is tried is everything, on every exchange, queue and key that there is.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError, ChannelClosedByBroker

from deploy.local.rabbitmq import RabbitMQ
from schemas import broker_definitions, broker_queues, topology
from schemas import events as e
from schemas.services import ANY_NODE, CONSOLE, POST_EVENTS, PRODUCERS, SCHEDULER, services, tells
from schemas.topology import CONTROL, EVENT_LOG, EVENTS, TOLD, WORK

NODES = ("node-a", "node-b")
STEPS = [*topology.QUEUES.values(), *map(topology.volumes, NODES)]
OWN = {queue.name: [each.name for each in broker_queues.declared(queue)] for queue in STEPS}
"""By step, all its queues: its own, its dead letters, its rungs."""
TRIED = [name for names in OWN.values() for name in (names[0], names[1], names[-1])]
"""One rung of each ladder stands for the others."""
ACCOUNTS = services(NODES, any_node=True)
REFUSED, FORGED, LOCKED = 403, 406, 405
Act = Callable[[BlockingChannel], object]


@pytest.fixture(scope="module")
def vhost(spare_vhosts: Iterator[str]) -> str:
    """One for all: what is refused leaves no trace, and what is allowed only takes and gives messages."""
    return next(spare_vhosts)


@pytest.fixture(scope="module")
def password(broker_server: RabbitMQ, vhost: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of every account; the broker has been given its definitions."""
    made = broker_definitions.definitions(vhost, NODES, any_node=True, passwords=dict.fromkeys(ACCOUNTS, "hush"))
    file = tmp_path_factory.mktemp("definitions") / "definitions.json"
    file.write_text(json.dumps(made))
    broker_server.control("import_definitions", str(file))
    return "hush"


class Attacker:
    """One who has an account, and tries things: over one connection, with a channel for each that was refused."""

    def __init__(self, connection: pika.BlockingConnection) -> None:
        self.connection = connection
        self._channel: BlockingChannel | None = None

    def tries(self, act: Act) -> int:
        """The broker's code for a refusal; 0 if it was done."""
        if self._channel is None or not self._channel.is_open:
            self._channel = self.connection.channel()
            self._channel.confirm_delivery()
        try:
            act(self._channel)
        except ChannelClosedByBroker as error:
            return int(error.reply_code)
        return 0


@pytest.fixture
def attacker(broker_server: RabbitMQ, vhost: str, password: str, account: str) -> Iterator[Attacker]:
    with _connected(broker_server, vhost, account, password) as connection:
        yield Attacker(connection)


@contextmanager
def _connected(server: RabbitMQ, vhost: str, user: str, password: str) -> Iterator[pika.BlockingConnection]:
    where = pika.ConnectionParameters(
        "127.0.0.1", server.port, vhost, pika.PlainCredentials(user, password), heartbeat=0
    )
    connection = pika.BlockingConnection(where)
    try:
        yield connection
    finally:
        if connection.is_open:
            connection.close()


def _node(account: str) -> str | None:
    return None if account in PRODUCERS or account == ANY_NODE else topology.queue(account).node


def _on_node(account: str) -> bool:
    return account == ANY_NODE or _node(account) is not None


def _served(account: str) -> list[str]:
    """The steps whose queues are the account's."""
    if account == ANY_NODE:
        return [topology.volumes(node).name for node in NODES]
    return [account] if account in OWN else []


def _keys(kind: type[e.Event]) -> list[tuple[str, str | None]]:
    """Each key that an event of the kind may have, and the node in it."""
    if "node" in kind.model_fields:
        return [(f"{kind.type}.{node}", node) for node in NODES]
    return [(kind.type, None)]


def _may_publish(account: str) -> set[tuple[str, str]]:
    """Exchange and key."""
    told = {
        (EVENTS if kind.type in e.REQUESTS else TOLD, key)
        for kind in tells(account)
        for key, node in _keys(kind)
        if node is None or _node(account) in (None, node)
    }
    back = {(WORK, name) for step in _served(account) for name in OWN[step]}
    logged = {
        (WORK, EVENT_LOG) for step in _served(account) if any(k.type in e.REQUESTS for k in topology.queue(step).hears)
    }
    if account == CONSOLE:  # to its rights, all queues of a node are steps: a node may be called anything
        steps = {name for step, names in OWN.items() for name in names if name == step or topology.queue(step).node}
        return told | {(WORK, name) for name in steps} | {(CONTROL, "")}
    return told | back | logged


def _may_read(account: str) -> set[str]:
    if account == CONSOLE:
        return {EVENT_LOG, *(names[1] for names in OWN.values())}
    found = {name for step in _served(account) for name in OWN[step]}
    return found if _on_node(account) else {name for name in found if ".delay." not in name}


def _publish(exchange: str, key: str, channel: BlockingChannel, **properties: Any) -> None:
    channel.basic_publish(exchange, key, b"", pika.BasicProperties(**properties), mandatory=False)


every = pytest.mark.parametrize("account", ACCOUNTS)


@every
def test_it_publishes_what_its_service_tells_and_nothing_else(attacker: Attacker, account: str) -> None:
    keys = [key for kind in e.KINDS.values() for key, _ in _keys(kind)]
    tried = [(exchange, key) for exchange in (EVENTS, TOLD) for key in [*keys, "backup.licensed.v2", "#", ""]]
    tried += [(WORK, name) for name in [*TRIED, EVENT_LOG, "other"]]
    tried += [(CONTROL, ""), *(("", name) for name in [*OWN, EVENT_LOG]), ("amq.topic", "x"), ("amq.fanout", "")]
    may = _may_publish(account)
    done = {(exchange, key): attacker.tries(partial(_publish, exchange, key)) for exchange, key in tried}
    assert {each for each, code in done.items() if code == 0} == may & done.keys()
    assert set(done.values()) <= {0, REFUSED}
    assert may


@every
def test_it_reads_purges_and_deletes_its_own_queues_at_most(attacker: Attacker, account: str) -> None:
    mine = _may_read(account)
    for name in [*TRIED, EVENT_LOG]:
        allowed = name in mine
        takes = (BlockingChannel.queue_purge, BlockingChannel.basic_get)  # which no stream lets anybody do
        for act in (_consume, *(() if allowed and name == EVENT_LOG else takes)):
            code = attacker.tries(partial(act, queue=name))
            assert (code != REFUSED) == allowed, f"{act.__name__} {name}: {code}"
        if not (_on_node(account) and allowed):
            assert attacker.tries(partial(BlockingChannel.queue_delete, queue=name)) == REFUSED, name


def _consume(channel: BlockingChannel, queue: str) -> None:
    channel.basic_qos(prefetch_count=1)
    channel.basic_cancel(channel.basic_consume(queue, lambda *_: None))


@every
def test_it_declares_and_deletes_nothing_but_a_node_its_own_queues(attacker: Attacker, account: str) -> None:
    own = {name for step in _served(account) for name in OWN[step]} if _on_node(account) else set()
    others = ["other", "snapline", f"{SCHEDULER}.x", "volumes", "license.gate.delay.7", "amq.gen-x"]
    for name in [*TRIED, EVENT_LOG, *others]:
        code = attacker.tries(
            partial(BlockingChannel.queue_declare, queue=name, durable=True, arguments=_arguments(name))
        )
        assert (code != REFUSED) == (name in own), name
        assert code in {0, REFUSED}, name
    private = attacker.tries(lambda channel: channel.queue_declare("", exclusive=True))
    assert private == (0 if _on_node(account) else REFUSED)
    for name in [*broker_queues.EXCHANGES, "other", "amq.topic"]:
        assert (
            attacker.tries(partial(BlockingChannel.exchange_declare, exchange=name, exchange_type="topic")) == REFUSED
        )
        assert attacker.tries(partial(BlockingChannel.exchange_delete, exchange=name)) == REFUSED
        for source in broker_queues.EXCHANGES:
            bind = partial(BlockingChannel.exchange_bind, destination=name, source=source, routing_key="#")
            # RabbitMQ cannot tell a queue that hears cancellations from an exchange that does: so a node's worker may
            # have them copied to where it tells. There they have no key that a step hears, and readers pass them over.
            copied = _on_node(account) and source == CONTROL and name in (TOLD, WORK)
            assert attacker.tries(bind) == (0 if copied else REFUSED), (source, name)
            if copied:
                attacker.tries(
                    partial(BlockingChannel.exchange_unbind, destination=name, source=source, routing_key="#")
                )


def _arguments(name: str) -> dict[str, Any]:
    """As it is there, so that nothing but a right is missing."""
    if name == EVENT_LOG:
        return dict(broker_queues.event_log().arguments)
    there = [each for queue in STEPS for each in broker_queues.declared(queue)]
    return dict(next((each.arguments for each in there if each.name == name), {}))


@every
def test_no_queue_of_its_own_hears_what_is_not_its_own(attacker: Attacker, account: str) -> None:
    """Spying: with the queue that it serves, and with a private one where it may have one."""
    heard = (
        {key for step in _served(account) for key in topology.queue(step).binding_keys} if _on_node(account) else set()
    )
    keys = ["#", "*.*.*", "backup.*.v1", *(key for queue in STEPS for key in queue.binding_keys)]
    names = [*_served(account), *TRIED[:1]]
    if _on_node(account):
        opened = attacker.connection.channel()
        names.append(opened.queue_declare("", exclusive=True).method.queue)
    for name in names:
        ours = _on_node(account) and (name in _served(account) or name.startswith("amq.gen"))
        for exchange, key in [*((EVENTS, key) for key in keys), (TOLD, "#"), (TOLD, "backup.completed.v1")]:
            code = attacker.tries(partial(BlockingChannel.queue_bind, queue=name, exchange=exchange, routing_key=key))
            assert code == (0 if ours and exchange == EVENTS and key in heard else REFUSED), (name, exchange, key)
            off = partial(BlockingChannel.queue_unbind, queue=TRIED[0], exchange=exchange, routing_key=key)
            assert attacker.tries(off) == REFUSED, key
        for other in OWN:
            if other not in _served(account):
                work = partial(BlockingChannel.queue_bind, queue=name, exchange=WORK, routing_key=other)
                assert attacker.tries(work) == REFUSED, (name, other)


@every
def test_it_cannot_speak_in_anothers_name(attacker: Attacker, account: str) -> None:
    exchange, key = sorted(_may_publish(account))[0]
    for user in ({"snapline", *ACCOUNTS} - {account}) | {""}:
        if user:
            assert attacker.tries(partial(_publish, exchange, key, user_id=user)) == FORGED, user
    assert attacker.tries(partial(_publish, exchange, key, user_id=account)) == 0


@every
def test_a_queue_of_its_own_sends_what_dies_in_it_no_further_than_the_account_may_write(
    attacker: Attacker, account: str
) -> None:
    """Of what it may write to anyway, workers park what came that way (test_accounts.py)."""
    own = f"{_served(account)[0]}.delay.7" if _on_node(account) else "other"
    for exchange in (EVENTS, CONTROL, "amq.topic", "other"):
        dying = {"x-dead-letter-exchange": exchange, "x-message-ttl": 0}
        assert attacker.tries(partial(BlockingChannel.queue_declare, queue=own, arguments=dying)) == REFUSED, exchange


@every
def test_it_gets_into_no_other_virtual_host_and_only_with_its_password(
    broker_server: RabbitMQ, vhost: str, password: str, account: str
) -> None:
    for where, word in (("/", password), (vhost, "guessed"), (vhost, "")):
        with pytest.raises(AMQPError), _connected(broker_server, where, account, word):
            pass


def test_nobody_asks_in_the_name_of_all_services_but_who_takes_requests_for_others() -> None:
    """What the other tests take as given: the table does not give one service another's requests."""
    asking = {account: {k.type for k in tells(account)} & e.REQUESTS for account in ACCOUNTS}
    assert {account for account, asked in asking.items() if asked == e.REQUESTS} == {POST_EVENTS, CONSOLE}

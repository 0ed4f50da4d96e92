"""The event feed on a real broker: many listeners, one connection, which may be lost."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pika.adapters.blocking_connection import BlockingConnection

from producers.bus import RabbitMQ
from producers.event_feed import EventFeed, Listener, Missed
from schemas import events as e
from tests.support.line import until
from workers.adapters.broker import connection


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[BlockingConnection]:
    """All that this process has made, closed ones too."""
    made: list[BlockingConnection] = []
    connect = connection.connect

    def remembering(url: str) -> BlockingConnection:
        made.append(connect(url))
        return made[-1]

    monkeypatch.setattr(connection, "connect", remembering)
    return made


@pytest.fixture
def bus(url: str, connections: list[BlockingConnection]) -> Iterator[RabbitMQ]:
    made = RabbitMQ(url, "test")
    _publish(made, "before")
    yield made
    made.close()


def _publish(bus: RabbitMQ, name: str) -> None:
    bus.publish(e.wrap(e.BackupCompleted(backup=name), source="test", time=datetime.now(UTC)))


def _hears(listener: Listener, name: str) -> bool:
    """Whether the listener hears that a backup is complete, at once or in a while."""
    while (heard := listener.get(timeout=200)) is not None:
        if not isinstance(heard, Missed) and heard.event.subject == name:
            return True
    return False


def test_fifty_listeners_share_one_connection_and_survive_its_loss(
    bus: RabbitMQ, connections: list[BlockingConnection]
) -> None:
    publishing = [each for each in connections if each.is_open]
    feed = EventFeed(bus.read_log)
    listeners = [feed.listen(datetime.now(UTC) - timedelta(minutes=1)) for _ in range(50)]
    assert all(_hears(listener, "before") for listener in listeners)
    _publish(bus, "meanwhile")
    assert all(_hears(listener, "meanwhile") for listener in listeners)
    [reading] = [each for each in connections if each.is_open and each not in publishing]
    reading.add_callback_threadsafe(reading.close)
    until(lambda: not reading.is_open, "the connection is lost")
    _publish(bus, "after")
    assert all(_hears(listener, "after") for listener in listeners)
    feed.close()
    assert [each for each in connections if each.is_open] == publishing

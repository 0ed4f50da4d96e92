"""The dead-letter queues: look, give back, throw away. Looking takes nothing out."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker

from schemas import topology
from schemas.errors import Invalid
from schemas.rights import Rights
from workers.adapters.broker import connection, reading
from workers.adapters.broker.publishing import Publisher
from workers.ports import QueueState

EMPTY = QueueState(0, 0)
LOOKS_AGAIN = (0.1, 0.4, 1.0)
"""Seconds until a queue is looked at again that has nothing and nobody: a broker that is busy says so of any."""


@dataclass(frozen=True)
class DeadLetter:
    """One parked message. `parked_at` is RFC 3339; `reason` is ours, or the broker's in our words."""

    queue: str
    id: str
    type: str
    reason: str
    sender: str
    parked_at: str
    size: int  # bytes
    body: bytes  # its beginning, if it was too long for an event


def list_dead_letters(
    url: str, queue: str | None = None, nodes: list[str] | None = None, rights: Rights | None = None
) -> list[DeadLetter]:
    """All dead letters, or those of one queue. `rights` say which users' word counts for who has sent one; without
    them our own user's. Raises Invalid for a name that no queue can have."""
    names = [queue] if queue else [*topology.QUEUES, *(topology.volumes(node).name for node in nodes or [])]
    found: list[DeadLetter] = []
    for name in names:
        with connection.channel(url, f"read the dead letters of {name}") as channel:
            found += [letter for letter, _ in _letters(channel, queue_named(name), _rights(url, rights))]
    return found


def count_dead_letters(url: str, queues: Sequence[str]) -> int:
    """How many lie behind these queues, over one connection; none of them is read. A queue that is not there has none.
    Raises Invalid for a name that no queue can have."""
    names = [queue_named(queue).dead_letters for queue in queues]
    with connection.opened(url, "count the dead letters") as opened:
        return sum(connection.waiting(opened, name) for name in names)


def redrive(
    url: str,
    queue: str,
    ids: set[str] | None = None,
    rights: Rights | None = None,
    bodies: Mapping[str, bytes] | None = None,
) -> int:
    """Gives dead letters back to their queue, all or those in `ids`; how many. A killed redrive may give one twice.
    Those in `bodies` go back with another body, in the name of who has sent them: no edit lends ours."""
    chosen = queue_named(queue)
    publisher = Publisher(url, "snapline/dead-letters")
    count = 0
    with (
        closing(publisher),
        connection.channel(url, f"redrive the dead letters of {queue}") as channel,
    ):
        for letter, tag in _letters(channel, chosen, _rights(url, rights)):
            if ids is None or letter.id in ids:
                publisher.publish_to(
                    (bodies or {}).get(letter.id, letter.body), chosen.name, {reading.SENDER: letter.sender}
                )
                channel.basic_ack(tag)
                count += 1
    return count


def drop(url: str, queue: str, ids: set[str] | None = None) -> int:
    """Throws dead letters away, all or those in `ids`; how many."""
    count = 0
    with connection.channel(url, f"drop dead letters of {queue}") as channel:
        for letter, tag in _letters(channel, queue_named(queue), _rights(url)):
            if ids is None or letter.id in ids:
                channel.basic_ack(tag)
                count += 1
    return count


def queue_state(url: str, queue: str) -> QueueState:
    """How it is with a queue; nothing waits in one that is not there."""
    with connection.channel(url, f"look at the queue {queue}") as channel:
        try:
            for rest in LOOKS_AGAIN:
                if (found := _look(channel, queue)) != EMPTY:
                    return found
                time.sleep(rest)
            return _look(channel, queue)
        except ChannelClosedByBroker as error:
            if error.reply_code == connection.NOT_FOUND:
                return EMPTY
            raise


def queue_states(url: str, queues: list[str]) -> dict[str, QueueState]:
    """How it is with each of the queues that are there and may be looked at, over one connection. Raises
    TransientError, Denied."""
    found: dict[str, QueueState] = {}
    with connection.opened(url, "look at the queues") as opened:
        channel = opened.channel()
        for name in queues:
            try:
                found[name] = _look(channel, name)
            except ChannelClosedByBroker as error:
                if error.reply_code not in (connection.NOT_FOUND, connection.ACCESS_REFUSED):
                    raise
                channel = opened.channel()
    return found


def sure_states(url: str, queues: Sequence[str]) -> dict[str, QueueState]:
    """As `queue_states`; those that seem empty are looked at again, all of them after the same rests, however many."""
    found = queue_states(url, list(queues))
    for rest in LOOKS_AGAIN:
        if not (doubtful := [name for name, state in found.items() if state == EMPTY]):
            break
        time.sleep(rest)
        found |= queue_states(url, doubtful)
    return found


def _look(channel: BlockingChannel, queue: str) -> QueueState:
    found = channel.queue_declare(queue, passive=True).method
    return QueueState(int(found.consumer_count), int(found.message_count))


def queue_named(name: str) -> topology.Queue:
    """Raises Invalid."""
    try:
        return topology.queue(name)
    except KeyError as error:
        raise Invalid(str(error.args[0])) from error


def _rights(url: str, rights: Rights | None = None) -> Rights:
    return rights or Rights(line=frozenset({connection.user(url)}))


def _letters(channel: BlockingChannel, queue: topology.Queue, rights: Rights) -> Iterator[tuple[DeadLetter, int]]:
    """Each dead letter and its delivery tag; what is not acknowledged goes back when the channel closes."""
    try:
        waiting = channel.queue_declare(queue.dead_letters, passive=True).method.message_count
    except ChannelClosedByBroker as error:
        if error.reply_code == connection.NOT_FOUND:
            return
        raise
    for _ in range(waiting):
        method, properties, body = channel.basic_get(queue.dead_letters)
        if method is None:
            return
        yield _letter(queue, properties, body, rights), method.delivery_tag


def _letter(queue: topology.Queue, properties: Any, body: bytes, rights: Rights) -> DeadLetter:
    headers = properties.headers or {}
    death = _death(headers)
    died = death.get("time")
    died_at = died.isoformat() if isinstance(died, datetime) else ""
    parked = reading.DEAD_LETTER in headers  # by a worker; else the broker has moved it
    said = str(headers.get(reading.REASON) or "")
    return DeadLetter(
        queue=queue.name,
        id=str(headers[reading.DEAD_LETTER]) if parked else hashlib.sha256(body + died_at.encode()).hexdigest()[:32],
        type=type_of(body),
        reason=said if parked and said else _why(death, said),
        sender=sender_of(queue, properties, rights),
        parked_at=str(headers.get(reading.PARKED_AT) or died_at),
        size=_size(headers, body) if parked else len(body),
        body=body,
    )


def _size(headers: dict[str, Any], body: bytes) -> int:
    """How long the body was that somebody published: of one that was too long only the beginning is kept."""
    said = headers.get(reading.SIZE)
    return said if isinstance(said, int) else len(body)


def sender_of(queue: topology.Queue, properties: Any, rights: Rights) -> str:
    """Who published it. What its headers say of that is believed of the queue's workers only, or a redrive would lend
    an outsider's message our name; "" if it cannot be told."""
    user = str(properties.user_id or "")
    claimed = str((properties.headers or {}).get(reading.SENDER, user))
    return claimed if rights.serves(user, queue.name) or claimed == user else ""


def _death(headers: dict[str, Any]) -> dict[str, Any]:
    """The newest entry of the broker's `x-death`; anybody may have sent a header of that name."""
    deaths = headers.get(reading.DEATHS)
    return deaths[0] if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict) else {}


def _why(death: dict[str, Any], last_retry: str) -> str:
    before = f"; it was being tried again because: {last_retry}" if last_retry else ""
    if death.get("reason") == "delivery_limit":
        return (
            f"its worker died or lost its connection more than {topology.DELIVERY_LIMIT} times while it had it; "
            f"look at that worker's log{before}"
        )
    return f"the broker moved it here: {death.get('reason', 'for no known reason')}{before}"


def type_of(body: bytes) -> str:
    """What a body says that it is, or "": it may be anything."""
    try:
        said = json.loads(body)
        return str(said.get("type", ""))[:128] if isinstance(said, dict) else ""
    except (ValueError, RecursionError):
        return ""

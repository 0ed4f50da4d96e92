"""The dead-letter queues: look, give back, throw away. Looking takes nothing out."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker

from schemas import topology
from schemas.errors import Invalid
from workers.adapters.broker import connection, reading
from workers.adapters.broker.publishing import Publisher


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
    body: bytes


def list_dead_letters(url: str, queue: str | None = None, nodes: list[str] | None = None) -> list[DeadLetter]:
    """All dead letters, or those of one queue. Raises Invalid for a queue that cannot be."""
    names = [queue] if queue else [*topology.QUEUES, *(topology.volumes(node).name for node in nodes or [])]
    found: list[DeadLetter] = []
    for name in names:
        with connection.channel(url, f"read the dead letters of {name}") as channel:
            found += [letter for letter, _ in _letters(channel, _queue(name))]
    return found


def redrive(url: str, queue: str, ids: set[str] | None = None) -> int:
    """Gives dead letters back to their queue, all or those in `ids`; how many. A killed redrive may give one twice."""
    chosen = _queue(queue)
    publisher = Publisher(url, "snapline/dead-letters")
    count = 0
    with connection.channel(url, f"redrive the dead letters of {queue}") as channel:
        for letter, tag in _letters(channel, chosen):
            if ids is None or letter.id in ids:
                publisher.publish_to(letter.body, chosen.name, {reading.SENDER: letter.sender})
                channel.basic_ack(tag)
                count += 1
    publisher.close()
    return count


def drop(url: str, queue: str, ids: set[str] | None = None) -> int:
    """Throws dead letters away, all or those in `ids`; how many."""
    count = 0
    with connection.channel(url, f"drop dead letters of {queue}") as channel:
        for letter, tag in _letters(channel, _queue(queue)):
            if ids is None or letter.id in ids:
                channel.basic_ack(tag)
                count += 1
    return count


def listeners(url: str, queue: str) -> int:
    """How many consumers a queue has; 0 if there is no such queue."""
    with connection.channel(url, f"look at the queue {queue}") as channel:
        try:
            return int(channel.queue_declare(queue, passive=True).method.consumer_count)
        except ChannelClosedByBroker as error:
            if error.reply_code == connection.NOT_FOUND:
                return 0
            raise


def _queue(name: str) -> topology.Queue:
    try:
        return topology.queue(name)
    except KeyError as error:
        raise Invalid(str(error.args[0])) from error


def _letters(channel: BlockingChannel, queue: topology.Queue) -> Iterator[tuple[DeadLetter, int]]:
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
        yield _letter(queue, properties.headers or {}, properties, body), method.delivery_tag


def _letter(queue: topology.Queue, headers: dict[str, Any], properties: Any, body: bytes) -> DeadLetter:
    deaths = headers.get("x-death") or [{}]
    died = deaths[0].get("time")
    return DeadLetter(
        queue=queue.name,
        id=str(headers.get(reading.DEAD_LETTER) or hashlib.sha256(body + str(died).encode()).hexdigest()[:32]),
        type=_type(body),
        reason=str(headers.get(reading.REASON) or _why(deaths[0], queue)),
        sender=str(headers.get(reading.SENDER) or properties.user_id or ""),
        parked_at=str(headers.get(reading.PARKED_AT) or (died.isoformat() if died else "")),
        size=len(body),
        body=body,
    )


def _why(death: dict[str, Any], queue: topology.Queue) -> str:
    if death.get("reason") == "delivery_limit":
        return f"its worker died {queue.delivery_limit} times while handling it; look at that worker's log"
    return f"the broker moved it here: {death.get('reason', 'for no known reason')}"


def _type(body: bytes) -> str:
    try:
        said = json.loads(body)
        return str(said.get("type", ""))[:128] if isinstance(said, dict) else ""
    except (ValueError, RecursionError):
        return ""

"""A message, taken from one queue and put into another: what is kept of it, so that whoever reads it there believes
neither more nor less of it than here.

RabbitMQ lets nobody publish in another's name. So what has brought a message to its queue is looked at before, as its
worker would: then it goes on in our name, with its first sender noted, or to the dead letters with a reason.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel

from schemas.errors import MalformedEvent
from schemas.rights import Rights
from schemas.topology import WORK, Queue
from workers.adapters.broker import reading
from workers.adapters.broker.dead_letters import sender_of
from workers.adapters.broker.reading import Reader
from workers.adapters.broker.signatures import NO_KEYS, Signatures

NOTED = (reading.ATTEMPT, reading.FIRST_SEEN, reading.FAILING_SINCE, reading.REASON)
"""What workers note on messages that they give back."""


@dataclass(frozen=True)
class Trust:
    """Whose word counts, as for the workers, and as whom we publish."""

    user: str
    rights: Rights
    signatures: Signatures = NO_KEYS


def carrier(
    channel: BlockingChannel, queue: Queue, name: str, key: str, trust: Trust
) -> Callable[[Any, pika.BasicProperties, bytes], None]:
    """What puts a message of the queue `name`, one of the step `queue`, where `key` leads on WORK. It returns when the
    broker has confirmed it. `channel` confirms."""

    def carry(method: Any, properties: pika.BasicProperties, body: bytes) -> None:
        to, headers, kept = key, _letter(queue, properties, trust), body
        if name != queue.dead_letters:
            try:
                headers = _event(queue, method, properties, body, trust)
            except MalformedEvent as error:
                to, kept = queue.dead_letters, reading.kept(body)
                headers = _parked(queue, properties, body, str(error), trust)
        channel.basic_publish(WORK, to, kept, _properties(properties, headers, trust.user), mandatory=True)

    return carry


def _event(queue: Queue, method: Any, properties: pika.BasicProperties, body: bytes, trust: Trust) -> dict[str, Any]:
    """Raises MalformedEvent."""
    arrived = Reader(queue, trust.rights, trust.signatures).read(body, properties, method)
    noted = {} if arrived.is_new else {name: said for name, said in properties.headers.items() if name in NOTED}
    return {**noted, reading.SENDER: arrived.sender}


def _letter(queue: Queue, properties: pika.BasicProperties, trust: Trust) -> dict[str, Any]:
    return {**(properties.headers or {}), reading.SENDER: sender_of(queue, properties, trust.rights)}


def _parked(queue: Queue, properties: pika.BasicProperties, body: bytes, reason: str, trust: Trust) -> dict[str, Any]:
    return {
        reading.REASON: reason[:2000],
        reading.QUEUE: queue.name,
        reading.SENDER: sender_of(queue, properties, trust.rights),
        reading.PARKED_AT: datetime.now(UTC).isoformat(),
        reading.DEAD_LETTER: uuid.uuid4().hex,
        reading.SIZE: len(body),
    }


def _properties(there: pika.BasicProperties, headers: dict[str, Any], user: str) -> pika.BasicProperties:
    return pika.BasicProperties(
        content_type=there.content_type,
        delivery_mode=2,
        user_id=user,
        app_id=there.app_id,
        timestamp=there.timestamp,
        headers=headers,
        message_id=there.message_id,
        type=there.type,
        correlation_id=there.correlation_id,
    )

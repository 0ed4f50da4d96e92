"""Empties a queue for good: each message is confirmed in its new place before it is taken from the old one. Killed at
any moment, it has lost nothing, and may have brought one message twice."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingConnection
from pika.exceptions import AMQPError

from schemas.errors import Code, TransientError

Carry = Callable[[Any, pika.BasicProperties, bytes], None]
AT_ONCE = 5
"""Messages that we hold; each time that we are killed counts as a delivery of these."""
POLL = 0.5
LOOKS = 3
"""So often it has to be empty in a row: who only looks at dead letters holds them for a moment."""


def empty(opened: BlockingConnection, name: str, carry: Carry, patience: float) -> int:
    """Carries all messages of a queue, to which nothing comes any more, and deletes it; returns how many there were.

    It is only deleted when nobody else takes from it, since what they hold would go with it. Raises TransientError if
    somebody still does after `patience` (s) without a message; pika's errors.
    """
    channel = opened.channel()
    channel.basic_qos(prefetch_count=AT_ONCE)
    moved, looks, quiet_since = 0, 0, time.monotonic()
    for method, properties, body in channel.consume(name, inactivity_timeout=POLL):
        if method is not None:
            carry(method, properties, body)
            channel.basic_ack(method.delivery_tag)
            moved, looks, quiet_since = moved + 1, 0, time.monotonic()
            continue
        consumers, waiting = state(opened, name)
        # A broker that is busy says 0 and 0 of any queue, but we are a consumer.
        looks = looks + 1 if (consumers, waiting) == (1, 0) else 0
        if looks == LOOKS:
            break
        if time.monotonic() - quiet_since > patience:
            raise in_use(name, consumers - 1)
    opened.channel().queue_delete(name)
    with suppress(AMQPError):
        channel.close()
    return moved


def state(opened: BlockingConnection, name: str) -> tuple[int, int]:
    """How many take from a queue, and how many messages wait in it."""
    channel = opened.channel()
    found = channel.queue_declare(name, passive=True).method
    channel.close()
    return int(found.consumer_count), int(found.message_count)


def in_use(name: str, consumers: int) -> TransientError:
    """That its workers have to stop for a moment."""
    text = f"{max(consumers, 1)} still take messages from the queue {name}, and what they hold would be lost with it"
    return TransientError(f"{text}; stop its workers, and migrate again", code=Code.QUEUE_IN_USE, subject=name)

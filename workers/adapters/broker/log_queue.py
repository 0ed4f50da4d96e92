"""The event log's queue: declared, replaced once if it is broken, and done without if that does not help.

A broker that was killed, or has lost a part of its data, may keep the name of a stream whose data it cannot find
any more. Every declaration then fails, and on RabbitMQ 3.10 every deletion too.
"""

# Not structlog: commands that do not set it up would find its lines in their output.
import logging
from collections.abc import Callable

from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker

from schemas import topology
from schemas.topology import EVENT_LOG, EVENTS
from workers.adapters.broker import connection

PRECONDITION_FAILED, INTERNAL_ERROR = 406, 541
BROKEN = frozenset({connection.NOT_FOUND, PRECONDITION_FAILED, INTERNAL_ERROR})
INEQUIVALENT = "inequivalent arg"
"""What RabbitMQ says of a log that works, but with limits of another version or of an administrator."""
ARGUMENTS = {
    "x-queue-type": "stream",
    "x-max-age": topology.EVENT_LOG_AGE,
    "x-max-length-bytes": topology.EVENT_LOG_BYTES,
    "x-stream-max-segment-size-bytes": topology.EVENT_LOG_SEGMENT_BYTES,
}

log = logging.getLogger(__name__)


def declare(url: str) -> None:
    """Declares the event log, over connections of its own: what fails for a broken one may close them.

    It is for watching and no step depends on it, so a warning is all that comes of a log that stays broken.
    Raises TransientError if the broker is lost, Denied.
    """
    problem = _refusal(url, _declare)
    if not problem:
        return
    if INEQUIVALENT in problem:
        log.warning("the event log is not as it would be declared now; delete it to have it so: %s", problem)
        return
    log.warning("the event log is broken and is replaced by an empty one: %s", problem)
    if problem := _refusal(url, _replace):
        log.warning(
            "there is no event log, and the line goes on without, until the queue %s is removed from the broker: %s",
            EVENT_LOG,
            problem,
        )


def _declare(channel: BlockingChannel) -> None:
    channel.queue_declare(EVENT_LOG, durable=True, arguments=ARGUMENTS)
    channel.queue_bind(EVENT_LOG, EVENTS, "#")


def _replace(channel: BlockingChannel) -> None:
    channel.queue_delete(EVENT_LOG)
    _declare(channel)


def _refusal(url: str, act: Callable[[BlockingChannel], None]) -> str:
    """What the broker has against `act`, if it may be for a broken log; else ""."""
    with connection.channel(url, "declare the event log") as channel:
        try:
            act(channel)
        except (ChannelClosedByBroker, ConnectionClosedByBroker) as error:
            if error.reply_code not in BROKEN:
                raise
            return f"{error.reply_code} {error.reply_text}"
    return ""

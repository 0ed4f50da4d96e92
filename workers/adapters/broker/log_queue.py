"""The event log's queue: declared where it is missing, never deleted, and done without if it is broken.

A broker that was killed, or has lost a part of its data, may keep the name of a stream whose data it cannot find, for a
moment or for good. Only an administrator can tell, and delete it; then it is declared anew.
"""

from collections.abc import Callable

from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker

from schemas import broker_queues
from schemas.errors import Code, Denied
from schemas.messages import Message
from schemas.topology import EVENT_LOG, EVENTS
from workers.adapters.broker import connection

INTERNAL_ERROR = 541
BROKEN = frozenset({connection.NOT_FOUND, connection.PRECONDITION_FAILED, INTERNAL_ERROR})


def declare(url: str) -> list[Message]:
    """Declares the event log, over a connection of its own: what fails for a broken one may close it.

    It is for watching and no step depends on it, so one that is broken, has other limits than it would have now, or
    is not there and may not be declared is only told. Raises TransientError if the broker is lost.
    """
    try:
        error = _refusal(url, _declare)
    except Denied as denied:
        with connection.channel(url, "look at the event log") as channel:
            if connection.is_there(channel, lambda asked: asked.queue_declare(EVENT_LOG, passive=True)):
                return []
        return [missing(str(denied))]
    if error:
        if not connection.inequivalent(error):
            return [_broken(error)]
        return [connection.differs(EVENT_LOG, error), *map(_broken, filter(None, [_refusal(url, _bind)]))]
    return []


def _declare(channel: BlockingChannel) -> None:
    channel.queue_declare(EVENT_LOG, durable=True, arguments=broker_queues.event_log().arguments)
    _bind(channel)


def _bind(channel: BlockingChannel) -> None:
    for source, key in broker_queues.event_log().bindings:
        channel.queue_bind(EVENT_LOG, source, key)
    channel.queue_unbind(EVENT_LOG, EVENTS, "#")  # of an earlier version, to which others could publish


def _refusal(url: str, act: Callable[[BlockingChannel], None]) -> connection.Refusal | None:
    """What the broker has against `act`, if it may be for a broken log, or one with other limits."""
    with connection.channel(url, "declare the event log") as channel:
        try:
            act(channel)
        except (ChannelClosedByBroker, ConnectionClosedByBroker) as error:
            if error.reply_code not in BROKEN:
                raise
            return error
    return None


def missing(why: str) -> Message:
    """That there is no event log, and that we may not declare it."""
    return Message(code=Code.NO_EVENT_LOG, text=f"there is no event log: {why}", subject=EVENT_LOG)


def _broken(error: connection.Refusal) -> Message:
    said = f"{error.reply_code} {error.reply_text}"
    text = f"there is no event log, and the line goes on without, as the broker cannot find its data: {said}"
    return Message(code=Code.NO_EVENT_LOG, text=text, subject=EVENT_LOG)

"""Cancel broadcasts: a speed-up. The truth is the cancel marker in the object store."""

import json
import threading
from collections.abc import Callable
from typing import Any

import structlog
from pika.exceptions import AMQPError

from schemas.errors import SnaplineError
from schemas.job import Job
from schemas.topology import CONTROL
from workers.adapters.broker import connection, declaring

AGAIN = 1.0
POLL = 0.5
log = structlog.get_logger(__name__)


def broadcast_cancel(url: str, job: Job) -> None:
    """Tells every worker that listens just now. Raises TransientError, Denied."""
    with connection.opened(url, f"broadcast the cancellation of {job}") as opened:
        declaring.declare_exchanges(opened)
        channel = opened.channel()
        channel.basic_publish(CONTROL, "", json.dumps({"cancel": {"kind": job.kind, "name": job.name}}).encode())


def listen_cancel(url: str, on_cancel: Callable[[Job], None], stop: threading.Event) -> threading.Thread:
    """Calls `on_cancel(job)` from a thread of its own for every broadcast, until `stop`."""
    thread = threading.Thread(target=_listen, args=(url, on_cancel, stop), name="control", daemon=True)
    thread.start()
    return thread


def _listen(url: str, on_cancel: Callable[[Job], None], stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            _listen_once(url, on_cancel, stop)
        except SnaplineError as error:
            log.debug("not listening for cancellations", reason=str(error))
            stop.wait(AGAIN)


def _listen_once(url: str, on_cancel: Callable[[Job], None], stop: threading.Event) -> None:
    def on_message(_channel: Any, _method: Any, _properties: Any, body: bytes) -> None:
        try:
            said = json.loads(body)["cancel"]
            on_cancel(Job(said["kind"], str(said["name"])))
        except Exception as error:
            # Whatever it was, later broadcasts must still be heard.
            log.warning("a control message could not be handled", reason=type(error).__name__)

    opened = connection.connect(url)
    try:
        declaring.declare_exchanges(opened)
        channel = opened.channel()
        queue = channel.queue_declare("", exclusive=True, auto_delete=True).method.queue
        channel.queue_bind(queue, CONTROL)
        channel.basic_consume(queue, on_message, auto_ack=True)
        while not stop.is_set():
            opened.process_data_events(time_limit=POLL)
    except (AMQPError, OSError) as error:
        raise connection.meaning(url, "listen for cancellations", error) from error
    finally:
        connection.close(opened)

"""An event log of very many events, and how long the console takes to show a page of it."""

import resource
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pika

from deploy.local import rabbitmq
from producers.bus import RabbitMQ
from schemas import events as e
from schemas.topology import EVENT_LOG
from tests.support.console import Console
from tests.support.web import served
from workers.adapters import broker
from workers.adapters.broker import log_queue

PATHS = ("/activity", "/activity?type=backup.completed.v1", "/activity?subject=b-7", "/activity?before=500000")
LENGTH = timedelta(days=20)
"""What the log goes back."""


def measured(root: Path, events: int, page: Callable[[str], dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each address of Activity, and what `page` says of it."""
    with rabbitmq.start(root / "rabbitmq") as server:
        url = server.url_of("snapline", "/")
        fill(url, events)
        console = Console(root / "console", bus=RabbitMQ(url, "snapline/console"))
        with served(console.app) as web:
            for path in PATHS:
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                figures = page(web + path)
                grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
                yield path, {**figures, "grown_mib": round(grown, 1)}
        console.front.session.close()


def fill(url: str, events: int) -> None:
    """So many events, the newest now: reports of progress, and an end now and then."""
    with closing(broker.Publisher(url, "bench")) as publisher:
        publisher.publish(e.wrap(e.TickMinute(minute="now"), source="bench", time=datetime.now(UTC) - LENGTH))
    log_queue.declare(url)
    began, step = datetime.now(UTC) - LENGTH, LENGTH / events
    sent = pika.BasicProperties(user_id="snapline", delivery_mode=2)
    with closing(pika.BlockingConnection(pika.URLParameters(url))) as connection:
        channel = connection.channel()
        for number in range(events):
            channel.basic_publish("", EVENT_LOG, _body(number, began + step * number), sent)


def _body(number: int, at: datetime) -> bytes:
    """As `schemas.events.encode` makes it, but a hundred times as fast."""
    made = _PATTERNS["goes on" if number % 10 else "ended"]
    for what, text in (("JOB", f"b-{number // 10}"), ("ID", f"bench/{number}"), ("TIME", at.isoformat())):
        made = made.replace(what, text)
    return made.encode()


_PATTERNS = {
    kind: e.encode(e.wrap(event, id="ID", source="snapline/bench", time=datetime(2026, 1, 1, tzinfo=UTC)))
    .decode()
    .replace("2026-01-01T00:00:00Z", "TIME")
    for kind, event in (
        ("ended", e.BackupCompleted(backup="JOB")),
        ("goes on", e.VolumesProgressed(job="JOB", volume="v", bytes_done=1, bytes_total=0, files_done=0)),
    )
}

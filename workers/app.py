"""The worker process: settings -> needs -> one queue served until a signal.

    python -m workers.app QUEUE

Exit codes: 0 stopped by a signal, 1 a fault (restart it), 2 wrong settings or queue name.
"""

import signal
import sys
import threading
from collections.abc import Callable
from os import environ

from schemas import topology
from schemas.errors import Invalid, SnaplineError
from schemas.settings import from_environment
from workers.adapters import broker, logs
from workers.line import row
from workers.needs import Needs
from workers.receive import Row, Tell, handler


def work(
    queue: topology.Queue,
    needs: Needs,
    tell: Tell | None = None,
    change: Callable[[Row], Row] = lambda row: row,
) -> None:
    """Serves `queue` until the needs stops. `tell` stands in for the publisher; `change` wraps the steps."""
    url = needs.settings.amqp_url.get_secret_value()
    publisher = broker.Publisher(url, f"snapline/{queue.name}")
    broker.serve(
        url,
        queue,
        handler(queue.name, change(row(queue, needs)), tell or publisher.publish),
        stop=needs.stop,
        trusted=frozenset(user.strip() for user in needs.settings.trusted_users.split(",") if user.strip()),
        health_port=needs.settings.health_port,
    )
    publisher.close()


def stop_on_signals() -> threading.Event:
    """Set by SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def start(name: str) -> tuple[topology.Queue, Needs]:
    """Queue and needs for this process, with logging configured. Raises Invalid."""
    settings = from_environment(environ)
    logs.configure(secrets=settings.secrets())
    try:
        return topology.queue(name), Needs(settings, stop_on_signals())
    except KeyError as error:
        raise Invalid(str(error.args[0])) from error


def main(arguments: list[str]) -> int:
    """Runs one worker; the exit code."""
    try:
        [name] = arguments
        queue, needs = start(name)
        work(queue, needs)
    except ValueError:
        sys.stderr.write(__doc__ or "")
        return 2
    except SnaplineError as error:
        sys.stderr.write(f"snapline worker: {error}\n")
        return 2 if isinstance(error, Invalid) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

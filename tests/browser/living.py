"""The whole local stack with a console beside it, on which nobody has done anything yet."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local import console
from deploy.local.ports import free_ports
from deploy.local.stack import destination_settings
from schemas.application import secret_name
from schemas.kubernetes import SECRETS
from tests.support.line import CONSOLE, Line, whole_line

NEW = "shop-floor"
"""The application that somebody registers."""


@dataclass(frozen=True)
class Place:
    """A console on a running line, where the application `new` is not registered yet; empty for none. `first` is the
    password that it has printed, `password` the one to have from then on."""

    url: str
    line: Line
    first: str
    password: str
    new: str = ""


@contextmanager
def lived_in(root: Path) -> Iterator[Place]:
    """The stack with its sample applications, all workers and the console. There is no destination yet: people set it
    up, and then have the store and the passphrase that the line knows."""
    with whole_line(root) as line:
        line.cluster.delete(SECRETS, CONSOLE, secret_name(NEW))
        yield opened(line, NEW)


def opened(line: Line, new: str = "") -> Place:
    """The line with its workers and its console, which have not been told of the destination, nor of the application
    `new`, if one is named."""
    for name in destination_settings(line.stack.destination):
        del line.stack.environment[name]
    line.stack.start_workers()
    served = console.start(line.stack, free_ports(1)[0])
    assert served.password, "the console has printed no password"
    return Place(served.url, line, served.password, secrets.token_urlsafe(12), new)

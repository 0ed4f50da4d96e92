"""Whether all is there that a snapshot takes: a broker, workers, nodes, a destination with its repository."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from producers.session import Session
from schemas import topology
from schemas.errors import Code, NotFound, SnaplineError
from schemas.kubernetes import NODES

SHOWN = 5
"""Names that are said; more are counted."""


@dataclass(frozen=True)
class ReadyPart:
    """One of them: `ok` if it is there, `bad` if it is not, `idle` if it comes by itself, `warn` where it cannot be
    told."""

    what: str
    state: Literal["ok", "idle", "warn", "bad"]
    said: str


def readiness(session: Session) -> list[ReadyPart]:
    """All of them. Raises nothing: what cannot be asked is said so."""
    return [*_line(session), _asked("Destination", lambda: _destination(session)), _repository(session)]


def _line(session: Session) -> Iterator[ReadyPart]:
    try:
        idle = [name for name in topology.QUEUES if not session.bus.listeners(name)]
    except SnaplineError as error:
        yield ReadyPart("RabbitMQ", "bad", str(error))
        yield ReadyPart("Workers", "warn", "Cannot be told while RabbitMQ does not answer")
        return
    yield ReadyPart("RabbitMQ", "ok", "It answers")
    if idle:
        yield ReadyPart("Workers", "bad", f"Nobody listens on {_some(idle)}: what is asked for waits there")
    else:
        yield ReadyPart("Workers", "ok", f"Each of the {len(topology.QUEUES)} queues has a worker that listens")
    yield _asked("Nodes", lambda: _nodes(session))


def _nodes(session: Session) -> ReadyPart:
    names = sorted(str(node["metadata"]["name"]) for node in session.cluster.list(NODES))
    without = [name for name in names if not session.bus.listeners(topology.volumes(name).name)]
    if without:
        return ReadyPart("Nodes", "bad", f"No worker copies the volumes on {_some(without)}")
    if not names:
        return ReadyPart("Nodes", "warn", "The cluster names none")
    return ReadyPart("Nodes", "ok", f"Each of the {len(names)} has a worker that copies its volumes")


def _destination(session: Session) -> ReadyPart:
    names = session.destinations.names()
    default = session.destinations.defaults()[0]
    if default not in names:
        return ReadyPart("Destination", "bad", "None is stored yet" if not names else f"The default, {default}, is not")
    return ReadyPart("Destination", "ok", session.destination(default).place)


def _repository(session: Session) -> ReadyPart:
    what = "Repository"
    try:
        session.repository()
    except NotFound as error:
        waits = "It waits for the destination" if error.code == Code.NO_DESTINATION else ""
        return ReadyPart(what, "idle", waits or "There is none yet: the first snapshot makes it")
    except SnaplineError as error:
        return ReadyPart(what, "bad", str(error))
    return ReadyPart(what, "ok", "The passphrase opens it")


def _asked(what: str, ask: Callable[[], ReadyPart]) -> ReadyPart:
    try:
        return ask()
    except SnaplineError as error:
        return ReadyPart(what, "warn", f"Cannot be told: {error}")


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")

"""What stands in for our publisher's connection: the broker confirms, or the confirm is lost on its way."""

from datetime import timedelta
from typing import Any

from schemas import events as e
from schemas import topology
from schemas.errors import TransientError
from schemas.topology import EVENTS, TOLD, WORK, Queue
from tests.simulation.machinery.bus import US, Bus, Waiting
from tests.simulation.machinery.telling import Told
from tests.support.simulated_store import Faults


class SimulatedPublisher:
    """As `Publisher`. Each publish is a place to die at, before and after the broker has the message; it may be
    refused, lose its confirm, or be sent twice, as a publisher does that has heard no confirm."""

    def __init__(self, bus: Bus, faults: Faults, told: Told) -> None:
        self._bus, self._faults, self._told = bus, faults, told

    def publish(self, event: e.AnyEvent) -> None:
        """See Publisher."""
        exchange = EVENTS if event.type in e.REQUESTS else TOLD

        def send() -> None:
            self._told.tell(event)
            self._bus.route(event, US, exchange)

        self._send(f"tell {event.type} {event.subject or ''}", send)

    def log(self, body: bytes, headers: dict[str, Any]) -> None:
        """See Publisher. Nobody reads the log here."""

    def publish_delayed(self, body: bytes, queue: Queue, delay: timedelta, headers: dict[str, Any]) -> None:
        """See Publisher."""
        message = Waiting(body, US, WORK, queue.name, "", dict(headers))
        self._send(f"rest for {topology.rung(delay)}", lambda: self._bus.rest(queue, delay, message))

    def publish_to(self, body: bytes, name: str, headers: dict[str, Any]) -> None:
        """See Publisher. Only dead letters go this way."""
        message = Waiting(body, US, WORK, name, "", dict(headers))
        reason = str(headers.get("snapline-reason", ""))
        self._send("park", lambda: self._bus.bury(name.removesuffix(topology.DEAD_LETTERS), message, reason))

    def close(self) -> None:
        """See Publisher."""

    def _send(self, what: str, effect: Any) -> None:
        machines, faults = self._bus.machines, self._faults
        machines.step(what)
        self._bus.network.ask("broker", what)
        draw = machines.random.random()
        if draw < faults.refused:
            raise TransientError(f"the broker has refused to {what}")
        effect()
        if draw < faults.refused + faults.doubled:
            effect()
        machines.step()
        if draw < faults.refused + faults.doubled + faults.lost:
            raise TransientError(f"no confirm for: {what}")

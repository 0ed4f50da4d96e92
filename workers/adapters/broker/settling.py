"""Dramatiq's middleware that carries outcomes out, in place of its Retries: what could not be republished is not
acknowledged."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from dramatiq import Broker, Middleware
from dramatiq.middleware import Interrupt, Shutdown, SkipMessage

from schemas import topology
from schemas.errors import SnaplineError
from workers.adapters.broker import consuming
from workers.deliveries import Again, Delivery, GaveUp, Outcome, Park

AGAIN = 1.0
"""Seconds between tries to republish."""

log = structlog.get_logger(__name__)


class SafeRetries(Middleware):
    """Settles each message by what its actor has raised: republishes or parks it, with the broker's confirmation,
    before it may be acknowledged. While that cannot be done the message is kept, and left unacknowledged at last.

    First of the middlewares, so that it comes last: time limits have let go of the thread by then, and what the
    others do cannot fail after it.
    """

    def __init__(
        self,
        stopping: threading.Event,
        patience: timedelta = topology.PATIENCE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._stopping, self._patience, self._now = stopping, patience, now

    @property
    def actor_options(self) -> set[str]:
        """`throws`: outcomes are expected, and not logged as errors."""
        return {"throws"}

    def after_process_message(
        self, broker: Broker, message: Any, *, exception: BaseException | None = None, **_: Any
    ) -> None:
        """See dramatiq."""
        try:
            self._settle(broker, message, exception)
        except Exception:
            log.exception("an outcome could not be carried out", event_id=message.message_id)
            message.fail()  # rejected, so that the broker puts it into the dead-letter queue
            message.settled = True

    def _settle(self, broker: Any, message: Any, exception: BaseException | None) -> None:
        if isinstance(exception, Outcome | None):
            outcome = exception
        else:
            outcome = unforeseen(exception, consuming.came_by(message), self._now(), self._patience)
        while True:
            try:
                _carry_out(broker, message, outcome)
                message.settled = True
                return
            except (SnaplineError, Interrupt) as error:  # an interrupt that comes late is the actor's, which has ended
                log.warning("could not republish", event_id=message.message_id, reason=str(error))
            if message.lost or self._stopping.wait(AGAIN):
                message.leave("it could not be republished")
                return


class LostDeliveries(Middleware):
    """Skips what waited in memory when its channel was lost: the broker delivers it again.

    Last of the middlewares: those that have seen a message begin also see that it was skipped.
    """

    def before_process_message(self, _: Broker, message: Any) -> None:
        """See dramatiq."""
        if message.lost:
            message.leave("its channel is gone; the broker delivers it again")
            raise SkipMessage(message.left)


def _carry_out(broker: Any, message: Any, outcome: Outcome | None) -> None:
    match outcome:
        case Again():
            broker.republish(message, outcome)
        case Park():
            broker.park(message.consumer, message.body, message.properties, outcome.reason)
        case GaveUp() | None:
            return
        case _:
            raise TypeError(f"nobody knows what to do about {outcome!r}")


def unforeseen(error: BaseException, via: Delivery, now: datetime, patience: timedelta = topology.PATIENCE) -> Outcome:
    """What becomes of a message whose actor has failed otherwise than by an outcome."""
    name = type(error).__name__
    if isinstance(error, Shutdown):
        return Again(topology.DELAYS[0], name, counted=False)
    if via.failing_since is not None and now - via.failing_since >= patience:
        return Park(f"{name} after {via.attempt} attempts")
    return Again(topology.rest(via.attempt), name)

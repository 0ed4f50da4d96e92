"""How many dead letters there are, for the navigation, and whether RabbitMQ can be asked at all, for home: looked at
beside the requests, now and then."""

import threading
import time
from collections.abc import Callable

from producers.console.needs import Needs
from producers.session import Session
from producers.views.dead_letters.groups import queues
from schemas.errors import SnaplineError

AGE = 30.0
"""Seconds for which a count is good enough."""


class Letters:
    """Safe for threads. One for a process: however many look, RabbitMQ is asked now and then, over one connection."""

    def __init__(self, session: Session, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is in seconds."""
        self._session, self._clock, self._lock = session, clock, threading.Lock()
        self._count: int | None = None
        self._problem = ""
        self._counted_at = float("-inf")
        self._counting = False

    def count(self) -> int | None:
        """As it was when last counted, None where nobody knows; counts again if that is long ago, and does not wait."""
        with self._lock:
            self._begin_if_old()
            return self._count

    def problem(self) -> str:
        """Why they could not be counted when somebody last tried, empty if they could: what RabbitMQ says, or who
        cannot reach it. Counts again, as `count` does."""
        with self._lock:
            self._begin_if_old()
            return self._problem

    def known(self, count: int) -> None:
        """Somebody has just looked at all of them."""
        with self._lock:
            self._count, self._problem, self._counted_at = count, "", self._clock()

    def changed(self) -> None:
        """They are to be counted again."""
        with self._lock:
            self._counted_at = float("-inf")

    def _begin_if_old(self) -> None:
        if not self._counting and self._clock() - self._counted_at >= AGE:
            self._counting = True
            threading.Thread(target=self._look, name="dead letters", daemon=True).start()

    def _look(self) -> None:
        count, problem = None, "nobody could count"
        try:
            count, problem = self._session.bus.count_dead_letters(queues(self._session)), ""
        except SnaplineError as error:
            problem = str(error)
        finally:
            with self._lock:
                self._count, self._problem = count, problem
                self._counted_at, self._counting = self._clock(), False


def letters(needs: Needs) -> Letters:
    """For `shared`."""
    return Letters(needs.session)

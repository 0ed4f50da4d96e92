"""One reader of the event log for a whole process, and any number of listeners. What events mean is not known here."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING

from schemas.errors import SnaplineError

if TYPE_CHECKING:
    from workers.adapters.broker import Logged

MOST_WAITING = 1000
"""Entries that a listener may be behind."""
REMEMBERED = 1000
"""The newest entries, which are kept for those who ask for what was before they came."""
PATIENCE = 2.0
"""Seconds that closing waits for the reader; one that is just connecting ends by itself later."""
AGAIN = 1.0
"""Seconds until a log that could not be read is tried again."""

CLOCKS_DIFFER = timedelta(seconds=2)
"""By how much the clocks of two machines may differ."""

Read = Callable[[datetime, Callable[[], bool]], "Iterator[Logged]"]
"""Reads the log from a moment on until it is told to stop; see `Bus.read_log`."""


class Missed:
    """Comes in place of entries that a listener did not get. The object store has the truth: look there."""


MISSED = Missed()


class EventFeed:
    """The event log for many listeners: one thread and one connection, from the first `listen` on. Safe for threads.

    A log that cannot be read is a log on which nothing is heard; reading goes on when it can.
    """

    def __init__(
        self,
        read: Read,
        *,
        most_waiting: int = MOST_WAITING,
        remembered: int = REMEMBERED,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._read, self._most_waiting, self._remembered, self._clock = read, most_waiting, remembered, clock
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._listeners: list[Listener] = []
        self._recent: deque[Logged] = deque()
        self._complete_since = clock()  # `_recent` has all events from then on
        self._lost_since: datetime | None = None
        self._lag: timedelta | None = None

    def listen(self, since: datetime | None = None, arrived: Callable[[], None] = lambda: None) -> "Listener":
        """A listener that gets what comes from now on, and before it what has happened since `since`. If that is
        further back than the feed remembers, MISSED comes first. Each time that there is something for it, `arrived` is
        called, by any thread: it must not wait."""
        listener = Listener(self._most_waiting, self._leave, arrived)
        with self._lock:
            if self._stop.is_set():
                raise RuntimeError("the event feed is closed")
            if self._thread is None:
                self._begin(since or self._clock() - CLOCKS_DIFFER)
            elif since is not None:
                if since < self._complete_since:
                    listener.put(MISSED)
                for entry in self._recent:
                    if entry.event.time >= since:
                        listener.put(entry)
            self._listeners.append(listener)
        return listener

    @property
    def lost_since(self) -> datetime | None:
        """Since when (UTC) nothing was heard, as the log could not be read then; None if it could."""
        with self._lock:
            return self._lost_since

    @property
    def listened(self) -> bool:
        """Whether anybody has ever listened, so that the log is read."""
        return self._thread is not None

    @property
    def lag(self) -> timedelta | None:
        """How long after it was told the newest entry came here; None before any has, and while nothing is heard."""
        with self._lock:
            return None if self._lost_since else self._lag

    def recent(self) -> "list[Logged]":
        """The newest entries that are remembered, in order and without a gap; none before anybody has listened, and
        none while nothing is heard."""
        with self._lock:
            return [] if self._lost_since else list(self._recent)

    def close(self) -> None:
        """Ends the reader; nobody hears anything any more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def _begin(self, since: datetime) -> None:
        self._complete_since = since
        self._thread = threading.Thread(target=self._run, args=(since,), name="event-feed", daemon=True)
        self._thread.start()

    def _run(self, since: datetime) -> None:
        while not self._stop.is_set():
            heard = False
            try:
                for entry in self._read(since, self._stop.is_set):
                    heard = True
                    self._deliver(entry)
            except SnaplineError:
                since = self._after_failure(heard)
                self._stop.wait(AGAIN)

    def _after_failure(self, heard: bool) -> datetime:
        """The moment from which to read on. What came between the last entry and now is lost to all listeners."""
        with self._lock:
            self._lost_since = self._lost_since or self._clock()
            if heard:
                self._complete_since = self._clock()
                self._recent.clear()
                for listener in self._listeners:
                    listener.put(MISSED)
            return self._complete_since

    def _deliver(self, entry: "Logged") -> None:
        with self._lock:
            self._lost_since, self._lag = None, self._clock() - entry.event.time
            if len(self._recent) == self._remembered:
                forgotten = self._recent.popleft().event.time + timedelta(microseconds=1)
                self._complete_since = max(self._complete_since, forgotten)
            self._recent.append(entry)
            for listener in self._listeners:
                listener.put(entry)

    def _leave(self, listener: "Listener") -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)


class Listener:
    """What one listener has yet to hear. If it is too far behind, all of that is dropped, and MISSED says so."""

    def __init__(
        self, most_waiting: int, leave: "Callable[[Listener], None]", tell: Callable[[], None] = lambda: None
    ) -> None:
        self._most_waiting, self._leave, self._tell = most_waiting, leave, tell
        self._waiting: deque[Logged | Missed] = deque()
        self._arrived = threading.Condition()

    def get(self, timeout: float) -> "Logged | Missed | None":
        """The next entry, or MISSED; None if nothing has come for `timeout` seconds."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._waiting, timeout)
            return self._waiting.popleft() if self._waiting else None

    def put(self, entry: "Logged | Missed") -> None:
        """For the feed. Never waits."""
        with self._arrived:
            if len(self._waiting) >= self._most_waiting:
                self._waiting.clear()
                self._waiting.append(MISSED)
            self._waiting.append(entry)
            self._arrived.notify()
        self._tell()

    def close(self) -> None:
        """Hears nothing any more."""
        self._leave(self)

    def __enter__(self) -> "Listener":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

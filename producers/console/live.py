"""Tells browsers that something has changed, by Server-Sent Events: one listener of the event feed for all of them.

A browser hears which jobs have changed, and asks for what it shows of them; what an event says does not go this way.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager

from producers.event_feed import EventFeed, Missed
from schemas.events import Event, TickMinute, UpkeepProgressed, VolumesProgressed

EVERYTHING = "*"
"""In place of names: anything may have changed."""
MOST_NAMES = 50
"""Jobs that a browser is told by name at once; more are `EVERYTHING`."""
NO_TURN = (VolumesProgressed, UpkeepProgressed, TickMinute)
"""Events after which no list looks different."""
TICK = 1.0
"""Seconds after which the thread looks whether anybody still listens."""


class Browser:
    """What one browser has yet to hear. Belongs to one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._changed, self._names = loop, asyncio.Event(), set[str]()

    def tell(self, name: str) -> None:
        """From any thread."""
        self._loop.call_soon_threadsafe(self._add, name)

    async def next(self) -> set[str]:
        """Waits until there is something; the jobs that have changed since the last call."""
        await self._changed.wait()
        self._changed.clear()
        names, self._names = self._names, set()
        return names

    def _add(self, name: str) -> None:
        self._names.add(name)
        if len(self._names) > MOST_NAMES or EVERYTHING in self._names:
            self._names = {EVERYTHING}
        self._changed.set()


class Hub:
    """One listener for all browsers, from the first on. Safe for threads."""

    def __init__(self, feed: EventFeed) -> None:
        self._feed = feed
        self._lock = threading.Lock()
        self._browsers: list[Browser] = []
        self._before: list[Callable[[], None]] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def before_telling(self, forget: Callable[[], None]) -> None:
        """Has `forget` called at every turn of a job, before any browser hears of it: by who remembers what was read.
        Else a browser that asks at once would be shown what was before, and nobody would tell it again."""
        with self._lock:
            self._before.append(forget)

    @contextmanager
    def browser(self) -> Iterator[Browser]:
        """A browser that hears while the context lasts. Needs a running event loop."""
        made = Browser(asyncio.get_running_loop())
        with self._lock:
            self._browsers.append(made)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="live", daemon=True)
                self._thread.start()
        try:
            yield made
        finally:
            with self._lock:
                self._browsers.remove(made)

    def close(self) -> None:
        """Nobody hears anything any more."""
        self._stop.set()

    def _run(self) -> None:
        with self._feed.listen() as listener:
            while not self._stop.is_set():
                entry = listener.get(TICK)
                if entry is None:
                    continue
                name = EVERYTHING if isinstance(entry, Missed) else job_name(entry.event.data)
                with self._lock:
                    browsers, before = [*self._browsers], [*self._before]
                if isinstance(entry, Missed) or not isinstance(entry.event.data, NO_TURN):
                    for forget in before:
                        forget()
                for each in browsers:
                    each.tell(name)


def job_name(event: Event) -> str:
    """The name of the backup or restore that an event is about; `EVERYTHING` if it is about none."""
    for field in ("job", "restore", "backup"):
        if isinstance(found := getattr(event, field, None), str):
            return found
    return EVERYTHING


async def changes(
    hub: Hub, quiet: float, *, names: bool, may_go_on: Callable[[], Awaitable[bool]], beat: float
) -> AsyncIterator[str]:
    """Each time the names of the jobs that have changed, at most once in `quiet` seconds; `EVERYTHING` where the
    browser may not know the `names` of all. Ends when whoever listens may not any more, which is asked before anything
    is told, and every `beat` seconds."""
    with hub.browser() as browser:
        yield EVERYTHING  # what a browser shows may be from before it listened
        while True:
            changed = await _within(beat, browser.next())
            if not await may_go_on():
                return
            if changed:
                yield " ".join(sorted(changed)) if names else EVERYTHING
                await asyncio.sleep(quiet)


async def _within(seconds: float, heard: Coroutine[None, None, set[str]]) -> set[str]:
    """What is heard within that time; nothing after it."""
    try:
        return await asyncio.wait_for(heard, seconds)
    except TimeoutError:
        return set()

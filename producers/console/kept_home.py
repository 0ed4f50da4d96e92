"""Home for pages that show a part of it, and for the first look at it: read beside the request, which waits no longer
than it may."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong

from producers.console.needs import Needs
from producers.views.home.composed import Home
from producers.views.home.keeper import Keeper
from producers.views.home.standings import AppStanding

GOOD_ENOUGH = 20.0
"""Seconds for which days are drawn as they were, if nothing has happened since: to read all of home takes a while."""


class KeptHome:
    """The home of one process. Safe for threads."""

    def __init__(self, keeper: Keeper, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is in seconds."""
        self.keeper, self._clock = keeper, clock
        self._read_at = float("-inf")
        self._pool = ThreadPoolExecutor(1, "home")
        self._lock = threading.Lock()
        self._going: Future[Home] | None = None
        self._last: Home | None = None

    def home(self, patience: float) -> Home | None:
        """As it is now if that can be read within so many seconds; else as it was when it was last read, None for
        never. Reading goes on."""
        with self._lock:
            if self._going is None or self._going.done():
                self._going = self._pool.submit(self._read)
            going = self._going
        try:
            return going.result(patience)
        except TooLong:
            return self._last

    def is_read(self) -> bool:
        """Whether it was read since the process began."""
        return self._last is not None

    def standing(self, slug: str, patience: float) -> AppStanding | None:
        """That of one application, as `home`, but up to `GOOD_ENOUGH` old. None for one that is not there, or where
        nobody can say."""
        old = self._clock() - self._read_at >= GOOD_ENOUGH or not self.keeper.is_known()
        found = self.home(patience) if old else self._last
        if found is None or found.known_at is None:
            return None
        return next((each for each in found.standings if each.app.slug == slug), None)

    def close(self) -> None:
        """Nothing more is read."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _read(self) -> Home:
        self._last = self.keeper.home()
        self._read_at = self._clock()
        return self._last


def kept_home(needs: Needs) -> KeptHome:
    """For `shared`."""
    keeper = Keeper(needs.session, needs.now)
    needs.hub.before_telling(keeper.forget)
    return KeptHome(keeper)

"""The object store as workers meet it in a campaign: by a proxy with moods."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from tests.support.faults import CUT, LOSE, FaultyProxy

Mood = Literal["", "slow", "cutting", "refusing", "full"]
SHARE = 0.5
"""Of the requests, so many are spoilt in a mood that spoils."""
SLOW = 0.4
"""Seconds that each request takes longer in a slow mood."""


class MoodyProxy(FaultyProxy):
    """Passes on all requests but those that its mood spoils. `spoilt` counts them by mood."""

    def __init__(self, upstream: str, seed: int) -> None:
        super().__init__(upstream)
        self._chance, self._mood_lock = random.Random(seed), threading.Lock()
        self._mood: Mood = ""
        self.spoilt: Counter[str] = Counter()

    @contextmanager
    def mood(self, mood: Mood) -> Iterator[None]:
        """While the context lasts."""
        self._mood = mood
        try:
            yield
        finally:
            self._mood = ""

    def fault_of(self, method: str) -> str:
        """See there. A store that is full can be read."""
        mood = self._mood if self._mood != "full" or method in ("PUT", "POST") else ""
        if mood == "slow":
            time.sleep(SLOW)
        with self._mood_lock:
            spoils = bool(mood) and self._chance.random() < SHARE
            cut = self._chance.choice([LOSE, CUT])
        if mood:
            self.spoilt[mood] += spoils or mood == "slow"
        if not spoils:
            return ""
        faults = {"cutting": cut, "refusing": "500 InternalError", "full": "507 InsufficientStorage"}
        return faults.get(mood, "")

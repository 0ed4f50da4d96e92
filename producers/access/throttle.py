"""How often somebody may try to sign in: by who is tried and from where, in a bounded memory of this process.

Tries are counted before the password is looked at, so that many at once are not more than many one after the other.
"""

import ipaddress
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["pair", "address", "account"]
Key = tuple[Kind, str, str]


@dataclass(frozen=True)
class Limits:
    """Failed tries within `window` seconds, after which trying pauses for `pause` seconds: of one account from one
    address, of any accounts from one address, and of one account from any address. `remembered` is how many of these
    are kept in mind."""

    pair: int = 5
    address: int = 20
    account: int = 60
    window: float = 900
    pause: float = 300
    remembered: int = 10_000


@dataclass(frozen=True)
class Standing:
    """How it is with somebody who wants to try: `pause` is for how many seconds it is no use, 0 if it may be tried;
    then `left` tries remain after this one."""

    pause: float
    left: int


@dataclass
class _Count:
    began: float
    failed: int = 0
    until: float = 0.0


class Throttle:
    """Safe for threads."""

    def __init__(self, clock: Callable[[], float], limits: Limits | None = None) -> None:
        """`clock` counts seconds."""
        self._clock, self.limits = clock, limits or Limits()
        self._lock = threading.Lock()
        self._counts: OrderedDict[Key, _Count] = OrderedDict()
        self._welcome: OrderedDict[Key, None] = OrderedDict()

    def begin(self, account: str, address: str) -> Standing:
        """Counts a try as failed, unless trying pauses. Somebody who has signed in from this address before is not
        kept out by what others try elsewhere."""
        keys = self._keys(account, address)
        with self._lock:
            now = self._clock()
            counted = keys[:2] if keys[0] in self._welcome else keys
            counts = [(self._limit(key), self._count(key, now)) for key in counted]
            pause = max(count.until - now for _, count in counts)
            if pause > 0:
                return Standing(pause, 0)
            for limit, count in counts:
                count.failed += 1
                if count.failed >= limit:
                    count.until = now + self.limits.pause
            return Standing(0.0, min(max(limit - count.failed, 0) for limit, count in counts))

    def passed(self, account: str, address: str) -> None:
        """The try was none that failed."""
        keys = self._keys(account, address)
        with self._lock:
            self._counts.pop(keys[0], None)
            for key in keys[1:]:
                if (count := self._counts.get(key)) is not None and count.failed:
                    count.failed -= 1
                    count.until = 0.0 if count.failed < self._limit(key) else count.until
            self._welcome[keys[0]] = None
            self._welcome.move_to_end(keys[0])
            while len(self._welcome) > self.limits.remembered:
                self._welcome.popitem(last=False)

    def _keys(self, account: str, address: str) -> tuple[Key, Key, Key]:
        account, near = account[:100], neighbourhood(address)
        return ("pair", account, near), ("address", "", near), ("account", account, "")

    def _limit(self, key: Key) -> int:
        limit: int = getattr(self.limits, key[0])
        return limit

    def _count(self, key: Key, now: float) -> _Count:
        count = self._counts.get(key)
        if count is None or (count.until <= now and (count.until or now - count.began > self.limits.window)):
            count = _Count(now)
        self._counts[key] = count
        self._counts.move_to_end(key)
        while len(self._counts) > self.limits.remembered:
            self._forget_one(now, key)
        return count

    def _forget_one(self, now: float, but: Key) -> None:
        """The oldest, and one for which nothing pauses, if there is one among the oldest."""
        oldest = [key for key, _ in zip(self._counts, range(100), strict=False) if key != but]
        free = [key for key in oldest if self._counts[key].until <= now]
        del self._counts[(free or oldest)[0]]


def neighbourhood(address: str) -> str:
    """Who counts as one address: of IPv6 the network of 64 bits, which one host may have for itself."""
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(read, ipaddress.IPv6Address):
        return str(read.ipv4_mapped or ipaddress.ip_network((read, 64), strict=False))
    return str(read)

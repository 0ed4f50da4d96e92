"""A dict of a store's objects that finds those below a prefix without looking at all of them."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import TypeVar

V = TypeVar("V")


class SortedKeys(dict[str, V]):
    """Filled and emptied by `[]`, `del` and `pop` alone."""

    def __init__(self) -> None:
        super().__init__()
        self._sorted: list[str] = []

    def __setitem__(self, key: str, value: V) -> None:
        if key not in self:
            insort(self._sorted, key)
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        del self._sorted[bisect_left(self._sorted, key)]

    def pop(self, key: str, *default: V | None) -> V | None:  # type: ignore[override]
        """See dict."""
        if key not in self:
            return super().pop(key, *default)
        found = self[key]
        del self[key]
        return found

    def below(self, prefix: str) -> Iterator[str]:
        """The keys that begin so, in order. Nothing may change meanwhile."""
        begin = bisect_left(self._sorted, prefix)
        for number in range(begin, len(self._sorted)):
            if not self._sorted[number].startswith(prefix):
                return
            yield self._sorted[number]

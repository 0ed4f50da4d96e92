"""What a new volume may rely on of what others have stored: chunks with a place that is neither marked nor damaged."""

from collections.abc import Iterable

from workers.repository.chunks.view import View

REMEMBERED = 200_000
"""Chunks that are remembered; each takes some hundred bytes."""


class Reliance:
    """Asks the index about each chunk once, more or less. Use in one thread, and only until the next look at marks."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._good: set[bytes] = set()
        self.relied: set[bytes] = set()
        """The packs that have what was asked about, as far as all of it could be relied on."""

    def on_all(self, ids: Iterable[bytes]) -> bool:
        """Whether all of these may be relied on. One that has no place in the index may not (F34)."""
        good = self._good
        for id_ in ids:
            if id_ in good:
                continue
            place = self._view.reliable(id_)
            if place is None:
                return False
            self.relied.add(place.pack)
            if len(good) >= REMEMBERED:
                good.clear()
            good.add(id_)
        return True

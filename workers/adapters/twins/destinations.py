"""Destinations in memory: the port `Destinations` over stores and repositories that are at hand."""

from collections.abc import Mapping, Sequence

from schemas.errors import Code, NotFound
from schemas.events import DEFAULT_DESTINATION
from workers.ports import ObjectStore, Repository


class MemoryDestinations:
    """Name -> its store, which seals records itself if they are to be sealed (`SealedRecords`), and its repository. The
    mapping may be changed while this is in use."""

    def __init__(
        self, known: Mapping[str, tuple[ObjectStore, Repository]], defaults: Sequence[str] = (DEFAULT_DESTINATION,)
    ) -> None:
        self._known, self._defaults = known, list(defaults)

    def names(self) -> list[str]:
        """See the port."""
        return sorted(self._known)

    def defaults(self) -> list[str]:
        """See the port."""
        return self._defaults

    def store(self, name: str) -> ObjectStore:
        """See the port."""
        return self._of(name)[0]

    def repository(self, name: str) -> Repository:
        """See the port."""
        return self._of(name)[1]

    def _of(self, name: str) -> tuple[ObjectStore, Repository]:
        if name not in self._known:
            raise NotFound(f"there is no storage destination {name!r:.80}", code=Code.NO_DESTINATION, subject=name)
        return self._known[name]

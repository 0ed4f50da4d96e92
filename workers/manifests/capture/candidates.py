"""Which objects a selection may match at all, so that not each application looks at the objects of all others."""

from collections import defaultdict
from collections.abc import Iterator

from schemas.kubernetes import Object
from schemas.velero import ALL
from workers.manifests.capture.scope import Selection
from workers.manifests.kube.listing import Listing
from workers.manifests.kube.objects import labels_of, name_of

Place = tuple[str, str, str]
"""A namespace (`*`: wherever it is; empty: in none), a label's key, and its value."""


class Candidates:
    """Objects of a listing by their labels and namespaces."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._uids = list(listing.objects)
        self._at: dict[Place, list[int]] = defaultdict(list)
        for number, (uid, obj) in enumerate(listing.objects.items()):
            namespace = name_of(obj)[0] if listing.types[uid].namespaced else ""
            for key, value in labels_of(obj).items():
                self._at[namespace, key, value].append(number)
                self._at[ALL, key, value].append(number)

    def of(self, selection: Selection) -> Iterator[tuple[str, Object]]:
        """By uid, in the order of the listing: all that the selection matches, and others."""
        for number in self._numbers(selection):
            uid = self._uids[number]
            yield uid, self._listing.objects[uid]

    def _numbers(self, selection: Selection) -> list[int] | range:
        if not all(selector.match_labels for selector in selection.selectors):
            return range(len(self._uids))
        namespaces = {ALL} if ALL in selection.namespaces else {"", *selection.namespaces}
        labels = [next(iter(selector.match_labels.items())) for selector in selection.selectors]
        found = {
            number
            for key, value in labels
            for namespace in namespaces
            for number in self._at.get((namespace, key, value), ())
        }
        return sorted(found)

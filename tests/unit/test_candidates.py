"""Each selection looks at those objects alone that it may match, and misses none of those that it matches."""

import itertools

from schemas.kubernetes import CONFIG_MAPS, NAMESPACES, Object
from schemas.velero import ALL, Expression, LabelSelector
from tests.support.objects import make
from workers.manifests.capture.candidates import Candidates
from workers.manifests.capture.scope import Selection
from workers.manifests.capture.select import _selects
from workers.manifests.kube.listing import Listing

LABELS: tuple[dict[str, str], ...] = ({}, {"app": "a"}, {"app": "b"}, {"app": "a", "tier": "x"}, {"tier": "x"})
SELECTORS = (
    LabelSelector(),
    LabelSelector(match_labels={"app": "a"}),
    LabelSelector(match_labels={"app": "a", "tier": "x"}),
    LabelSelector(match_labels={"tier": "x"}),
    LabelSelector(match_expressions=[Expression(key="app", operator="In", values=["b"])]),
    LabelSelector(match_labels={"app": "a"}, match_expressions=[Expression(key="tier", operator="DoesNotExist")]),
)
PLACES: tuple[tuple[str, ...], ...] = ((), ("one",), ("two", "one"), (ALL,))


def _listing() -> Listing:
    listing = Listing()
    for number, (labels, namespace) in enumerate(itertools.product(LABELS, ("one", "two", "three"))):
        listing.add(CONFIG_MAPS, _labelled(make("ConfigMap", f"c{number}", namespace), labels, f"uid-{number}"))
    for namespace, labels in itertools.product(("one", "two"), LABELS):
        listing.add(NAMESPACES, _labelled(make("Namespace", namespace), labels, f"uid-{namespace}-{labels}"))
    return listing


def _labelled(obj: Object, labels: dict[str, str], uid: str) -> Object:
    obj["metadata"] |= {"labels": labels, "uid": uid}
    return obj


def test_no_object_is_missed_and_all_are_in_the_order_of_the_listing() -> None:
    listing = _listing()
    candidates = Candidates(listing)
    chosen = [*itertools.combinations(SELECTORS, 1), *itertools.combinations(SELECTORS, 2), ()]
    for selectors, namespaces in itertools.product(chosen, PLACES):
        selection = Selection("a", namespaces, selectors)
        matched = [uid for uid, obj in listing.objects.items() if _selects(selection, listing.types[uid], obj)]
        found = [uid for uid, obj in candidates.of(selection) if _selects(selection, listing.types[uid], obj)]
        assert found == matched


def test_what_has_another_label_or_is_elsewhere_is_not_looked_at() -> None:
    candidates = Candidates(_listing())
    selection = Selection("b", ("one",), (LabelSelector(match_labels={"app": "b"}),))
    looked_at = [obj["metadata"] for _, obj in candidates.of(selection)]
    assert {labels["labels"]["app"] for labels in looked_at} == {"b"}
    assert {metadata.get("namespace", "") for metadata in looked_at} == {"one", ""}

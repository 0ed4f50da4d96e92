"""What applications and people change between jobs."""

import random
from typing import Any

from schemas.kubernetes import CONFIG_MAPS, Object
from tests.unit.model.emulated import Emulated, Id
from tests.unit.model.oracle import labels
from tests.unit.model.parts import FINALIZER

KINDS = ("configmaps", "deployments.apps", "statefulsets.apps", "pods", "persistentvolumeclaims", "secrets")

HELD = ("configmaps", "secrets")
SLUG = "kots.io/app-slug"


def edit(world: Emulated, chance: random.Random, text: str) -> None:
    """One change: a file, a text, a label, or a deletion."""
    what = chance.choice(["write", "text", "delete", "label"])
    if what == "write" and (places := sorted(world.volumes())):
        world.write(chance.choice(places), {chance.choice("abd"): text.encode()})
        return
    found = [id_ for id_, obj in sorted(world.objects().items()) if id_[0] in KINDS and _is_somebodys(obj)]
    if not found:
        return
    id_ = chance.choice(found)
    if what == "delete":
        remove(world, id_)
        return
    patch: dict[str, Any] = {"metadata": {"labels": {"tier": chance.choice("ab")}}}
    if what == "text" and id_[0] == "configmaps":
        patch = {"data": {"text": text}}
    world.cluster.patch(world.type_of(id_), id_[1], id_[2], patch)
    world.settle()


def renew(world: Emulated, text: str) -> None:
    """Every text and every volume has something new in it."""
    for id_, obj in world.objects().items():
        if id_[0] == "configmaps" and _is_somebodys(obj):
            world.cluster.patch(CONFIG_MAPS, id_[1], id_[2], {"data": {"text": text}})
    for place in world.volumes():
        world.write(place, {"a": f"{place} {text}".encode()})


def hold(world: Emulated, chance: random.Random, slug: str) -> None:
    """One of an application's objects has a finalizer that nobody takes off."""
    found = [id_ for id_, obj in sorted(world.objects().items()) if id_[0] in HELD and labels(obj).get(SLUG) == slug]
    if found:
        kind, namespace, name = chance.choice(found)
        patch = {"metadata": {"finalizers": [FINALIZER]}}
        world.cluster.patch(world.type_of((kind, namespace, name)), namespace, name, patch)


def let_go(world: Emulated) -> None:
    """There is no such finalizer any more."""
    for id_, obj in world.objects().items():
        if FINALIZER in (obj["metadata"].get("finalizers") or []):
            world.cluster.patch(world.type_of(id_), id_[1], id_[2], {"metadata": {"finalizers": None}})
    world.settle()


def remove(world: Emulated, id_: Id) -> None:
    """Deletes an object, and what hangs on it."""
    world.cluster.delete(world.type_of(id_), id_[1] or None, id_[2])
    world.settle()


def _is_somebodys(obj: Object) -> bool:
    return obj["metadata"]["name"] != "kube-root-ca.crt" and "snapline.dev/application" not in labels(obj)

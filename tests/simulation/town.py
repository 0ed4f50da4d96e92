"""What there is at the beginning: a console, two applications with volumes and hooks, and who is registered."""

import json
import random
from dataclasses import replace
from typing import Any

from schemas.kubernetes import CONFIG_MAPS, DEFINITIONS, SECRETS, Object
from tests.simulation.machinery.line import CONSOLE
from tests.unit.model.emulated import Emulated
from tests.unit.model.machine import authority, license_of, registration
from tests.unit.model.parts import App, Kind, Part, child_of, definition_of_widgets, drawn_apps, drawn_parts, objects

PRE, POST = "pre.hook.backup.velero.io/command", "post.hook.backup.velero.io/command"
FREEZE, THAW = ["freeze"], ["thaw"]
FILES = ("a", "b")
HOLDING: tuple[Kind, ...] = ("pod", "web", "set")
"""Kinds of parts with volumes."""


def found(world: Emulated, chance: random.Random, parts: int) -> list[App]:
    """Founds it, with so many parts of each application; who is registered."""
    apps = [_sure(app, chance) for app in drawn_apps(chance, CONSOLE, parts)]
    drawn = [*drawn_parts(chance, "console", [CONSOLE], 1), *(part for app in apps for part in app.parts)]
    names = {CONSOLE, "shared", "shop", "blog", *(name for app in apps for name in app.namespaces)}
    for name in sorted(names):
        _create(world, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for app in apps:
        world.cluster.create(SECRETS, registration(app))
    for part in drawn:
        add(world, replace(part, stuck=False), chance)
    world.settle()
    return apps


def _sure(app: App, chance: random.Random) -> App:
    """The application, with something in it that is its own, most often a volume."""
    first, *rest = app.parts
    kind = chance.choice(HOLDING) if chance.random() < 0.7 else first.kind
    name = f"{app.slug}-0-{kind}"
    sure = replace(first, kind=kind, name=name, labels={"kots.io/app-slug": app.slug}, copied=True, kept=False)
    return replace(app, parts=[sure, *rest])


def prepare() -> None:
    """What takes a second, once: keys, and licenses."""
    authority()
    for slug in ("shop", "blog"):
        license_of(slug)


def add(world: Emulated, part: Part, chance: random.Random) -> None:
    """A part, with files in its volumes, and hooks around their copy."""
    if part.kind == "widget" and not list(world.cluster.live(DEFINITIONS)):
        world.cluster.create(DEFINITIONS, definition_of_widgets())
    hooked = chance.random() < 0.5
    for obj in objects(part):
        made = _create(world, _hooked(obj) if hooked else obj)
        if part.kind == "widget":
            world.cluster.create(CONFIG_MAPS, child_of(part, made))
    world.settle()
    for place, path in sorted(world.volumes().items()):
        if place[1].startswith(part.name) or f"-{part.name}-" in place[1]:
            for name in FILES:
                (path / name).write_text(f"{place} {name} {part.text}")


def _hooked(obj: Object) -> Object:
    """Its pods are frozen before the copy of their volumes, and thawed after it."""
    template: Any = obj if obj["kind"] == "Pod" else (obj.get("spec") or {}).get("template")
    if obj["kind"] in ("Pod", "Deployment", "StatefulSet") and template:
        annotations = {
            **(template["metadata"].get("annotations") or {}),
            PRE: json.dumps(FREEZE),
            POST: json.dumps(THAW),
        }
        template["metadata"]["annotations"] = annotations
    return obj


def _create(world: Emulated, obj: Object) -> Object:
    kinds = {(type_.api_version, type_.kind): type_ for type_ in world.cluster.types()}
    return world.cluster.create(kinds[obj["apiVersion"], obj["kind"]], obj)

"""Applications that are edited, backed up and restored in any way and order, with steps that fail at any effect."""

import functools
import json
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import yaml
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from deploy.local.license_authority import Authority, create_authority, sign_license
from schemas import application, keys
from schemas import events as e
from schemas.kubernetes import CONFIG_MAPS, DEFINITIONS, SECRETS, Object
from tests.unit.model import invariants
from tests.unit.model.deleting import may_delete
from tests.unit.model.driver import CONSOLE, Line
from tests.unit.model.edits import edit, hold, let_go, remove, renew
from tests.unit.model.faults import Fault
from tests.unit.model.parts import App, Part, child_of, definition_of_widgets, drawn_apps, drawn_parts, objects
from tests.unit.model.watching import Moment, Watching

SEEDS = st.integers(0, 2**32)
FAULTS = st.one_of(
    st.none(),
    st.none(),
    st.builds(
        Fault,
        st.sampled_from(["killed before", "killed after", "refused", "lost", "meanwhile"]),
        st.integers(1, 12),
    ),
)
SCOPES = st.sampled_from(
    [
        ("full", None),
        ("applications", None),
        ("console", None),
        ("applications", "shop"),
        ("applications", "blog"),
        ("applications", "shop"),
    ]
)
seen: Counter[str] = Counter()
"""How jobs ended, over all runs: a model in which none is ever Completed shows nothing."""


@functools.cache
def authority() -> Authority:
    """Drawing keys takes a second."""
    return create_authority()


@functools.cache
def license_of(slug: str) -> str:
    """A good one."""
    return sign_license(authority(), app_slug=slug)


class LineMachine(RuleBasedStateMachine):
    """One cluster with two applications and the console, and one store."""

    def __init__(self) -> None:
        super().__init__()
        self.line = Line(authority().trusted, lambda key: self.watching.seen(key))
        self.watching = Watching(self.line.world, self.line.plain, CONSOLE, [])
        self.start: Moment | None = None
        self.number = 0
        self.checked: set[str] = set()

    def teardown(self) -> None:
        try:
            if self.start:
                self._idle(0)
        finally:
            self.line.world.close()

    @initialize(seed=SEEDS, count=st.integers(2, 5))
    def install(self, seed: int, count: int) -> None:
        chance = random.Random(seed)
        drawn = drawn_apps(chance, CONSOLE, count)
        console = drawn_parts(chance, "console", [CONSOLE], 2)
        self.watching.apps = drawn
        names = {CONSOLE, "shared", "shop", "blog", *(name for app in drawn for name in app.namespaces)}
        for name in sorted(names):
            self._create_object({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        for app in drawn:
            self.line.world.cluster.create(SECRETS, registration(app))
        for part in [*console, *(part for app in drawn for part in app.parts)]:
            self._apply(part)
        self._begin()
        self._ask(e.BackupRequested())
        self._ask(e.BackupRequested(app="shop"))
        self._idle(0)

    # --- what users ask

    @rule(app=st.sampled_from([None, None, "shop", "blog"]))
    def back_up(self, app: str | None) -> None:
        self._ask(e.BackupRequested(app=app))

    @precondition(lambda self: self.watching.backups())
    @rule(which=st.integers(0, 9), scope=SCOPES, keep_newer=st.sampled_from([False, False, True]), safe=st.booleans())
    def restore(self, which: int, scope: tuple[e.Scope, str | None], keep_newer: bool, safe: bool) -> None:
        self._ask(self._restore(which, scope, keep_newer).model_copy(update={"safety_snapshot": safe}))

    @precondition(lambda self: self.line.running())
    @rule(which=st.integers(0, 9))
    def cancel(self, which: int) -> None:
        running = self.line.running()
        job = keys.parse_running(running[which % len(running)])
        self.line.plain.create(keys.cancel(job), json.dumps({"at": "now"}).encode())

    # --- what the bus and the processes do

    @precondition(lambda self: self.line.messages)
    @rule(seed=SEEDS, count=st.integers(1, 30), fault=FAULTS, twice=st.booleans())
    def deliver(self, seed: int, count: int, fault: Fault | None, twice: bool) -> None:
        chance = random.Random(seed)
        self.line.meddler.meanwhile = lambda: self._others(chance)
        at = chance.randrange(count)
        for number in range(count):
            if not self.line.due():
                self.line.wait()
            if due := self.line.due():
                chosen = chance.choice(due)
                self.line.deliver(chosen, fault if number == at else None, twice=twice and number == at)

    @precondition(lambda self: self.line.messages)
    @rule()
    def lose_messages(self) -> None:
        """The broker has lost its data; the requests are asked for once more."""
        requests = (e.BackupRequested, e.RestoreRequested)
        self.line.messages = [each for each in self.line.messages if isinstance(each.event.data, requests)]

    @rule(seed=SEEDS)
    def rest(self, seed: int) -> None:
        self._idle(seed)

    # --- what applications and people change in between

    @rule(seed=SEEDS, count=st.integers(1, 4))
    def edit(self, seed: int, count: int) -> None:
        self._idle(seed)
        chance = random.Random(seed)
        for _ in range(count):
            edit(self.line.world, chance, str(self.line.now))
        self._begin()

    @rule(seed=SEEDS, slug=st.sampled_from(["shop", "blog"]))
    def add(self, seed: int, slug: str) -> None:
        self._idle(seed)
        app = next(app for app in self.watching.apps if app.slug == slug)
        self.number += 1
        [part] = drawn_parts(random.Random(seed), slug, app.namespaces, 1)
        self._apply(replace(part, name=f"{slug}-new-{self.number}-{part.kind}"))
        self._begin()

    @rule(seed=SEEDS, slug=st.sampled_from(["shop", "blog"]))
    def lose_everything(self, seed: int, slug: str) -> None:
        """All that an application has is gone."""
        self._idle(seed)
        for id_, obj in self.line.world.objects().items():
            if (obj["metadata"].get("labels") or {}).get("kots.io/app-slug") == slug:
                remove(self.line.world, id_)
        self._begin()

    @precondition(lambda self: self.watching.backups())
    @rule(seed=SEEDS, which=st.integers(0, 9), scope=SCOPES, slug=st.sampled_from(["shop", "blog"]))
    def restore_what_is_held(self, seed: int, which: int, scope: tuple[e.Scope, str | None], slug: str) -> None:
        """An application of which something will not go, until it does."""
        self._idle(seed)
        hold(self.line.world, random.Random(seed), slug)
        self._begin()
        self._ask(self._restore(which, scope, False))
        self._idle(seed)
        let_go(self.line.world)
        self._begin()

    @precondition(lambda self: self.watching.backups())
    @rule(seed=SEEDS, which=st.integers(0, 9), scope=SCOPES)
    def restore_twice(self, seed: int, which: int, scope: tuple[e.Scope, str | None]) -> None:
        """The second time finds what the first has left."""
        self._idle(seed)
        renew(self.line.world, str(self.line.now))
        moments, endings = [], []
        for _ in range(2):
            let_go(self.line.world)  # a finalizer comes back with its object
            self._begin()
            self._ask(self._restore(which, scope, False))
            self._idle(seed)
            moments.append(self.watching.moment())
            endings.append([(each.status, each.reason and each.reason.code) for each in self.watching.restores()][-1:])
        if endings[0] and endings[0][0][0] in ("Completed", "PartiallyFailed"):
            _none(invariants.differences(*moments))
            if not self.watching.shares_volumes(self.watching.restores()[-1]):
                assert endings[0] == endings[1], f"a second restore ends otherwise: {endings}"
            seen["twice"] += 1

    @precondition(lambda self: self.watching.backups())
    @rule(seed=SEEDS, which=st.integers(0, 9), scope=SCOPES)
    def roll_back(self, seed: int, which: int, scope: tuple[e.Scope, str | None]) -> None:
        """A restore, and back to what there was before it."""
        self._idle(seed)
        renew(self.line.world, str(self.line.now))
        self._begin()
        start = self.watching.moment()
        known = {record.name for record in self.watching.restores()}
        self._ask(self._restore(which, scope, False))
        self._idle(seed)
        done = [record for record in self.watching.restores() if record.name not in known]
        if not done or not done[0].snapshot or done[0].status != "Completed":
            return
        self._ask(e.RestoreRequested(backup=done[0].snapshot, scope=done[0].scope, app=done[0].app))
        self._idle(seed)
        back = next(each for each in self.watching.restores() if each.name.startswith(str(done[0].snapshot)))
        if back.status == "Completed":
            deleted = may_delete(start.objects, self.watching.restoring(done[0].name))
            _none(invariants.not_back_again(start, self.watching.moment(), deleted))
        seen[f"rollback {back.status}"] += 1

    # --- how

    def _ask(self, event: e.Event) -> None:
        self.number += 1
        self.line.ask(event, f"request-{self.number}")

    def _restore(self, which: int, scope: tuple[e.Scope, str | None], keep_newer: bool) -> e.RestoreRequested:
        backups = self.watching.backups()
        backup = backups[which % len(backups)]
        return e.RestoreRequested(backup=backup.name, scope=scope[0], app=scope[1], keep_newer=keep_newer)

    def _others(self, chance: random.Random) -> None:
        """What other processes do while a step is in the midst of its work."""
        for _ in range(chance.randint(1, 6)):
            if due := self.line.due():
                self.line.deliver(chance.choice(due))

    def _begin(self) -> None:
        self.line.now += timedelta(seconds=10)
        self.line.world.settle()
        self.line.touched.clear()
        self.start = self.watching.moment()

    def _idle(self, seed: int) -> None:
        """All jobs end, and everything is looked at."""
        assert self.start is not None
        self.line.drain(random.Random(seed))
        _none(invariants.left_behind(self.line))
        _none(invariants.overlaps(self.line.touched, self.line))
        new = [record for record in self.watching.restores() if record.name not in self.checked]
        backups = [record for record in self.watching.backups() if record.name not in self.checked]
        for record in backups:
            _none(invariants.wrong_in_backup(record, self.watching, self.line))
        for restored in new:
            _none(invariants.wrong_in_restore(restored, self.watching, self.line))
            _none(invariants.not_put_back(restored, self.watching, self.line))
        names = [record.name for record in new]
        _none(invariants.wrong_around(self.start, self.watching.moment(), names, self.watching))
        self.checked |= {*names, *(record.name for record in backups)}
        seen.update(f"restores {record.status}" for record in new)
        seen.update(f"backups {record.status}" for record in backups)
        seen["volumes copied"] += sum(len(record.volumes) for record in backups)
        seen["bytes restored"] += sum(record.bytes for record in new)
        seen["at once"] += len({*self.line.touched}) > 1
        self.line.told.clear()
        self._begin()

    def _apply(self, part: Part) -> None:
        world = self.line.world
        if part.kind == "widget" and not list(world.cluster.live(DEFINITIONS)):
            world.cluster.create(DEFINITIONS, definition_of_widgets())
        for obj in objects(part):
            made = self._create_object(obj)
            if part.kind == "widget":
                world.cluster.create(CONFIG_MAPS, child_of(part, made))
        world.settle()
        for place, path in world.volumes().items():
            if place[1].startswith(part.name) or f"-{part.name}-" in place[1]:
                for name in ("a", "b", "c"):
                    (path / name).write_text(f"{place} {name} {part.text}")

    def _create_object(self, obj: Object) -> Object:
        cluster = self.line.world.cluster
        kinds = {(type_.api_version, type_.kind): type_ for type_ in cluster.discover().types}
        return cluster.create(kinds[obj["apiVersion"], obj["kind"]], obj)


def registration(app: App) -> Object:
    """The Secret by which the console knows the application."""
    backup = {"apiVersion": "velero.io/v1", "kind": "Backup", "metadata": {"name": "b"}, "spec": app.spec}
    made = application.Application(
        slug=app.slug,
        name=app.slug,
        namespaces=app.namespaces,
        license=license_of(app.slug),
        backup=yaml.safe_dump(backup),
    )
    return application.to_secret(made, CONSOLE)


def _none(wrong: Any) -> None:
    found = list(wrong)
    assert not found, "\n".join(found)

"""What snapshots cost as a cluster grows: requests to the store, calls of the API, messages. One JSON object a line.

    python -m tests.simulation.scale --apps 1000 --nodes 100

Each node has one pod with a volume, which belongs to one of the applications, in turn. Nothing goes wrong.
"""

import argparse
import gc
import json
import shutil
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from schemas import events as e
from schemas.kubernetes import Object
from tests.simulation.machinery.environment import simulated
from tests.simulation.machinery.line import Line
from tests.simulation.machinery.machines import Machines
from tests.support.objects import make, opted_in
from tests.support.repository_model import IN_MEMORY
from tests.unit.model.emulated import INSIDE
from tests.unit.model.machine import authority, license_of, registration
from tests.unit.model.parts import App
from workers.adapters.twins.cluster import MemoryCluster

LONGEST = timedelta(days=2)
SHARED = "apps"
SELDOM = 1_000_000
"""New objects before Python looks for garbage among millions."""


class Large:
    """Applications with an object each, and pods with a volume each; nothing acts by itself."""

    waiting = False

    def __init__(self, apps: int, nodes: int, namespaces: int) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="scale-", dir=IN_MEMORY))
        self._namespaces = namespaces
        names = [f"app-{number}" for number in range(apps)]
        objects = [obj for number, name in enumerate(names) for obj in self._app(number, name)]
        objects += [self._pod(number, names[number % apps]) for number in range(nodes)]
        self.cluster = MemoryCluster(objects)

    def settle(self) -> None:
        """Nothing to do."""

    def pods_of(self, node: str) -> Path:
        """The kubelet's pod directories of a node."""
        return self.root / node / "pods"

    def close(self) -> None:
        """The memory disk is free again."""
        shutil.rmtree(self.root)

    def _namespace(self, number: int) -> str:
        return f"{SHARED}-{number % self._namespaces}"

    def _app(self, number: int, name: str) -> list[Object]:
        registered = registration(App(name, [self._namespace(number)]))
        registered["metadata"]["uid"] = f"uid-registered-{name}"
        labels = {"kots.io/app-slug": name}
        return [registered, make("ConfigMap", name, self._namespace(number), labels=labels, data={"text": name})]

    def _pod(self, number: int, app: str) -> Object:
        uid, node = f"uid-pod-{number}", f"node-{number}"
        volume = self.pods_of(node) / uid / "volumes" / INSIDE / "data"
        volume.mkdir(parents=True)
        (volume / "a").write_text(f"volume {number}")
        container = {"name": "main", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
        spec = {"nodeName": node, "containers": [container], "volumes": [{"name": "data", "emptyDir": {}}]}
        return make(
            "Pod",
            f"db-{number}",
            self._namespace(int(app.removeprefix("app-"))),
            uid=uid,
            labels={"kots.io/app-slug": app},
            annotations=opted_in("data"),
            spec=spec,
            status={"phase": "Running"},
        )


def measure(apps: int, nodes: int, namespaces: int) -> list[dict[str, Any]]:
    """What one full snapshot costs, and then one of one application, with so many `apps`, in so many `namespaces`, and
    `nodes` with a pod each. Bytes are those of the store's objects."""
    world = Large(apps, nodes, namespaces)
    lines: list[dict[str, Any]] = []
    trusted = authority().trusted
    names = [f"node-{number}" for number in range(nodes)]
    line = Line(Machines(1, traced=False), world, names, trusted, _unseen, _unseen, _unseen)
    line.ticking = False

    def conduct() -> None:
        try:
            for app in (None, "app-0"):
                lines.append({"apps": apps, "nodes": nodes, "namespaces": namespaces, **_cost(line, app)})
        finally:
            line.end()

    try:
        with simulated(line.machines, line.bus, 1):
            line.machines.run({"conductor": conduct, **line.actors()})
    finally:
        world.close()
    return lines


def _cost(line: Line, app: str | None) -> dict[str, Any]:
    before, began = _counted(line), time.process_time()
    since, told = line.machines.now, len(line.told.sayings)
    line.ask(e.BackupRequested(app=app), f"of {app}")
    while not line.bus.is_quiet() or line.running():
        line.machines.step("", timedelta(seconds=1))
        assert line.machines.now - since < LONGEST
    end = next(said.event for said in line.told.sayings[told:] if isinstance(said.event, e.FINAL))
    after = _counted(line)
    cost = {kind: {what: after[kind][what] - before[kind].get(what, 0) for what in after[kind]} for kind in after}
    seconds = round(time.process_time() - began, 2)
    return {"snapshot": app or "full", "end": end.type, **cost, "cpu_seconds": seconds}


def _counted(line: Line) -> dict[str, dict[str, int]]:
    store = line.stores["default"]
    return {
        "store": {**store.counts, "bytes_read": store.bytes_read},
        "api": dict(line.cluster.counts),
        "messages": {kind.removesuffix(".v1"): number for kind, number in line.bus.published.items()},
    }


def _unseen(*_: object) -> None:
    """Nobody watches."""


def main(words: list[str]) -> None:
    """Prints what it costs."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.scale", description=__doc__)
    parser.add_argument("--apps", type=int, default=10_000)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--namespaces", type=int, default=1)
    given = parser.parse_args(words)
    gc.set_threshold(SELDOM)
    for number in range(given.apps):
        license_of(f"app-{number}")
    for cost in measure(given.apps, given.nodes, given.namespaces):
        print(json.dumps(cost), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

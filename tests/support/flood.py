"""Many requests at once, and what is told of each of them."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deploy.local import samples
from deploy.local.stack import Stack
from schemas import events as e
from workers.adapters import broker
from workers.adapters.cluster import connect

SLUG = "bare"
OBJECTS = f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {SLUG}, labels: {{kots.io/app-slug: {SLUG}}}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings, namespace: {SLUG}, labels: {{kots.io/app-slug: {SLUG}}}}}
data: {{colour: blue}}
"""
ENDS = tuple(kind for kind in e.FINAL if issubclass(kind, e.BackupFinal | e.BackupRejected))


@dataclass
class Answers:
    """How often what was told of each request, and when of the last one: seconds since the first request. `published`
    is how long it took to ask."""

    licensed: Counter[str] = field(default_factory=Counter)
    stalled: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    published: float = 0.0
    last_licensed: float = 0.0
    last_ended: float = 0.0

    def hear(self, event: e.AnyEvent, at: float) -> None:
        """Counts it, if it is about one of the flood."""
        request = event.correlationid or ""
        if not request.startswith("flood/"):
            return
        if isinstance(event.data, e.BackupLicensed):
            self.last_licensed = self.last_licensed if request in self.licensed else at
            self.licensed[request] += 1
        elif isinstance(event.data, e.BackupStalled):
            self.stalled[request] += 1
        elif isinstance(event.data, ENDS):
            self.last_ended = self.last_ended if request in self.ended else at
            self.ended[request] += 1


def install(stack: Stack) -> None:
    """An application of two small objects, without volumes."""
    app = samples.SampleApp(SLUG, SLUG, samples.yaml_objects(OBJECTS))
    samples.create(connect(stack.environment["SNAPLINE_KUBECONFIG"]), app.objects)
    files = stack.root / SLUG
    samples.write_package(files, app, stack.authority)
    package = ("--license", str(files / "license.yaml"), "--backup", str(files / "backup.yaml"))
    done = stack.snapline("app", "add", SLUG, *package, "--namespace", SLUG)
    assert done.returncode == 0, done.stderr


def ask(publisher: broker.Publisher, id_: str) -> None:
    """Asks for a backup of it."""
    publisher.publish(e.wrap(e.BackupRequested(app=SLUG), id=id_, source="flood", time=datetime.now(UTC)))


def flood(url: str, requests: int, *, tick: float, patience: float) -> Answers:
    """Asks for so many backups at once, and listens until all have ended, or `patience` (seconds) is at its end. Every
    `tick` seconds the watchdog looks at the jobs."""
    answers, began = Answers(), time.monotonic()
    with closing(broker.Publisher(url, "flood")) as publisher:
        for number in range(requests):
            ask(publisher, f"flood/{number}")
        answers.published = ticked = time.monotonic() - began
        for logged in broker.read_log(url, since="first"):
            now = time.monotonic() - began
            answers.hear(logged.event, now)
            if now - ticked > tick:
                ticked = now
                look(publisher)
            if len(answers.ended) == requests or now > patience:
                break
    return answers


def look(publisher: broker.Publisher) -> None:
    """Has the watchdog look at the jobs."""
    now = datetime.now(UTC)
    publisher.publish(e.wrap(e.TickMinute(minute=now.isoformat()), source="flood", time=now))


def hear(url: str, until: Callable[[Answers], bool], patience: float) -> Answers:
    """What has been told of the flood so far: listens, from the first event on, until that is enough, or `patience`
    (seconds) is at its end."""
    answers, began = Answers(), time.monotonic()
    for logged in broker.read_log(url, since="first", stop=lambda: time.monotonic() - began > patience):
        answers.hear(logged.event, time.monotonic() - began)
        if until(answers):
            break
    return answers

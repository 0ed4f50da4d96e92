"""Consoles over twins, each in a state that a page has to stand: empty, with all that can be wrong, and large."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from producers.access.identity import Identity
from schemas.application import Application, to_secret
from schemas.kubernetes import NAMESPACES, SECRETS
from schemas.messages import Message
from schemas.records import AppRef
from tests.support.console import ADMIN, Console
from tests.support.front import NOON, Front, reject_backup, reject_restore, volume
from tests.support.web import served

LONG = "a-name-that-is-as-long-as-kubernetes-lets-one-be-and-then-wraps-x"[:63]
BIG = f"instance-{LONG}"[:63]
"""A snapshot with many volumes, and a long name."""
TAKEN_OVER = "taken over"
HOSTILE = f"<b>bold</b>&amp;<script>document.title='{TAKEN_OVER}'</script>"


Fill = Callable[[Console], None]


@dataclass(frozen=True)
class World:
    """A console that is served, and the state that it is in."""

    name: str
    url: str
    console: Console


def empty(_: Console) -> None:
    """Nothing is set up."""


def usual(console: Console) -> None:
    """Two applications, good snapshots, one that is incomplete, one that has failed, one that runs, two refused."""
    register(console, "shop", "Shop")
    register(console, "ledger", HOSTILE)
    front = console.front
    for number in range(12):
        full(front, f"instance-{number:05}", hours=5 + 24 * number)
        full(front, f"shop-{number:05}", hours=9 + 24 * number, app="shop")
    missing = Message(code="VolumeNotCopied", text=f"{LONG}/data could not be read: {HOSTILE}", subject="shop")
    full(front, "instance-partial", hours=4, status="PartiallyFailed", errors=[missing] * 3, warnings=[missing])
    full(front, "instance-failed", hours=3, status="Failed", errors=[missing])
    full(front, BIG, hours=2, volumes=[volume(f"v{n}", LONG, LONG) for n in range(9)])
    reject_backup(front, "refused", Message(code="NoSuchApplication", text="there is no application called nope"))
    reject_restore(front, "refused too", Message(code="BackupNotFound", text="there is no such backup"))
    front.begin("instance-running")


def large(console: Console, *, snapshots: int = 5000, applications: int = 200) -> None:
    """Many applications, and half of the snapshots of all of them, half of one."""
    for number in range(applications):
        register(console, f"app-{number:03}", f"Application {number}")
    for number in range(snapshots):
        app = f"app-{number % applications:03}" if number % 2 else ""
        full(console.front, f"{app or 'instance'}-{number:05}", hours=number / 4, app=app)


def register(console: Console, slug: str, name: str) -> None:
    """Registers an application."""
    cluster, namespace = console.front.cluster, console.front.session.settings.console_namespace
    if namespace not in {each["metadata"]["name"] for each in cluster.list(NAMESPACES)}:
        cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    cluster.create(SECRETS, to_secret(Application(slug=slug, name=name), namespace))


def full(front: Front, name: str, *, hours: float, app: str = "", **fields: object) -> None:
    """A backup that ended so many hours before noon; of all applications, if none is given."""
    ended = NOON - timedelta(hours=hours)
    front.begin(name)
    front.finish(
        name,
        **{
            "requested_at": ended - timedelta(minutes=3),
            "completed_at": ended,
            "app": app or None,
            "apps": [
                AppRef(slug=each, name=each.title(), version="1.0") for each in ([app] if app else ["shop", "ledger"])
            ],
            **fields,
        },
    )


@contextmanager
def world(name: str, fill: Fill, root: Path, who: Identity = ADMIN) -> Iterator[World]:
    """Served while the context lasts."""
    console = Console(root, who)
    fill(console)
    with served(console.app) as url:
        yield World(name, url, console)

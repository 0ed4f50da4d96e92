"""Applications that are registered with a console over twins, and what it shares among requests."""

from producers.console.snapshots.shelf import Shelf, shelf
from schemas.application import Application, to_secret
from schemas.kubernetes import NAMESPACES, SECRETS
from tests.support.console import Console


def register(console: Console, slug: str, name: str = "") -> None:
    """Registers an application; by default its name is the slug with a capital."""
    cluster, namespace = console.front.cluster, console.front.session.settings.console_namespace
    if namespace not in {each["metadata"]["name"] for each in cluster.list(NAMESPACES)}:
        cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    cluster.create(SECRETS, to_secret(Application(slug=slug, name=name or slug.title()), namespace))


def shelf_of(console: Console) -> Shelf:
    """What the console remembers of lists, once one was asked for."""
    found: Shelf = console.app.state.shared[shelf]
    return found

"""What a restored application is registered as: a restore leaves that as it is, and says where it differs."""

from collections.abc import Iterable, Iterator

from schemas import application
from schemas.application import Application
from schemas.errors import Code, Invalid
from schemas.kubernetes import Object
from schemas.messages import Message
from schemas.records import AppRef
from workers.manifests.kube.objects import labels_of


def differing(restored: Iterable[AppRef], captured: Iterable[Object], live: Iterable[Application]) -> Iterator[Message]:
    """A warning for each application whose registration is no longer that of the time of the backup.

    `captured` are the backup's objects, among which the registrations may be."""
    now = {app.slug: app for app in live}
    then = {app.slug: app for app in _registrations(captured)}
    for ref in restored:
        if (app := now.get(ref.slug)) and (what := list(_differences(ref, then.get(ref.slug), app))):
            text = f"application {ref.slug} stays registered with {', '.join(what)}; register it anew if that is wrong"
            yield Message(code=Code.DIFFERS, text=text, subject=ref.slug)


def _differences(ref: AppRef, then: Application | None, now: Application) -> Iterator[str]:
    if (ref.version, ref.sequence) != (now.version, now.sequence):
        yield f"version {_version(now.version, now.sequence)}, while {_version(ref.version, ref.sequence)} was restored"
    if then and then.license != now.license:
        yield "another license than it had"
    if then and then.backup != now.backup:
        yield "another Backup resource than it had"


def _version(version: str, sequence: int) -> str:
    return f"{version or 'unknown'} (sequence {sequence})"


def _registrations(captured: Iterable[Object]) -> Iterator[Application]:
    for obj in captured:
        if obj["kind"] == "Secret" and application.LABEL in labels_of(obj):
            try:
                yield application.from_secret(obj)
            except Invalid:
                continue

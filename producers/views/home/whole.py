"""Which applications are not whole in a snapshot that is not. Where it cannot be told of whom an error is, of all."""

import re
from collections.abc import Collection, Iterator

from producers.views.home.facts import CONSOLE
from schemas.messages import Message
from schemas.records import BackupRecord

_PLACE = re.compile(r"(?:[A-Z][A-Za-z]* )?([a-z0-9][a-z0-9-]*)/")
"""What errors of pods, claims and volumes are about: `Pod shop/db-0, volume data`, `shop/data`."""


def lacking(record: BackupRecord, everywhere: Collection[str] = ()) -> dict[str, Message | None]:
    """The slugs of those that the snapshot does not hold wholly, `CONSOLE` among them, and those that were left out,
    too; each with the first error that says so, if one does. Applications `everywhere` may have objects in any
    namespace."""
    if record.status == "Completed":
        return {}
    all_ = [*dict.fromkeys([app.slug for app in record.apps] + [cover.owner for cover in record.covers])]
    all_ += [CONSOLE] if record.app is None and CONSOLE not in all_ else []
    if record.status != "PartiallyFailed" or not record.errors:
        return dict.fromkeys(all_, record.reason)
    found: dict[str, Message | None] = {}
    for error in record.errors:
        for slug in list(_of(error, record, everywhere)) or all_:
            found.setdefault(slug, error)
    return found


def _of(error: Message, record: BackupRecord, everywhere: Collection[str]) -> Iterator[str]:
    """Of whom an error is; of nobody, where that cannot be told."""
    subject = error.subject
    if error.text.startswith(f"application {subject}") and subject:
        yield subject
        return
    if error.text.startswith(f"namespace {subject}, where ") and subject:
        yield from _in(subject, record, everywhere)
    elif place := _PLACE.match(subject):
        yield from _in(place[1], record, everywhere)


def _in(namespace: str, record: BackupRecord, everywhere: Collection[str]) -> Iterator[str]:
    """Those who may have something in a namespace; nobody, if none is known to look there."""
    owners = [cover.owner for cover in record.covers if _looks(cover.namespaces, cover.excluded_namespaces, namespace)]
    if owners:
        yield from owners
        yield from (app.slug for app in record.apps if app.slug in everywhere)


def _looks(namespaces: Collection[str], excluded: Collection[str], namespace: str) -> bool:
    return namespace not in excluded and (namespace in namespaces or "*" in namespaces)

"""What a catalog keeps on the disk: a JSON file for each destination and kind of job, only ever replaced as a whole."""

import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter

from producers.views.job_views import BackupView, CheckedView, RestoreTestView, RestoreView

V = TypeVar("V", BackupView, RestoreView, CheckedView, RestoreTestView)
Entries = dict[str, tuple[str, V]]
"""Name of the job -> ETag of its record, and what a list shows of it."""


class _Head(BaseModel):
    """What the file is about. `fields` are the view's: if they differ, another version has written it."""

    fields: tuple[str, ...]


def path(directory: Path | None, place: str, what: str) -> Path | None:
    """The file of a destination, for one kind of thing; None without a directory."""
    digest = hashlib.sha256(place.encode()).hexdigest()[:16]
    return directory / f"catalog-{digest}-{what}.json" if directory else None


def load(file: Path | None, view: type[V]) -> Entries[V]:
    """What the file holds; nothing, if it is missing, cannot be read or is another version's."""
    if file is None:
        return {}
    try:
        head, _, body = file.read_bytes().partition(b"\n")
        if _Head.model_validate_json(head) != _head(view):
            return {}
        return TypeAdapter(Entries[view]).validate_json(body)  # type: ignore[valid-type]
    except (OSError, ValueError):
        return {}


def save(file: Path | None, view: type[V], entries: Entries[V]) -> None:
    """Replaces the file in one step, or leaves it as it is."""
    if file is None:
        return
    body = TypeAdapter(Entries[view]).dump_json(entries)  # type: ignore[valid-type]
    with suppress(OSError):
        handle, temporary = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
        try:
            with os.fdopen(handle, "wb") as opened:
                opened.write(_head(view).model_dump_json().encode() + b"\n" + body)
            Path(temporary).replace(file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def _head(view: type[V]) -> _Head:
    return _Head(fields=tuple(field.name for field in fields(view)))

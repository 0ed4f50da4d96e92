"""The files of a volume: what is in a directory, and what can be taken out of it."""

import base64
import binascii
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from producers.access.identity import may_some
from producers.console.needs import needs_of
from producers.console.pages.inside.reading import Inside, inside
from producers.console.rendering import render
from producers.console.routing import identity_of
from producers.views.volumes import VolumeView
from schemas.errors import Invalid
from workers.repository.restore.file_listing import Listed

MOST = 1000
"""Entries of a directory that are shown."""
SHOWN_KINDS = {"directory": 0, "file": 1, "hardlink": 1}


@dataclass(frozen=True)
class Entry:
    """One path. `link` is where a directory is shown; `file` and `zip` where it is taken out, empty if it cannot be."""

    name: str
    listed: Listed
    changed: datetime | None
    link: str
    file: str
    zip: str
    history: str


def show(request: Request) -> Response:
    """A directory of a volume, or the list of volumes."""
    held = inside(request)
    volume, path = held.volume(request.query_params.get("volume", "")), path_of(request)
    found = sorted(
        (each for each in _listed(request, held, volume, path) if each.path.strip("/") != path.strip("/")),
        key=lambda each: (SHOWN_KINDS.get(each.kind, 2), each.path),
    )
    return render(
        request,
        "pages/inside/files.html",
        name=held.name,
        volume=volume,
        path=path,
        crumbs=_crumbs(held, volume, path),
        entries=[_entry(held, volume, each) for each in found[:MOST]],
        more=max(len(found) - MOST, 0),
        zip=_link(held, "zip", volume, path),
        can_download=may_some(identity_of(request), "download"),
    )


def download(request: Request) -> Response:
    """One file, as it was."""
    held = inside(request)
    volume, path = held.volume(request.query_params.get("volume", "")), path_of(request)
    from producers.actions import files

    session = needs_of(request).session
    return _attachment(
        files.cat(session, held.name, volume.key, path, destination=held.destination),
        path.rpartition("/")[2],
        "application/octet-stream",
    )


def download_zip(request: Request) -> Response:
    """A directory as one file."""
    held = inside(request)
    volume, path = held.volume(request.query_params.get("volume", "")), path_of(request)
    from producers.actions import files

    session = needs_of(request).session
    pieces = files.zip_(session, held.name, volume.key, path, destination=held.destination)
    name = path.strip("/").rpartition("/")[2] or volume.key.replace("/", "-")
    return _attachment(pieces, f"{name}.zip", "application/zip")


def path_of(request: Request) -> str:
    """The path that is asked for; one that is no text comes as base64 (`path64`). Raises Invalid."""
    encoded = request.query_params.get("path64")
    if encoded is None:
        return request.query_params.get("path", "")
    try:
        return os.fsdecode(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError) as error:
        raise Invalid(f"path64 is not base64: {error}") from error


def moment(nanoseconds: int | None) -> datetime | None:
    """A file's time; None for one that no calendar has."""
    try:
        return None if nanoseconds is None else datetime.fromtimestamp(nanoseconds // 10**9, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _listed(request: Request, held: Inside, volume: VolumeView, path: str) -> Iterator[Listed]:
    from producers.actions import files

    return files.ls(needs_of(request).session, held.name, volume.key, path, destination=held.destination)


def _attachment(pieces: Iterator[bytes], name: str, media: str) -> Response:
    """What cannot be read is said before the first byte, or else ends the answer early: a browser then says that it
    failed."""
    first = next(pieces, b"")

    def whole() -> Iterator[bytes]:
        yield first
        yield from pieces

    safe = quote(name.encode("utf-8", "replace").decode(), safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{safe}", "Cache-Control": "no-store"}
    return StreamingResponse(whole(), headers=headers, media_type=media)


def _entry(held: Inside, volume: VolumeView, listed: Listed) -> Entry:
    directory, readable = listed.kind == "directory", listed.kind in ("file", "hardlink")
    of = (held, volume, listed.path, listed.name_base64)
    return Entry(
        name=listed.path.rpartition("/")[2],
        listed=listed,
        changed=moment(listed.mtime),
        link=_link(held, "files", *of[1:]) if directory else "",
        file=_link(held, "file", *of[1:]) if readable else "",
        zip=_link(held, "zip", *of[1:]) if directory else "",
        history=_link(held, "file-history", *of[1:]) if readable else "",
    )


def _crumbs(held: Inside, volume: VolumeView, path: str) -> list[tuple[str, str]]:
    parts = [part for part in path.split("/") if part]
    return [(part, _link(held, "files", volume, "/".join(parts[: at + 1]))) for at, part in enumerate(parts)]


def _link(held: Inside, page: str, volume: VolumeView, path: str, path64: str = "") -> str:
    where = {"path64": path64} if path64 else {"path": path}
    asked = {"volume": volume.key, **where, "destination": held.destination}
    return f"/snapshots/inside/{held.name}/{page}?{urlencode({k: v for k, v in asked.items() if v}, errors='replace')}"

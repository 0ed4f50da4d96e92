"""Files of backups: what is there, what differs, and the content of one."""

import itertools
from collections.abc import Iterable
from typing import Generic, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from producers.actions import files
from producers.http.api.operation import Call
from producers.http.api.paging import Where
from producers.views import jobs as views
from producers.views.file_differences import Difference
from workers.repository.restore.file_listing import Listed

T = TypeVar("T")
LONGEST_PATH = 5000


class Some(Where):
    """How many at most."""

    limit: int = Field(default=1000, ge=1, le=10_000)


class InDirectory(Some):
    """What is in a directory of a volume, or with `recursive` in all below."""

    volume: str = Field(min_length=1, max_length=1000)
    path: str = Field(default="", max_length=LONGEST_PATH)
    recursive: bool = False


class Like(Some):
    """Paths or names like `pattern`, in one volume or in all."""

    pattern: str = Field(min_length=1, max_length=LONGEST_PATH)
    volume: str | None = Field(default=None, max_length=1000)


class Between(Some):
    """In one volume, or in all that either backup has."""

    volume: str | None = Field(default=None, max_length=1000)


class OneFile(Where):
    """A file of a volume."""

    volume: str = Field(min_length=1, max_length=1000)
    path: str = Field(min_length=1, max_length=LONGEST_PATH)


class Found(BaseModel, Generic[T]):
    """As many as were asked for, and whether there are `more`."""

    items: list[T]
    more: bool


class InVolume(BaseModel):
    """A path in one of several volumes."""

    volume: str
    file: Listed


class Differs(BaseModel):
    """A path that differs between two backups."""

    volume: str
    difference: Difference


def list_files(call: Call, name: str, query: InDirectory) -> Found[Listed]:
    """The files in a directory of a volume of a backup."""
    _may(call, name, query.destination)
    found = files.ls(
        call.session, name, query.volume, query.path, recursive=query.recursive, destination=query.destination
    )
    return _some(found, query.limit)


def find_files(call: Call, name: str, query: Like) -> Found[InVolume]:
    """The files of a backup by a pattern as shells have it, such as `*.conf`."""
    _may(call, name, query.destination)
    found = files.find(call.session, name, query.pattern, query.volume, destination=query.destination)
    return _some((InVolume(volume=volume, file=each) for volume, each in found), query.limit)


def diff_backups(call: Call, name: str, other: str, query: Between) -> Found[Differs]:
    """What differs in the files of two backups: added, removed or changed in the other one."""
    _may(call, name, query.destination)
    _may(call, other, query.destination)
    found = files.diff(call.session, name, other, query.volume, destination=query.destination)
    return _some((Differs(volume=volume, difference=each) for volume, each in found), query.limit)


def read_file(call: Call, name: str, query: OneFile) -> Response:
    """The content of a file of a backup."""
    call.require("download", views.backup(call.session.store(query.destination), name).view.app)
    pieces = files.cat(call.session, name, query.volume, query.path, destination=query.destination)
    first = next(pieces, b"")  # what is wrong shows here, while it can still be said
    called = quote(query.path.rpartition("/")[2].encode(errors="replace"))
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{called}", "Cache-Control": "no-store"}
    return StreamingResponse(itertools.chain([first], pieces), headers=headers, media_type="application/octet-stream")


def _may(call: Call, name: str, destination: str) -> None:
    """Raises NotFound, Problem."""
    call.require("view", views.backup(call.session.store(destination), name).view.app)


def _some(found: Iterable[T], limit: int) -> Found[T]:
    items = list(itertools.islice(found, limit + 1))
    return Found(items=items[:limit], more=len(items) > limit)

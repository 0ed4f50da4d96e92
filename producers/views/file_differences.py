"""What differs between the files of two volumes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from workers.repository.restore.file_listing import Listed


@dataclass(frozen=True)
class Difference:
    """One path that only one of them has, or of which `fields` differ. `size` is what the later one says, else the
    earlier."""

    what: Literal["added", "removed", "changed"]
    path: str
    kind: str
    size: int | None
    fields: tuple[str, ...] = ()


COMPARED = ("kind", "mode", "uid", "gid", "size", "mtime", "target")


def differences(before: Iterable[Listed], after: Iterable[Listed]) -> Iterator[Difference]:
    """By path. One of both is held in memory."""
    was = {(each.path, each.name_base64): each for each in before}
    found: list[Difference] = []
    for now in after:
        then = was.pop((now.path, now.name_base64), None)
        if then is None:
            found.append(Difference("added", now.path, now.kind, now.size))
            continue
        fields = tuple(name for name in COMPARED if getattr(now, name) != getattr(then, name))
        if fields:
            found.append(Difference("changed", now.path, now.kind, now.size, fields))
    found += [Difference("removed", gone.path, gone.kind, gone.size) for gone in was.values()]
    yield from sorted(found, key=lambda each: each.path)

"""One slice of a restore, and what is kept of it until the next."""

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from schemas.errors import Damaged
from workers.ports import Progress, RestoreSlice
from workers.repository.chunks.view import View
from workers.repository.format import volume_record
from workers.repository.format.layout import VOLUMES
from workers.repository.format.sealing import SealedStore
from workers.repository.format.tree import Header, shown
from workers.repository.restore.batch import Made, OpenDirectory
from workers.repository.restore.outcome import Reached
from workers.repository.restore.plan import Restore, Wanted

CONTEXT = "checkpoint of a restore of {} into "
MOST_WARNINGS = 1000
NOTHING: Mapping[bytes, bytes] = {}


def restore_slice(
    view: View,
    volume: str,
    target: Path,
    *,
    checkpoint: bytes | None,
    binding: str = "",
    stop: Callable[[], bool],
    progress: Callable[[Progress], None],
    wanted: Wanted | None = None,
    elsewhere: Mapping[bytes, bytes] = NOTHING,
) -> RestoreSlice:
    """See the port `Repository`. With `wanted`, only paths that it accepts, and files that it does not accept where
    `elsewhere` says."""
    view.look()
    found = volume_record.read(view.sealed, VOLUMES + volume)
    context = CONTEXT.format(volume) + binding
    reached = decode(view.sealed, checkpoint, context) if checkpoint else Reached()
    complete = Restore(
        view, found, target, reached, wanted=wanted, elsewhere=elsewhere, stop=stop, progress=progress
    ).run()
    lost = [f"{shown(path)}: {why}" for path, why in sorted(reached.lost.items())]
    return RestoreSlice(
        checkpoint=None if complete else encode(view.sealed, reached, context),
        bytes=reached.written,
        files=reached.files,
        warnings=tuple(reached.warnings[:MOST_WARNINGS]),
        lost=tuple(lost),
    )


def encode(sealed: SealedStore, reached: Reached, context: str) -> bytes:
    """The bytes for the next slice, on whichever node. They open only with the same `context` (F8)."""
    fields = {
        "position": reached.position,
        "name": _text(reached.name),
        "partial": reached.partial,
        "unfinished": [[_text(path), made] for path, made in reached.unfinished.items()],
        "open": [
            [_text(each.path), each.header, [[tag, _text(value)] for tag, value in each.attributes], each.made]
            for each in reached.open
        ],
        "bytes": reached.written,
        "files": reached.files,
        "warnings": reached.warnings[: MOST_WARNINGS + 1],
        "lost": [[_text(path), why] for path, why in reached.lost.items()],
    }
    return sealed.seal(json.dumps(fields).encode(), context)


def decode(sealed: SealedStore, checkpoint: bytes, context: str) -> Reached:
    """The inverse. Raises Damaged."""
    try:
        fields: dict[str, Any] = json.loads(sealed.unseal(checkpoint, context))
        first, second, third = fields["position"]
        return Reached(
            position=(int(first), int(second), int(third)),
            name=_bytes(fields["name"]),
            partial=bool(fields["partial"]),
            unfinished={_bytes(path): Made(*made) for path, made in fields["unfinished"]},
            open=[
                OpenDirectory(_bytes(path), Header(*header), [(tag, _bytes(value)) for tag, value in attributes], made)
                for path, header, attributes, made in fields["open"]
            ],
            written=fields["bytes"],
            files=fields["files"],
            warnings=fields["warnings"],
            lost={_bytes(path): why for path, why in fields["lost"]},
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"a checkpoint cannot be read ({type(error).__name__}); restore again") from error


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(value: str) -> bytes:
    return base64.b64decode(value)

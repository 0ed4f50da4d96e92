"""In which other destinations a backup is, as fields of its row."""

from typing import TYPE_CHECKING

from producers.cli.remedies import with_remedy
from producers.cli.render import Output, Row

if TYPE_CHECKING:
    from producers.views.copies.standings import CopyView
    from producers.views.job_views import BackupView

NAMES = ("copied_from", "copies")
"""The fields in a list."""


def of(view: "BackupView") -> Row:
    """In a list: by destination, how it is with the copy there."""
    return {"copied_from": view.copied_from, "copies": {each.to: each.standing for each in view.copies}}


def details(view: "BackupView", output: Output) -> Row:
    """By itself, with times and reasons."""
    if output is Output.TABLE:
        return {"copies": list(map(_line, view.copies))} if view.copies else {}
    return {"copy_results": [_result(each) for each in view.copies]}


def _line(view: "CopyView") -> str:
    when = f" {view.at:%Y-%m-%d %H:%M} UTC" if view.at else ""
    said = {"wanted": f"wanted since{when}", "copied": f"copied{when}", "failed": f"failed{when}"}[view.standing]
    return f"{view.to}: {said}" + (f"; {with_remedy(view.reason)}" if view.reason else "")


def _result(view: "CopyView") -> Row:
    return {
        "to": view.to,
        "standing": view.standing,
        "at": view.at.isoformat() if view.at else None,
        "reason": str(view.reason or ""),
        "read_bytes": view.read_bytes,
        "uploaded_bytes": view.uploaded_bytes,
    }

"""What a deletion or a prune has brought back; and what it leaves for later: how much, why, and until when."""

from rich.filesize import decimal

from producers.cli.context import note
from producers.cli.render import Row
from schemas import events as e
from workers.ports import Pruned


def row(done: Pruned | e.BackupDeleted) -> Row:
    """As it is printed."""
    until, locked = done.young_until, done.locked_until
    return {
        "reclaimed_bytes": done.reclaimed_bytes,
        "young_bytes": done.young_bytes,
        "young_until": until and until.isoformat(timespec="seconds"),
        "locked_bytes": done.locked_bytes,
        "locked_until": locked and locked.isoformat(timespec="seconds"),
    }


def say_what_stays(done: Pruned | e.BackupDeleted) -> None:
    """Remarks, if anything stays."""
    if done.locked_bytes:
        until = f"until {done.locked_until.astimezone():%Y-%m-%d %H:%M}" if done.locked_until else "without an end"
        note(
            f"{decimal(done.locked_bytes)} more are locked by the store {until}, and come back after that, with the "
            "next deletion or `snapline repository prune`"
        )
    if done.young_bytes and done.young_until:
        note(
            f"{decimal(done.young_bytes)} more come back from {done.young_until.astimezone():%H:%M} on, with the next "
            "deletion or `snapline repository prune`: packs younger than an hour stay, as backups may be using them"
        )

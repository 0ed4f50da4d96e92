"""What a deletion or a prune has brought back; and what it leaves for later: how much, why, and until when."""

from rich.filesize import decimal

from producers.cli.context import note
from producers.cli.render import Row
from schemas import events as e
from workers.ports import Pruned


def row(done: Pruned | e.BackupDeleted) -> Row:
    """As it is printed."""
    until = done.young_until
    return {
        "reclaimed_bytes": done.reclaimed_bytes,
        "young_bytes": done.young_bytes,
        "young_until": until and until.isoformat(timespec="seconds"),
    }


def say_what_stays(done: Pruned | e.BackupDeleted) -> None:
    """A remark, if anything stays."""
    if done.young_bytes and done.young_until:
        note(
            f"{decimal(done.young_bytes)} more come back from {done.young_until.astimezone():%H:%M} on, with the next "
            "deletion or `snapline repository prune`: packs younger than an hour stay, as backups may be using them"
        )

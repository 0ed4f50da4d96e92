"""Whether the copy of a volume is suspicious: its numbers against those of the copies before it. Pure.

Somebody who encrypts, overwrites or deletes what is in a volume changes at once what its copies have in common: how
much of it was replaced since the last one, how well new content compresses, how many files have gone. Each is compared
with the volume's own history, so a database that is rewritten every night is as usual as a folder that nobody touches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from schemas.errors import Code
from schemas.messages import Message
from schemas.records import PastCopy
from workers.suspicion.usual import Usual, is_far_above, usual_of


@dataclass(frozen=True)
class Bounds:
    """From where on a number counts. Shares are between 0 and 1."""

    copies: int = 5
    """Copies that were compared with a parent, at least: before that, nobody knows what is usual."""
    size: int = 1 << 20
    """Bytes of a volume, and of new content, below which nothing is judged."""
    sample: int = 64 << 10
    """Bytes of new content from which on its compressibility says something."""
    files: int = 20
    """Files of a volume below which their number says nothing."""
    deviations: float = 3.0
    margin: float = 0.25
    """How far above what is usual a share is, at least."""
    replaced: float = 0.5
    deleted: float = 0.5
    touched: float = 0.1
    """Replaced, where what is new cannot be compressed."""
    part_new: float = 0.02
    """Of a volume, of which new content says something about the whole."""
    incompressible: float = 0.9
    """What compressed content takes, of its size. Of what is encrypted it is 1."""
    alike: float = 0.15
    """Content compresses as before if it takes so much more or less of its size."""


BOUNDS = Bounds()


def judge(past: Sequence[PastCopy], this: PastCopy, bounds: Bounds = BOUNDS) -> list[Message]:
    """The reasons why `this` copy is suspicious, as whole sentences; none if it is not, or if nobody can say yet."""
    compared = [copy for copy in past if _is_compared(copy)]
    if len(compared) < bounds.copies or not _is_compared(this) or (this.changes.bytes_before or 0) < bounds.size:
        return []
    found = (
        _incompressible(past, this, bounds),
        _replaced(past, this, bounds),
        _files_gone(past, this, bounds),
        _bytes_gone(past, this, bounds),
    )
    return [reason for reason in found if reason]


def _incompressible(past: Sequence[PastCopy], this: PastCopy, bounds: Bounds) -> Message | None:
    """New content that cannot be compressed has come in place of other. That such content was added is no news."""
    share, replaced = _new_share(this), _replaced_share(this)
    least = max(bounds.size, bounds.part_new * this.scanned_bytes)
    if this.changes.new_bytes < least or share < bounds.incompressible or replaced < bounds.touched:
        return None
    samples = [copy for copy in past if copy.changes.new_bytes >= bounds.sample]
    usual = usual_of([_new_share(copy) for copy in samples]) if samples else None
    alike = [_new_share(copy) for copy in samples if _replaced_share(copy) >= bounds.touched]
    if usual is None or not _is_far(share, replace(usual, most=max(alike, default=0)), bounds):
        return None
    text = (
        f"what is new ({_size(this.changes.new_bytes)}) takes {_percent(share)} of its size when it is compressed, as "
        f"encrypted content does, and {_percent(replaced)} of the volume was replaced by it; new content "
        f"{_before(samples, usual)}"
    )
    return Message(code=Code.INCOMPRESSIBLE, text=text)


def _replaced(past: Sequence[PastCopy], this: PastCopy, bounds: Bounds) -> Message | None:
    """Much was replaced by new content which is not of the kind that was there."""
    share, compared = _replaced_share(this), [copy for copy in past if _is_compared(copy)]
    usual = usual_of([_replaced_share(copy) for copy in compared])
    if share < bounds.replaced or not _is_far(share, usual, bounds) or _is_of_its_kind(past, this, bounds):
        return None
    text = (
        f"{_percent(share)} of what was there ({_size(this.changes.bytes_before or 0)}) was replaced by new content: "
        f"{this.changes.files_changed} files changed, {this.changes.files_added} came and "
        f"{this.changes.files_deleted} went; {_before(compared, usual)}"
    )
    return Message(code=Code.MUCH_REPLACED, text=text)


def _files_gone(past: Sequence[PastCopy], this: PastCopy, bounds: Bounds) -> Message | None:
    """Many files have gone, and no others came."""
    share, compared = _gone_share(this), [copy for copy in past if _is_compared(copy)]
    usual = usual_of([_gone_share(copy) for copy in compared])
    is_much = (this.changes.files_before or 0) >= bounds.files and share >= bounds.deleted
    if not is_much or not _is_far(share, usual, bounds):
        return None
    text = (
        f"{this.changes.files_deleted} of {this.changes.files_before} files went and {this.changes.files_added} came, "
        f"so there are {_percent(share)} fewer; {_before(compared, usual)}"
    )
    return Message(code=Code.MUCH_DELETED, text=text)


def _bytes_gone(past: Sequence[PastCopy], this: PastCopy, bounds: Bounds) -> Message | None:
    """The volume has become much smaller, whatever the number of its files."""
    share, compared = _shrunk_share(this), [copy for copy in past if _is_compared(copy)]
    usual = usual_of([_shrunk_share(copy) for copy in compared])
    if share < bounds.deleted or not _is_far(share, usual, bounds):
        return None
    text = (
        f"it shrank from {_size(this.changes.bytes_before or 0)} to {_size(this.scanned_bytes)}, by {_percent(share)}; "
        f"{_before(compared, usual)}"
    )
    return Message(code=Code.MUCH_DELETED, text=text)


def _is_compared(copy: PastCopy) -> bool:
    return bool(copy.changes.bytes_before)


def _is_far(share: float, usual: Usual, bounds: Bounds) -> bool:
    return is_far_above(share, usual, margin=bounds.margin, deviations=bounds.deviations)


def _is_of_its_kind(past: Sequence[PastCopy], this: PastCopy, bounds: Bounds) -> bool:
    """Whether what is new compresses as new content has before, as a new release of a program does; if it cannot be
    compressed, nobody can tell it from encrypted content."""
    share = _new_share(this)
    shares = [_new_share(copy) for copy in past if copy.changes.new_bytes >= bounds.sample]
    if not shares or share >= bounds.incompressible:
        return False
    return min(shares) - bounds.alike <= share <= max(shares) + bounds.alike


def _new_share(copy: PastCopy) -> float:
    """What new content takes of its size; 0 if there is none."""
    return copy.changes.new_stored_bytes / copy.changes.new_bytes if copy.changes.new_bytes else 0.0


def _replaced_share(copy: PastCopy) -> float:
    """The part of the volume that was replaced by new content: not that by which it has grown, nor what was only moved
    or touched."""
    before = copy.changes.bytes_before or 0
    replaced = min(copy.changed_bytes - max(0, copy.scanned_bytes - before), copy.changes.new_bytes)
    return min(1.0, max(0, replaced) / before) if before else 0.0


def _gone_share(copy: PastCopy) -> float:
    gone = copy.changes.files_deleted - copy.changes.files_added
    return max(0, gone) / copy.changes.files_before if copy.changes.files_before else 0.0


def _shrunk_share(copy: PastCopy) -> float:
    before = copy.changes.bytes_before or 0
    return max(0, before - copy.scanned_bytes) / before if before else 0.0


def _before(past: Sequence[PastCopy], usual: Usual) -> str:
    rule, most = _percent(usual.middle), _percent(usual.most)
    return f"in the {len(past)} copies before it was {rule} as a rule, {most} at most"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _size(count: int) -> str:
    """In decimal units, as everywhere."""
    number, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while number >= 1000 and len(units) > 1:
        number, units = number / 1000, units[1:]
    return f"{number:.0f} {units[0]}" if units[0] == "bytes" else f"{number:.1f} {units[0]}"

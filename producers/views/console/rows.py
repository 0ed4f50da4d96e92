"""Rows of a list of snapshots: with KOTS' words for their states and with ours, chosen by a filter, in pages."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from producers.views.job_views import BackupView
from schemas.errors import Code

PAGE = 50
"""Rows of a page."""
WORDS = {
    "New": "New",
    "Queued": "Queued",
    "InProgress": "In Progress",
    "Cancelling": "Cancelling",
    "Completed": "Completed",
    "PartiallyFailed": "Incomplete (Failed)",
    "Failed": "Failed",
    "Cancelled": "Cancelled",
    "Rejected": "Rejected",
    "Unreadable": "Unreadable",
}
"""What the states of a snapshot are called in the console."""
DELETING = "Deleting"
STATES = (*WORDS.values(), DELETING)
RESTORABLE = ("Completed", "PartiallyFailed")
UNDERWAY = ("In Progress", "Cancelling")
"""While one is so, no other is begun by hand."""
SOON = timedelta(seconds=30)
"""After which it is said that nobody has taken up what was asked for."""


@dataclass(frozen=True)
class Filter:
    """What is asked for: part of a name or of what made it, a state by its word, an application that it holds."""

    text: str = ""
    state: str = ""
    app: str = ""

    def __bool__(self) -> bool:
        return bool(self.text or self.state or self.app)


@dataclass(frozen=True)
class Row:
    """One snapshot of a list. Sizes are bytes, None where nothing is known. `note` says more of the state; `behind` is
    the job that it waits for; `copies` are the destinations that have it, too. What can be done with it: `restorable`,
    `deletable`, `cancellable`; one that is not `linked` has no details. `preparing` says that it was asked for here and
    is not on record yet."""

    name: str
    state: str
    app: str | None
    requested_at: datetime
    completed_at: datetime | None = None
    size: int | None = None
    uploaded: int | None = None
    volumes: int | None = None
    errors: int = 0
    warnings: int = 0
    note: str = ""
    behind: str = ""
    schedule: str | None = None
    snapshot_of: str | None = None
    copied_from: str | None = None
    copies: tuple[str, ...] = ()
    expires_at: datetime | None = None
    held: bool = False
    restorable: bool = False
    deletable: bool = False
    cancellable: bool = False
    linked: bool = True
    preparing: bool = False


@dataclass(frozen=True)
class Page:
    """Rows `first` to `last` (from 1) of the `matching` ones of `all`; pages count from 1. `blocker` is a row of all
    that keeps another snapshot from being started, `next` the one that waits behind it."""

    rows: tuple[Row, ...]
    matching: int
    all: int
    page: int
    pages: int
    blocker: Row | None = None
    next: Row | None = None

    @property
    def first(self) -> int:
        """Of the rows that are shown, among those that match."""
        return (self.page - 1) * PAGE + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """As `first`."""
        return max(self.first + len(self.rows) - 1, 0)


def page(found: Sequence[Row], wanted: Filter, number: int = 1) -> Page:
    """A page of those that match; the last one, where there are fewer."""
    matching = [row for row in found if matches(row, wanted)] if wanted else found
    pages = max(1, -(-len(matching) // PAGE))
    number = min(max(1, number), pages)
    shown = tuple(matching[(number - 1) * PAGE : number * PAGE])
    blocker = next((row for row in found if row.state in UNDERWAY), None)
    waiting = next((row for row in reversed(found) if row.state == "Queued"), None)
    return Page(shown, len(matching), len(found), number, pages, blocker, waiting)


def matches(row: Row, wanted: Filter) -> bool:
    """Whether the row is asked for."""
    return wanted.state in ("", row.state) and wanted.text.casefold() in _text(row)


def full(found: Sequence[BackupView], app: str = "") -> list[BackupView]:
    """The full snapshots; of one `app`, only those that hold it."""
    return [view for view in found if view.app is None and (not app or app in view.apps)]


def partial(found: Sequence[BackupView], app: str) -> list[BackupView]:
    """The snapshots of one application."""
    return [view for view in found if view.app == app]


def row(view: BackupView) -> Row:
    """One snapshot as the console's lists show it."""
    ended = view.completed_at is not None
    kept = view.status in RESTORABLE
    return Row(
        name=view.name,
        state=WORDS[view.status],
        app=view.app,
        requested_at=view.requested_at,
        completed_at=view.completed_at,
        size=view.size if kept else None,
        uploaded=view.uploaded_bytes if kept else None,
        volumes=view.volumes if kept else None,
        errors=view.errors,
        warnings=view.warnings,
        note="; ".join(_notes(view)),
        behind=behind(view),
        schedule=view.schedule,
        snapshot_of=view.snapshot_of,
        copied_from=view.copied_from,
        copies=tuple(each.to for each in view.copies if each.standing == "copied"),
        expires_at=view.expires_at,
        held=view.held,
        restorable=kept,
        deletable=ended,
        cancellable=view.status in ("InProgress", "Queued"),
        linked=view.status != "Unreadable",
    )


def preparing(name: str, app: str | None, asked_at: datetime, now: datetime) -> Row:
    """A snapshot that was asked for here, and of which nothing is on record yet."""
    row = Row(name, "In Progress", app, asked_at, note="Preparing snapshot", linked=False, preparing=True)
    if now - asked_at > SOON:
        row = replace(row, state="New", note="Asked for; the license gate has not taken it up yet")
    return row


def as_asked(found: Sequence[Row], begun: Sequence[Row], deleting: Collection[str]) -> list[Row]:
    """The rows with what was asked for here: those that have `begun` come first until they are on record, and what is
    being deleted is only said to be."""
    known = {row.name for row in found}
    news = [row for row in begun if row.name not in known]
    return [*news, *(_going(row) if row.name in deleting else row for row in found)]


def _going(row: Row) -> Row:
    return replace(
        row,
        state=DELETING,
        note="Preparing for snapshot deletion",
        restorable=False,
        deletable=False,
        cancellable=False,
        linked=False,
    )


def behind(view: BackupView) -> str:
    """The name of the job behind which it waits; empty if it does not."""
    waits = (note.subject for note in view.notes if note.code == Code.NOT_YET)
    return next((subject.rpartition(" ")[2] for subject in waits), "") if view.status == "Queued" else ""


def _notes(view: BackupView) -> Iterator[str]:
    if view.status == "Rejected":
        yield from map(str, view.reasons)
    elif view.reason is not None:
        yield str(view.reason)


def _text(row: Row) -> str:
    return " ".join(filter(None, (row.name, row.app, row.schedule, row.snapshot_of, row.copied_from))).casefold()

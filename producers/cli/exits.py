"""Exit codes, the same for every command."""

from enum import IntEnum

from schemas import events as e
from schemas.errors import Code, Denied, Invalid, NotFound, SnaplineError, TransientError


class Exit(IntEnum):
    """What a script can rely on."""

    OK = 0
    FAILED = 1  # the job failed, or something else went wrong
    USAGE = 2  # wrong arguments, files or settings
    REJECTED = 3  # the request was refused: license, or there is no such application or backup
    PARTIALLY_FAILED = 4  # the job has ended with errors
    CANCELLED = 5
    NOT_FOUND = 6
    DENIED = 7  # by the broker, the object store or the cluster
    UNREACHABLE = 8  # try again
    TIMED_OUT = 124  # --timeout has passed; the job goes on
    INTERRUPTED = 130  # Ctrl-C; the job goes on


EPILOG = "Exit codes: " + ", ".join(f"{code.value} {code.name.lower().replace('_', ' ')}" for code in Exit) + "."


def of_error(error: SnaplineError) -> Exit:
    """The code for an expected error."""
    if error.code == Code.NO_DESTINATION:
        return Exit.USAGE  # the settings lack it
    families: tuple[tuple[type[SnaplineError], Exit], ...] = (
        (NotFound, Exit.NOT_FOUND),
        (Denied, Exit.DENIED),
        (TransientError, Exit.UNREACHABLE),
        (Invalid, Exit.USAGE),
    )
    return next((code for family, code in families if isinstance(error, family)), Exit.FAILED)


def of_status(status: str) -> Exit:
    """The code for a job that has ended."""
    return {
        "Completed": Exit.OK,
        "PartiallyFailed": Exit.PARTIALLY_FAILED,
        "Cancelled": Exit.CANCELLED,
        "Rejected": Exit.REJECTED,
    }.get(status, Exit.FAILED)


def status_of(event: e.Event) -> str:
    """A final event as a status."""
    if isinstance(event, e.BackupRejected | e.RestoreRejected):
        return "Rejected"
    return type(event).__name__.removeprefix("Backup").removeprefix("Restore")

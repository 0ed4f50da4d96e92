"""Exit codes of errors and of jobs that have ended."""

from producers.cli.exits import Exit
from schemas import events as e
from schemas.errors import Code, Denied, Invalid, NotFound, SnaplineError, TransientError


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

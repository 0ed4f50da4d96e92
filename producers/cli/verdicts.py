"""How good a backup is known to be, as fields of its row."""

from typing import TYPE_CHECKING

from producers.cli.remedies import with_remedy
from producers.cli.render import Output, Row

if TYPE_CHECKING:
    from producers.views.job_views import BackupDetails, BackupView, VerificationView


NAMES = ("last_verified", "verification", "depth", "last_test_restored", "test_restore", "restore_seconds")
"""The fields in a list."""


def of(view: "BackupView") -> Row:
    """In a list."""
    checked, tested = view.checked, view.tested
    return {
        "last_verified": checked.at.isoformat() if checked else None,
        "verification": checked.verdict if checked else None,
        "depth": checked.depth if checked else None,
        "last_test_restored": tested.at.isoformat() if tested else None,
        "test_restore": tested.verdict if tested else None,
        "restore_seconds": tested.seconds if tested and tested.verdict == "passed" else None,
    }


def details(of: "BackupDetails", output: Output) -> Row:
    """By itself; people get remedies, too, and nothing of what is not known."""
    tested = of.view.tested
    if output is Output.TABLE and not (of.verifications or tested):
        return {}
    problems = tested.problems if tested else ()
    return {
        "verifications": [_verification(each, output) for each in of.verifications],
        "test_restore_problems": [with_remedy(each) if output is Output.TABLE else str(each) for each in problems],
    }


def _verification(view: "VerificationView", output: Output) -> Row | str:
    if output is Output.TABLE:
        said = f"{view.depth}: {view.verdict} at {view.at:%Y-%m-%d %H:%M} UTC, after {view.seconds:.1f} s"
        more = [f"and {view.more} more"] if view.more else []
        return "\n  ".join([said, *map(with_remedy, view.problems), *more])
    return {
        "depth": view.depth,
        "at": view.at.isoformat(),
        "seconds": view.seconds,
        "verdict": view.verdict,
        "problems": list(map(str, view.problems)),
        "more": view.more,
    }

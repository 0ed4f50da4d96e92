"""Exit codes, the same for every command."""

from enum import IntEnum


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

"""Errors in two families, by what helps: trying again, or not.

    SnaplineError
    ├── TransientError        try again: the world was busy, slow or away
    │   └── NotYet            waited for, not failed: try again without counting an attempt
    └── PermanentError        trying again cannot help
        ├── MalformedEvent    the message breaks the event contract
        ├── NotFound          the object, record or volume is not there
        ├── AlreadyExists     somebody made it first
        ├── Denied            the credentials do not allow it
        ├── Invalid           the request or file is wrong; the message says where
        └── Damaged           stored bytes are not what was written

A message says what was tried, on what, and what to do next. It never holds a secret.
Misuse by our own code is a plain RuntimeError.
"""

from datetime import timedelta


class SnaplineError(Exception):
    """Base of all expected errors; `str(error)` is fit for a user."""


class TransientError(SnaplineError):
    """Trying again may help."""


class NotYet(TransientError):
    """Something awaited is not there yet; come back after `delay`. Not counted as a failure."""

    def __init__(self, waiting_for: str, delay: timedelta = timedelta(seconds=1)) -> None:
        super().__init__(waiting_for)
        self.delay = delay


class PermanentError(SnaplineError):
    """Trying again cannot help."""


class MalformedEvent(PermanentError):
    """A message that breaks the event contract (EVENTS.md)."""


class NotFound(PermanentError):
    """The thing asked for is not there."""


class AlreadyExists(PermanentError):
    """The thing to be created is there already."""


class Denied(PermanentError):
    """The credentials in use do not allow what was tried."""


class Invalid(PermanentError):
    """A request, file or setting is wrong."""


class Damaged(PermanentError):
    """Stored bytes differ from what was written, or cannot be decrypted."""

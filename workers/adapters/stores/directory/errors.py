"""What an error of the operating system means for a store: its family, by what helps."""

import errno

from schemas.errors import Code, Denied, Invalid, NotFound, SnaplineError, TransientError

_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the quota is used up"}
_IN_THE_WAY = (errno.ENOTDIR, errno.EISDIR, errno.ELOOP)
_AWAY = frozenset(
    getattr(errno, name)
    for name in (
        *("EIO", "ESTALE", "ETIMEDOUT", "EAGAIN", "EINTR", "EBUSY", "ENFILE", "EMFILE", "ENOMEM", "ENOLCK", "ENODEV"),
        *("ENOTCONN", "ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EHOSTDOWN", "EHOSTUNREACH", "ENETUNREACH"),
    )
)


def meaning(tried: str, error: OSError) -> SnaplineError:
    """`tried` is what could not be done, on what."""
    if isinstance(error, FileNotFoundError):
        return NotFound(f"{tried}: it is not there")
    if error.errno in _IN_THE_WAY:
        return Invalid(f"{tried}: something that was not put there as an object is in its place")
    if error.errno in _FULL:
        return TransientError(f"{tried}: {_FULL[error.errno]}", code=Code.STORE_FULL)
    if isinstance(error, PermissionError):
        return Denied(f"{tried}: {error.strerror}; the process must be allowed to read and write there")
    if error.errno == errno.EROFS:
        return Denied(f"{tried}: it is mounted for reading only")
    if error.errno in _AWAY:
        return TransientError(f"{tried}: {error.strerror}; try again")
    return Invalid(f"{tried}: {error.strerror}")

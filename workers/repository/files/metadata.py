"""Gives what was restored its owner, extended attributes, mode and time, in this order: each may undo the next ones."""

import ctypes
import errno
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache

from workers.repository.files.path_info import KINDS
from workers.repository.format import tree
from workers.repository.format.tree import Attribute

HOSTS_OWN = frozenset((b"security.selinux", b"security.ima", b"security.evm"))
"""Attributes that belong to the host's security modules, not to the data."""
DEFAULT_ACL = b"system.posix_acl_default"
INHERITED = frozenset((b"system.posix_acl_access", DEFAULT_ACL))
"""Attributes that what is made in a directory has from it."""
REPLACED = "it was replaced while it was restored"
ROOT = os.geteuid() == 0
_EMPTY_PATH = 0x1000


def put_on(
    file: int, mode: int, uid: int, gid: int, mtime: int, attributes: Iterable[Attribute], *, anew: bool = True
) -> list[str]:
    """For an open file or directory; `anew` if we have made it. Returns what could not be set, in plain words."""
    failed: list[str] = []
    if ROOT:
        _try(failed, "owner", lambda: os.fchown(file, uid, gid))
    _put_xattrs(failed, file, attributes, anew=anew)
    _try(failed, "mode", lambda: os.fchmod(file, mode))
    _try(failed, "time", lambda: os.utime(file, ns=(mtime, mtime)))
    return failed


def put_plainly(file: int, mode: int, uid: int, gid: int, mtime: int) -> None:
    """The same for a file without attributes. Raises OSError at the first that cannot be set."""
    if ROOT:
        os.fchown(file, uid, gid)
    os.fchmod(file, mode)
    os.utime(file, ns=(mtime, mtime))


def put_on_name(
    directory: int,
    name: bytes,
    *,
    kind: int,
    mode: int,
    uid: int,
    gid: int,
    mtime: int,
    attributes: Iterable[Attribute],
) -> list[str]:
    """For what cannot be opened for reading, of a `kind` of the tree's, by its name in an open directory. No link is
    followed. Raises OSError if somebody has put another thing there since we made it."""
    failed: list[str] = []
    held = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        if KINDS.get(stat.S_IFMT(os.fstat(held).st_mode)) != kind:
            raise OSError(errno.EBUSY, REPLACED)
        if ROOT:
            _try(failed, "owner", lambda: _chown(held, uid, gid))
        if kind == tree.SYMLINK:
            _set_xattrs(failed, b"/proc/self/fd/%d/%s" % (directory, name), attributes, follow=False)
        else:
            itself = b"/proc/self/fd/%d" % held
            _remove_xattrs(failed, itself, INHERITED)
            _set_xattrs(failed, itself, attributes)
            _try(failed, "mode", lambda: os.chmod(itself, mode))  # noqa: PTH101  # a descriptor's path
    finally:
        os.close(held)
    _try(failed, "time", lambda: os.utime(name, ns=(mtime, mtime), dir_fd=directory, follow_symlinks=False))
    return failed


def pass_nothing_on(directory: int) -> None:
    """What is made in an open directory from now on does not have its default ACL from it. Where that cannot be done,
    `put_on` will tell that the directory still has it."""
    with suppress(OSError):  # most have none, and many file systems know none
        os.removexattr(directory, DEFAULT_ACL)


def _put_xattrs(failed: list[str], file: int, attributes: Iterable[Attribute], *, anew: bool) -> None:
    """Sets those of `attributes`, and removes all others: of what is made `anew`, what it has inherited."""
    with suppress(OSError):  # many file systems have none
        others = set(map(os.fsencode, os.listxattr(file))) - {name for name, _ in xattrs_of(attributes)} - HOSTS_OWN
        _remove_xattrs(failed, file, others & INHERITED if anew else others)
    _set_xattrs(failed, file, attributes)


def _set_xattrs(failed: list[str], place: int | bytes, attributes: Iterable[Attribute], *, follow: bool = True) -> None:
    for name, value in xattrs_of(attributes):
        try:
            os.setxattr(place, name, value, follow_symlinks=follow)
        except OSError as error:
            failed.append(f"its {_named(name)} could not be set: {error.strerror}")


def _remove_xattrs(failed: list[str], place: int | bytes, names: Iterable[bytes]) -> None:
    """Those that there are."""
    for name in names:
        try:
            os.removexattr(place, name)
        except OSError as error:
            if error.errno not in (errno.ENODATA, errno.ENOTSUP):
                failed.append(f"its absence of {_named(name)} could not be set: {error.strerror}")


def xattrs_of(attributes: Iterable[Attribute]) -> list[tuple[bytes, bytes]]:
    """Names and values of the extended attributes that are restored."""
    pairs = (value.partition(b"\0") for tag, value in attributes if tag == tree.XATTR)
    return [(name, value) for name, _, value in pairs if name not in HOSTS_OWN]


def _chown(held: int, uid: int, gid: int) -> None:
    """Of the thing itself that a descriptor names: by its name it may be another by now."""
    if _libc().fchownat(held, b"", uid, gid, _EMPTY_PATH):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _named(attribute: bytes) -> str:
    return f"attribute {tree.shown(attribute)}"


def _try(failed: list[str], what: str, change: Callable[[], None]) -> None:
    try:
        change()
    except OSError as error:
        failed.append(f"its {what} could not be set: {error.strerror}")

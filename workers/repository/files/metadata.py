"""Gives what was restored its owner, extended attributes, mode and time, in this order: each may undo the next ones."""

import errno
import os
from collections.abc import Callable, Iterable
from contextlib import suppress

from workers.repository.format import tree
from workers.repository.format.tree import Attribute

HOSTS_OWN = frozenset((b"security.selinux", b"security.ima", b"security.evm"))
"""Attributes that belong to the host's security modules, not to the data."""
DEFAULT_ACL = b"system.posix_acl_default"
INHERITED = frozenset((b"system.posix_acl_access", DEFAULT_ACL))
"""Attributes that what is made in a directory has from it."""
ROOT = os.geteuid() == 0


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
    symlink: bool,
    mode: int,
    uid: int,
    gid: int,
    mtime: int,
    attributes: Iterable[Attribute],
) -> list[str]:
    """For what cannot be opened for reading, by its name in an open directory. No link is followed."""
    failed: list[str] = []
    place = b"/proc/self/fd/%d/%s" % (directory, name)
    if ROOT:
        _try(failed, "owner", lambda: os.chown(name, uid, gid, dir_fd=directory, follow_symlinks=False))
    if not symlink:
        _remove_xattrs(failed, place, INHERITED)
    for attribute, value in xattrs_of(attributes):
        _try(failed, _named(attribute), lambda a=attribute, v=value: os.setxattr(place, a, v, follow_symlinks=False))  # type: ignore[misc]
    if not symlink:
        _try(failed, "mode", lambda: _chmod(directory, name, mode))
    _try(failed, "time", lambda: os.utime(name, ns=(mtime, mtime), dir_fd=directory, follow_symlinks=False))
    return failed


def pass_nothing_on(directory: int) -> None:
    """What is made in an open directory from now on does not have its default ACL from it. Where that cannot be done,
    `put_on` will tell that the directory still has it."""
    with suppress(OSError):  # most have none, and many file systems know none
        os.removexattr(directory, DEFAULT_ACL)


def _put_xattrs(failed: list[str], file: int, attributes: Iterable[Attribute], *, anew: bool) -> None:
    """Sets those of `attributes`, and removes all others: of what is made `anew`, what it has inherited."""
    wanted = dict(xattrs_of(attributes))
    with suppress(OSError):  # many file systems have none
        others = set(map(os.fsencode, os.listxattr(file))) - set(wanted) - HOSTS_OWN
        _remove_xattrs(failed, file, others & INHERITED if anew else others)
    for name, value in wanted.items():
        _try(failed, _named(name), lambda n=name, v=value: os.setxattr(file, n, v))  # type: ignore[misc]


def _remove_xattrs(failed: list[str], place: int | bytes, names: Iterable[bytes]) -> None:
    """Those that there are."""
    for name in names:
        try:
            os.removexattr(place, name, follow_symlinks=isinstance(place, int))
        except OSError as error:
            if error.errno not in (errno.ENODATA, errno.ENOTSUP):
                failed.append(f"its absence of {_named(name)} could not be set: {error.strerror}")


def xattrs_of(attributes: Iterable[Attribute]) -> list[tuple[bytes, bytes]]:
    """Names and values of the extended attributes that are restored."""
    pairs = (value.partition(b"\0") for tag, value in attributes if tag == tree.XATTR)
    return [(name, value) for name, _, value in pairs if name not in HOSTS_OWN]


def _chmod(directory: int, name: bytes, mode: int) -> None:
    """Through a descriptor that names the thing itself: `fchmodat` would follow a symlink put there meanwhile."""
    held = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.chmod(b"/proc/self/fd/%d" % held, mode)  # noqa: PTH101  # a descriptor's path
    finally:
        os.close(held)


def _named(attribute: bytes) -> str:
    return f"attribute {tree.shown(attribute)}"


def _try(failed: list[str], what: str, change: Callable[[], None]) -> None:
    try:
        change()
    except OSError as error:
        failed.append(f"its {what} could not be set: {error.strerror}")

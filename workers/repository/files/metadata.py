"""Gives what was restored its owner, extended attributes, mode and time, in this order: each may undo the next ones."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress

from workers.repository.format import tree
from workers.repository.format.tree import Attribute

HOSTS_OWN = frozenset((b"security.selinux", b"security.ima", b"security.evm"))
"""Attributes that belong to the host's security modules, not to the data."""
ROOT = os.geteuid() == 0


def put_on(file: int, mode: int, uid: int, gid: int, mtime: int, attributes: Iterable[Attribute]) -> list[str]:
    """For an open file or directory that we have made. Returns what could not be set, in plain words."""
    failed: list[str] = []
    if ROOT:
        _try(failed, "owner", lambda: os.fchown(file, uid, gid))
    put_xattrs(failed, file, attributes)
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
    for attribute, value in xattrs_of(attributes):
        _try(failed, _named(attribute), lambda a=attribute, v=value: os.setxattr(place, a, v, follow_symlinks=False))  # type: ignore[misc]
    if not symlink:
        _try(failed, "mode", lambda: _chmod(directory, name, mode))
    _try(failed, "time", lambda: os.utime(name, ns=(mtime, mtime), dir_fd=directory, follow_symlinks=False))
    return failed


def put_xattrs(failed: list[str], file: int, attributes: Iterable[Attribute], *, anew: bool = True) -> None:
    """Sets those of `attributes`; unless the file is `anew`, removes all others."""
    wanted = dict(xattrs_of(attributes))
    if not anew:
        with suppress(OSError):  # many file systems have none
            for name in set(map(os.fsencode, os.listxattr(file))) - set(wanted) - HOSTS_OWN:
                _try(failed, f"absence of {_named(name)}", lambda n=name: os.removexattr(file, n))  # type: ignore[misc]
    for name, value in wanted.items():
        _try(failed, _named(name), lambda n=name, v=value: os.setxattr(file, n, v))  # type: ignore[misc]


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

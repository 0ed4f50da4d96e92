"""Volume data that is the same every time, and what to compare it by."""

import os
import random
import stat
from pathlib import Path
from typing import Any

from blake3 import blake3

LONG_AGO = 1_600_000_000
"""Seconds since the epoch; files are dated from here on."""
LEFT_ALONE = (".snapline", "lost+found")


def fill_volume(directory: Path, megabytes: int, seed: int) -> None:
    """Half of it in small files in nested directories, half in a few large ones; and one of each odd thing."""
    made = random.Random(seed)  # noqa: S311  # data, not secrets
    budget = megabytes * 500_000
    number = 0
    while budget > 0:
        folder = directory / f"batch-{number // 200:03d}" / f"tray-{number // 20 % 10}"
        folder.mkdir(parents=True, exist_ok=True)
        size = min(made.randrange(200, 60_000), budget)
        (folder / f"part-{number:05d}.dat").write_bytes(_mixed(made, size))
        budget -= size
        number += 1
    for each in range(4):
        (directory / f"large-{each}.img").write_bytes(_mixed(made, megabytes * 125_000))
    _odd_things(directory)
    _date_everything(directory, made)


def tree_digest(directory: Path) -> dict[str, tuple[Any, ...]]:
    """Path -> type, mode, owner, size, time, link count, and the digest of its content or its link.

    The root's time is left out: a pod that waits for its files makes and removes a directory there.
    """
    found: dict[str, tuple[Any, ...]] = {}
    for folder, folders, files in os.walk(os.fsencode(directory)):
        for name in (b".", *folders, *files):
            if folder == os.fsencode(directory):
                if name.decode(errors="replace") in LEFT_ALONE:
                    continue
            elif name == b".":
                continue
            path = os.path.join(folder, name)  # noqa: PTH118  # bytes: names need not be UTF-8
            relative = os.path.relpath(path, os.fsencode(directory))
            found[repr(relative)] = _describe(path)[:3] if relative == b"." else _describe(path)
        folders[:] = [
            each for each in folders if os.fsdecode(each) not in LEFT_ALONE or folder != os.fsencode(directory)
        ]
    return found


def _describe(path: bytes) -> tuple[Any, ...]:
    status = os.lstat(path)
    common = (stat.filemode(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns)
    if stat.S_ISLNK(status.st_mode):
        return (*common, os.readlink(path))  # noqa: PTH115  # bytes
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:  # noqa: PTH123  # bytes
            return (*common, status.st_nlink, status.st_size, blake3(file.read()).hexdigest())
    return common


def _mixed(made: random.Random, size: int) -> bytes:
    """Half of it random, half text that compresses."""
    noise = made.randbytes(size // 2)
    text = b"the quick brown fox jumps over the lazy dog %d\n" % made.randrange(1000)
    return noise + (text * (size // len(text) + 1))[: size - len(noise)]


def _odd_things(directory: Path) -> None:
    (directory / "empty-directory").mkdir()
    (directory / "empty-file").touch()
    (directory / "link").symlink_to("large-0.img")
    (directory / "dangling").symlink_to("../nowhere")
    (directory / "hard").hardlink_to(directory / "large-1.img")
    (directory / "private").write_text("nobody else reads this")
    (directory / "private").chmod(0o600)
    (directory / "tool").write_text("#!/bin/sh\n")
    (directory / "tool").chmod(0o4755)
    Path(os.fsdecode(os.fsencode(directory) + b"/name-\xff-not-utf-8")).write_text("odd")
    if os.geteuid() == 0:
        os.chown(directory / "private", 1001, 1002)


def _date_everything(directory: Path, made: random.Random) -> None:
    """Deepest first, as writing into a directory changes its time."""
    for folder, folders, files in os.walk(directory, topdown=False):
        for name in sorted((*folders, *files)):
            moment = (LONG_AGO + made.randrange(10**8)) * 10**9 + made.randrange(10**9)
            os.utime(Path(folder) / name, ns=(moment, moment), follow_symlinks=False)

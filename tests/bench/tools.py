"""Ours and the peers, each with a place of its own on the S3 server or the disk; every run is a child process."""

import os
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from deploy.local.seaweedfs import SeaweedFS
from tests.bench.runs import CHECKOUT, Run, run
from workers.adapters.stores import open_store


@dataclass(frozen=True)
class Workplace:
    """Where one tool works in one round."""

    server: SeaweedFS
    source: Path
    target: Path  # a restore writes here; it is there, and empty
    scratch: Path  # a directory of the tool's own: caches, archives

    def stored_bytes(self, prefix: str) -> int:
        """What is below a prefix of the bucket."""
        return sum(found.size for found in open_store(self.server.destination(prefix=prefix)).list(""))


class Tool(Protocol):
    """A program to measure. Each method raises Failed."""

    def backup(self) -> Run:
        """Stores the source; the first time all of it, later what has changed."""
        ...

    def restore(self) -> Run:
        """Writes what was stored last into the target."""
        ...


class Ours:
    """Our step functions. Stored bytes are the repository and the job's own records."""

    def __init__(self, place: Workplace, checkout: Path | None = None) -> None:
        """Those of this checkout, or of another."""
        self._place, self._prefix, self._number, self._checkout = place, uuid.uuid4().hex, 0, checkout

    def backup(self) -> Run:
        """See Tool."""
        self._number += 1
        done, stored = self._run("copy", self._place.source), self._place.stored_bytes(self._prefix)
        return replace(done, stored_bytes=stored)

    def restore(self) -> Run:
        """See Tool."""
        return self._run("restore", self._place.target)

    def _run(self, what: str, directory: Path) -> Run:
        to = self._place.server.destination()
        given = {
            "S3_ENDPOINT": to.endpoint,
            "S3_BUCKET": to.bucket,
            "S3_PREFIX": self._prefix,
            "S3_ACCESS_KEY_ID": to.access_key_id,
            "S3_SECRET_ACCESS_KEY": to.secret_access_key.get_secret_value(),
            "PASSPHRASE": "bench",
        }
        python = python_of(self._checkout) if self._checkout else Path(sys.executable)
        module = [str(python), "-m", "tests.bench.ours"]
        command = [*module, what, f"b{self._number}", str(directory), str(self._place.scratch)]
        environment = {f"SNAPLINE_{name}": value for name, value in given.items()}
        done = run(command, environment, self._checkout or CHECKOUT)
        seconds, opening = map(float, done.output.split())
        return replace(done, seconds=seconds + opening, output=f"{opening:.2f} s of it to open the repository")


class Restic:
    """restic with its defaults."""

    def __init__(self, place: Workplace, program: str) -> None:
        self._place, self._program, self._prefix = place, program, uuid.uuid4().hex
        to = place.server.destination()
        self._environment = {
            "AWS_ACCESS_KEY_ID": to.access_key_id,
            "AWS_SECRET_ACCESS_KEY": to.secret_access_key.get_secret_value(),
            "RESTIC_PASSWORD": "bench",
            "RESTIC_REPOSITORY": f"s3:{to.endpoint}/{to.bucket}/{self._prefix}",
            "RESTIC_CACHE_DIR": str(place.scratch),
        }
        self._restic("init")

    def backup(self) -> Run:
        """See Tool."""
        done = self._restic("backup", str(self._place.source))
        return replace(done, stored_bytes=self._place.stored_bytes(self._prefix))

    def restore(self) -> Run:
        """See Tool."""
        return self._restic("restore", "latest", "--target", str(self._place.target))

    def _restic(self, *arguments: str) -> Run:
        return run([self._program, "--quiet", *arguments], self._environment)


class Rclone:
    """rclone with its defaults: a plain copy, without encryption and compression."""

    def __init__(self, place: Workplace, program: str) -> None:
        self._place, self._program, self._prefix = place, program, uuid.uuid4().hex
        to = place.server.destination()
        given = {
            "TYPE": "s3",
            "PROVIDER": "SeaweedFS",
            "ENDPOINT": to.endpoint,
            "ACCESS_KEY_ID": to.access_key_id,
            "SECRET_ACCESS_KEY": to.secret_access_key.get_secret_value(),
        }
        self._environment = {f"RCLONE_CONFIG_BENCH_{name}": value for name, value in given.items()}
        self._environment["RCLONE_CONFIG"] = str(place.scratch / "rclone.conf")
        self._to = f"bench:{to.bucket}/{self._prefix}"

    def backup(self) -> Run:
        """See Tool."""
        done = run([self._program, "--quiet", "copy", str(self._place.source), self._to], self._environment)
        return replace(done, stored_bytes=self._place.stored_bytes(self._prefix))

    def restore(self) -> Run:
        """See Tool."""
        return run([self._program, "--quiet", "copy", self._to, str(self._place.target)], self._environment)


class Tar:
    """`tar -I zstd` to and from an archive beside the data: no server."""

    def __init__(self, place: Workplace, program: str) -> None:
        self._place, self._program, self._archive = place, program, place.scratch / "archive.tar.zst"

    def backup(self) -> Run:
        """See Tool."""
        done = run([self._program, "-I", "zstd", "-cf", str(self._archive), "-C", str(self._place.source), "."])
        return replace(done, stored_bytes=self._archive.stat().st_size)

    def restore(self) -> Run:
        """See Tool."""
        return run([self._program, "-I", "zstd", "-xf", str(self._archive), "-C", str(self._place.target)])


@dataclass(frozen=True)
class Peer:
    """A peer that is on this machine."""

    name: str
    version: str
    program: str  # of an older checkout of ours its directory

    def at(self, place: Workplace) -> Tool:
        """The peer in a place of its own."""
        if self.name == "before":
            return Ours(place, Path(self.program))
        if self.name == "restic":
            return Restic(place, self.program)
        return Rclone(place, self.program) if self.name == "rclone" else Tar(place, self.program)


def before(checkout: Path) -> Peer:
    """An older checkout of ours as a peer."""
    commit = _says("git", "-C", str(checkout), "rev-parse", "--short", "HEAD").strip()
    return Peer("before", commit, str(checkout.resolve()))


def python_of(checkout: Path) -> Path:
    """The interpreter of a checkout's own environment."""
    return checkout / ".venv/bin/python"


def find(name: str) -> Peer | None:
    """The peer, or None where it is not installed."""
    if name == "restic":
        program = shutil.which(os.environ.get("RESTIC") or "restic")
        return Peer(name, _says(program, "version").split()[1], program) if program else None
    if name == "rclone":
        beside = Path(sys.executable).with_name("rclone")
        program = str(beside) if beside.exists() else shutil.which("rclone")
        return Peer(name, _says(program, "version").split()[1].removeprefix("v"), program) if program else None
    program, zstd = shutil.which("tar"), shutil.which("zstd")
    if program is None or zstd is None:
        return None
    version = _says(program, "--version").splitlines()[0].split()[-1]
    return Peer(name, f"{version}, zstd {_says(zstd, '--version').partition(' v')[2].partition(',')[0]}", program)


def _says(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout

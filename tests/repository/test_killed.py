"""Copies and restores in processes that are killed at any moment, and how much memory they take."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from schemas.destination import DirectoryDestination
from tests.support.volumes import differences, objects, removed_at_end
from workers.adapters.stores.directory import DirectoryObjectStore
from workers.repository.format import keyring
from workers.repository.format.layout import PACKS

MIB = 1024 * 1024
MOST_MEMORY = 256 * MIB


def write_random(path: Path, mib: int) -> None:
    with path.open("wb") as file:
        for _ in range(mib):
            file.write(os.urandom(MIB))


class Place:
    """Directories for a store, a source and a target."""

    def __init__(self, top: Path) -> None:
        self.top, self.source, self.target = top, top / "source", top / "target"
        self.source.mkdir()
        self.target.mkdir()
        (top / "store").mkdir()
        self.store = DirectoryObjectStore(DirectoryDestination(path=str(top / "store")))
        keyring.open_keys(self.store, "p")

    def start(self, what: str, volume: str = "-", seconds: float = 0.15) -> "subprocess.Popen[bytes]":
        """A process that goes on where the one before was killed."""
        directory = self.source if what == "copy" else self.target
        state = self.top / f"{what}.json"
        arguments = [what, str(self.top / "store"), str(directory), str(state), volume, str(seconds)]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.support.volume_process", *arguments], stdout=subprocess.PIPE
        )

    def result(self, what: str) -> dict[str, object]:
        """What the last slice has said."""
        found: dict[str, object] = json.loads((self.top / f"{what}.json").read_text())
        return found

    def killed_until_done(self, what: str, chance: random.Random, volume: str = "-") -> int:
        """Kills each process after a while, a longer one each time; how many it has killed."""
        for kills in range(40):
            process = self.start(what, volume)
            try:
                process.wait((0.5 + chance.random() * 0.5) * 1.15**kills)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                continue
            assert process.returncode == 0
            process.communicate()
            return kills
        raise AssertionError("it never ends")


@pytest.mark.skipif(os.geteuid() != 0, reason="owners need root")
def test_killed_at_random_a_copy_and_a_restore_go_on_and_end_the_same(tmp_path: Path) -> None:
    seed = int(os.environ.get("SNAPLINE_SEED", random.SystemRandom().randrange(10**6)))
    print(f"seed {seed}; SNAPLINE_SEED={seed} chooses the same moments again")
    chance = random.Random(seed)
    with removed_at_end(Path("/dev/shm") / f"{tmp_path.name}-{os.getpid()}") as top:
        place = Place(top)
        for number in range(4000):
            path = place.source / f"directory {number % 40}" / f"file {number}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(chance.randbytes(chance.randrange(30_000)))
        write_random(place.source / "large", 400)
        os.link(place.source / "large", place.source / "another name")
        total = 4000 * 15_000 + 400 * MIB
        kills = place.killed_until_done("copy", chance)
        copied = place.result("copy")
        assert copied["warnings"] == []
        stored = sum(objects(place.store, PACKS).values())
        slice_bytes = 0.15 * 500e6 + 40 * MIB
        assert stored < total * 1.05 + kills * slice_bytes
        kills += place.killed_until_done("restore", chance, str(copied["volume"]))
        assert kills >= 2
        assert place.result("restore")["lost"] == []
        assert differences(place.source, place.target) == ""


def test_a_slice_ends_soon_after_it_is_asked_to(tmp_path: Path) -> None:
    with removed_at_end(Path("/dev/shm") / f"{tmp_path.name}-{os.getpid()}") as top:
        place = Place(top)
        (place.source / "large").write_bytes(os.urandom(300 * MIB))
        process = place.start("copy", seconds=0.001)
        began = time.monotonic()
        while not (place.top / "copy.json").exists() and process.poll() is None:
            assert time.monotonic() - began < 250
            time.sleep(0.05)
        process.communicate(timeout=250)
        assert place.result("copy")["done"]
        assert int(str(place.result("copy")["slices"])) > 20


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a file system in memory")
def test_neither_many_files_nor_large_ones_take_more_memory(tmp_path: Path) -> None:
    with removed_at_end(Path("/dev/shm") / f"{tmp_path.name}-{os.getpid()}") as top:
        place = Place(top)
        for number in range(120_000):
            if number % 3000 == 0:
                directory = place.source / f"directory {number}"
                directory.mkdir()
            (directory / f"a file of a somewhat longer name {number}").write_bytes(b"%d" % number)
        write_random(place.source / "large", 400)
        copy = place.start("copy", seconds=0)
        peak = int(copy.communicate()[0]) * 1024
        assert peak < MOST_MEMORY
        restore = place.start("restore", str(place.result("copy")["volume"]), seconds=0)
        assert int(restore.communicate()[0]) * 1024 < MOST_MEMORY
        assert place.result("restore")["lost"] == []

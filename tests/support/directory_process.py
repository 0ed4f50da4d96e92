"""Processes that write to one directory and are killed in the midst of it; says what then could be seen.

    python -m tests.support.directory_process ROOT ROUNDS links|renames

Each round forks three writers, kills them with SIGKILL after a moment, and looks. Prints a JSON object. On a busy
machine it goes on, for ten times as many rounds at most, until it has seen enough.
"""

import hashlib
import json
import os
import random
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path

from schemas.destination import DirectoryDestination
from workers.adapters.stores.directory import DirectoryObjectStore

WRITERS = 3
ENOUGH = {"seen": 40, "creations": 20, "left behind": 10}
"""More than so many of each, or nothing is shown."""
SIZE = 300_000
TURN = 2_000_000  # ns


def body_of(writer: int, number: int, size: int = SIZE) -> bytes:
    """A body that says who wrote it, and by which it is known whether it is whole."""
    text = f"{writer} {number} ".encode() + random.Random(f"{writer} {number}").randbytes(size)
    return hashlib.sha256(text).digest() + text


def await_turn() -> int:
    """Waits for the next turn; its number, the same for all."""
    turn = time.monotonic_ns() // TURN
    while time.monotonic_ns() // TURN == turn:
        pass
    return turn + 1


def _nothing(fd: object) -> None:
    return


def is_whole(body: bytes) -> bool:
    """Whether it is as `body_of` made it."""
    return hashlib.sha256(body[32:]).digest() == body[:32]


def write(store: DirectoryObjectStore, writer: int, claims: int) -> None:
    """Replaces and creates, and says of each creation that it won `<number> <writer>`, until it is killed."""
    os.fsync = (
        _nothing  # what was written outlives its writer, if not the machine; and its length would part the racers
    )
    for number in range(10**6):
        store.put(f"replaced/{number % 3}", body_of(writer, number))
        for _ in range(8):
            turn = await_turn()  # so that all writers try the same key at the same moment
            if store.create(f"created/{turn}/one", body_of(writer, turn, size=10)):
                os.write(claims, f"{turn} {writer}\n".encode())
        store.put("passing/a/b", b"")
        store.delete("passing/a/b")  # so that directories come and go


def race(store: DirectoryObjectStore, seconds: float) -> dict[int, set[int]]:
    """One round: who says of which creation that it won."""
    reading, claims = os.pipe()
    writers = []
    for writer in range(WRITERS):
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            write(store, writer, claims)
        writers.append(pid)
    os.close(claims)
    time.sleep(seconds)
    for pid in writers:
        os.kill(pid, signal.SIGKILL)
    for pid in writers:
        os.waitpid(pid, 0)
    won: dict[int, set[int]] = defaultdict(set)
    with os.fdopen(reading) as lines:
        for line in lines:
            number, winner = map(int, line.split())
            won[number].add(winner)
    return won


def main(root: str, rounds: int, hard_links: bool) -> None:
    """All rounds, each in a directory of its own."""
    found = {"seen": 0, "torn": 0, "two winners": 0, "not the winner's": 0, "creations": 0, "left behind": 0}
    for number in range(rounds * 10):
        if number >= rounds and all(found[what] > least for what, least in ENOUGH.items()):
            break
        place = Path(root, str(number))
        place.mkdir()
        store = DirectoryObjectStore(DirectoryDestination(path=str(place)), hard_links=hard_links)
        won = race(store, random.uniform(0.0, 0.15))
        bodies = {each.key: store.get(each.key) for each in store.list("") if not each.key.startswith("passing/")}
        found["seen"] += len(bodies)
        found["torn"] += sum(not is_whole(body) for body in bodies.values())
        found["creations"] += len(won)
        found["left behind"] += len(os.listdir(place / ".writing")) if (place / ".writing").exists() else 0
        for created, winners in won.items():
            writer = int(bodies[f"created/{created}/one"][32:].split(b" ", 1)[0])
            found["two winners"] += len(winners) > 1
            found["not the winner's"] += writer not in winners
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "links")

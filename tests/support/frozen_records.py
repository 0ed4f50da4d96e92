"""What a release has left in a store, as samples: a finished backup of everything, and a restore from it.

`python -m tests.support.frozen_records tests/samples/records-v1` made the first of them. None is ever changed.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from deploy.local.samples import tree_digest
from deploy.local.stack import running
from schemas.destination import DirectoryDestination
from tests.support.forks import Forks
from tests.support.line import Line
from workers.adapters.stores.directory import DirectoryObjectStore
from workers.ports import ObjectStore

PASSPHRASE = "frozen in 2026"
SAMPLES = Path(__file__).parents[1] / "samples"
LEFT_OUT = ("repository/ballast", "repository/clock", "clock")
"""What is of no use in a sample."""


def expected(sample: Path) -> dict[str, Any]:
    """What a sample must say: the names of its jobs, and of each volume what is in it."""
    found: dict[str, Any] = json.loads((sample / "expected.json").read_text())
    return found


def objects(sample: Path) -> dict[str, bytes]:
    """Key -> body."""
    root = sample / "objects"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def dump(store: ObjectStore, sample: Path) -> None:
    """All objects, as files called as their keys."""
    for found in store.list(""):
        if found.key not in LEFT_OUT:
            path = sample / "objects" / found.key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(store.get(found.key))


def listing(directory: Path) -> dict[str, list[Any]]:
    """What is in a volume, as JSON has it."""
    return {
        name: [fact.decode("latin-1") if isinstance(fact, bytes) else fact for fact in facts]
        for name, facts in tree_digest(directory).items()
    }


def main(sample: Path) -> None:
    """Makes one, of a line that runs."""
    with tempfile.TemporaryDirectory() as folder:
        root, store = Path(folder), Path(folder) / "store"
        store.mkdir()
        with running(root / "line", destination=DirectoryDestination(path=str(store)), processes=Forks()) as stack:
            stack.environment["SNAPLINE_PASSPHRASE"] = PASSPHRASE
            line = Line(stack)
            line.install(0)
            stack.start_workers()
            volumes = {key: listing(path) for key, path in line.volume_directories() if key.count("/") == 1}
            backup = line.snapline("backup", "--wait")
            restore = line.snapline("restore", "--from-backup", backup["name"], "--app", "print-works", "--wait")
            assert (backup["status"], restore["status"]) == ("Completed", "Completed")
        dump(DirectoryObjectStore(DirectoryDestination(path=str(store))), sample)
    said = {"backup": backup["name"], "restore": restore["name"], "objects": backup["objects"], "volumes": volumes}
    (sample / "expected.json").write_text(json.dumps(said, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""A process that copies or restores one directory in short slices, and may be killed at any moment.

`python -m tests.support.volume_process copy|restore STORE DIRECTORY STATE VOLUME SECONDS`: objects are files below
STORE; STATE keeps checkpoint and result between processes, as the line's records do. At its end it prints its peak
memory in KiB. Slices are of so many SECONDS, 0 for one slice.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from schemas.destination import DirectoryDestination
from tests.support.volumes import never, quiet
from workers.adapters.stores.directory import DirectoryObjectStore
from workers.repository import VolumeRepository
from workers.repository.format import keyring
from workers.repository.format.master_key import derive


def main() -> int:
    """All that is left."""
    what, place, directory, state, volume, seconds = sys.argv[1:]
    store = DirectoryObjectStore(DirectoryDestination(path=place))
    master = keyring.unlock(store, "p")
    assert master is not None
    repository = VolumeRepository(store, derive(master), cache=Path(state).parent / "cache")
    while _slice(what, repository, Path(directory), Path(state), volume, float(seconds)):
        pass
    print(_peak())
    return 0


def _peak() -> str:
    """Not getrusage's: that counts the parent's before exec, too."""
    status = Path("/proc/self/status").read_text()
    return next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))


def _slice(what: str, repository: VolumeRepository, directory: Path, state: Path, volume: str, seconds: float) -> bool:
    """One slice and its record; False after the last."""
    known: dict[str, Any] = {"checkpoint": None, "slices": 0}
    if state.exists():
        known = json.loads(state.read_text())
    if known.get("done"):
        return False
    checkpoint = bytes.fromhex(known["checkpoint"]) if known["checkpoint"] else None
    deadline = time.monotonic() + seconds
    stop = never if not seconds else (lambda: time.monotonic() >= deadline)
    known["slices"] += 1
    if what == "copy":
        copied = repository.copy(directory, parent=None, checkpoint=checkpoint, stop=stop, progress=quiet)
        done, checkpoint = copied.volume is not None, copied.checkpoint
        known |= {"volume": copied.volume, "warnings": list(copied.warnings)}
    else:
        restored = repository.restore(volume, directory, checkpoint=checkpoint, stop=stop, progress=quiet)
        done, checkpoint = restored.checkpoint is None, restored.checkpoint
        known |= {"lost": list(restored.lost)}
    kept = {**known, "checkpoint": checkpoint.hex() if checkpoint else None, "done": done}
    half = state.with_suffix(".half")
    half.write_text(json.dumps(kept))
    half.rename(state)
    return not done


if __name__ == "__main__":
    sys.exit(main())

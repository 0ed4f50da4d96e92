"""The certificate of a destination's authority as a file, as SDKs want it: it is read at every new connection."""

import os
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

S = TypeVar("S")


def with_authorities(pem: str, given: Path | None, open_with: Callable[[Path | None], S]) -> S:
    """What is opened with a file of `pem`, which goes with it; with the file that is `given` if there is no `pem`."""
    if not pem:
        return open_with(given)
    descriptor, name = tempfile.mkstemp(prefix="snapline-authorities-", suffix=".pem")
    with os.fdopen(descriptor, "w") as file:
        file.write(pem)
    try:
        opened = open_with(Path(name))
    except BaseException:
        _remove(name)
        raise
    weakref.finalize(opened, _remove, name)
    return opened


def _remove(name: str) -> None:
    Path(name).unlink(missing_ok=True)

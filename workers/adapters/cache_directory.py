"""The directory where this node keeps copies of what is in the store. It may be deleted at any time."""

import os
from pathlib import Path
from tempfile import TemporaryFile

from schemas.errors import Invalid
from schemas.settings import Settings


def cache_directory(settings: Settings) -> Path | None:
    """The directory, which can be written to; None where there is none. Raises Invalid if SNAPLINE_CACHE cannot be."""
    try:
        directory = settings.cache or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "snapline")
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with TemporaryFile(dir=directory):
            return directory
    except (OSError, RuntimeError) as error:
        if settings.cache is None:
            return None
        raise Invalid(f"could not write to SNAPLINE_CACHE {settings.cache}: {error}; give another directory") from error

"""The folder of trusted license keys, read anew whenever it is asked for: what is added counts at once."""

from pathlib import Path

from schemas import license
from schemas.errors import Invalid


def trusted_keys(folder: Path) -> dict[str, bytes]:
    """Key id -> PEM. Raises Invalid for a folder or a file that cannot be read."""
    try:
        return license.load_trusted_keys({file.name: file.read_bytes() for file in sorted(folder.glob("*.pem"))})
    except OSError as error:
        raise Invalid(f"could not read the license keys in {folder}: {error.strerror}") from error

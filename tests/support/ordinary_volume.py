"""A directory with ordinary files, that lives from day to day, and is encrypted in place."""

from pathlib import Path
from random import Random

_WORDS = ("the", "of", "order", "invoice", "press", "paper", "customer", "sheet", "ink", "folder", "colour", "paid")
_NUMBERED = [f"{word}{number}" for word in _WORDS for number in range(100)]


def text(random: Random, length: int) -> bytes:
    """So many bytes of prose, which compress to a third or so."""
    return " ".join(random.choices(_NUMBERED, k=length // 4)).encode()[:length]


def furnish(root: Path, random: Random, files: int = 120, length: int = 25_000) -> None:
    """Fills the directory with text files."""
    for number in range(files):
        folder = root / f"year-{number % 4}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"letter-{number}.txt").write_bytes(text(random, length))


def live_a_day(root: Path, random: Random, day: int) -> None:
    """One file changes, one comes, and sometimes one goes."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    random.choice(files).write_bytes(text(random, 26_000))
    (root / f"new-{day}.txt").write_bytes(text(random, 9_000))
    if day % 3 == 0:
        random.choice(files).unlink(missing_ok=True)


def wipe(root: Path, share: float) -> None:
    """So much of all is deleted."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    for path in files[: round(share * len(files))]:
        path.unlink()


def encrypt(root: Path, random: Random) -> None:
    """What is in the files is random now, and they are called `.locked`."""
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        path.write_bytes(random.randbytes(path.stat().st_size))
        path.rename(path.with_name(f"{path.name}.locked"))

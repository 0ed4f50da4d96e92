"""The data that is measured with: the same every time."""

import random
from pathlib import Path

SMALL_FILES = 20_000
LARGE_FILES, LARGE_BYTES = 6, 64_000_000


def small(root: Path, files: int = SMALL_FILES) -> None:
    """Source-like files: text that compresses, a few kilobytes each, a hundred to a directory."""
    made = random.Random(1)
    words = [bytes(made.choices(b"abcdefghijklmnopqrstuvwxyz_", k=made.randrange(3, 12))) for _ in range(5000)]
    for number in range(files):
        folder = root / f"package{number // 2000}" / f"module{number // 100}"
        folder.mkdir(parents=True, exist_ok=True)
        text = b" ".join(made.choices(words, k=min(4000, int(made.paretovariate(1.2) * 150))))
        (folder / f"source{number}.py").write_bytes(text)


def large(root: Path, files: int = LARGE_FILES, size: int = LARGE_BYTES) -> None:
    """Large files of mixed entropy: in turn noise, and text that compresses."""
    root.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        made = random.Random(number)
        with (root / f"large{number}.bin").open("wb") as file:
            for block in range(size // 1_000_000):
                noise = made.randbytes(1000) * 1000 if block % 2 else made.randbytes(1_000_000)
                file.write(noise)

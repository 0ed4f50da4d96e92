"""The data that is measured with: made from seeds, the same every time. A scale of 1 is the full size.

Text is put together from random pieces of one pool, so that it is quick to make and still compresses about 4:1 with
zstd; the pool is large and the pieces are short, so that chunking by content finds next to nothing twice.
"""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

SMALL_FILES, SMALL_MEDIAN, SMALL_SPREAD, SMALL_LARGEST = 106_000, 6_500, 1.5, 2_000_000
"""Sizes are log-normal: median and largest in bytes; the spread is of the logarithm. The mean is about 20 kB."""
LARGE_FILES, LARGE_BYTES = 6, 270_000_000
DATABASE_PAGES, PAGE = 125_000, 8192
DATABASE_CHANGED = 0.01
"""Share of pages that are rewritten."""
TINY_FILES, TINY_LARGEST = 1_000_000, 600
SPARSE_FILES, SPARSE_APPARENT, SPARSE_DATA = 4, 5_000_000_000, 50_000_000
"""Bytes of each file."""

BLOCK = 1_000_000
POOL = 64_000_000
PASSAGE = 50_000
"""Bytes of the pool that share a vocabulary, as a source file does."""
LINES = 600
"""Different lines in a passage."""
PIECE = (3_000, 15_000)
"""Shortest and longest piece of the pool in a file, in bytes."""


@dataclass(frozen=True)
class DataSet:
    """How to make one, and the room that measuring with it takes at scale 1."""

    make: Callable[[Path, float], None]
    room: int  # bytes: itself, a restored copy, and what each tool stores
    inodes: int


def small(root: Path, scale: float) -> None:
    """Source-like files in nested directories, a few dozen to a directory."""
    made, pool = random.Random("small"), _pool()
    for number in range(round(SMALL_FILES * scale)):
        folder = root / f"area{number // 9000}" / f"package{number // 600}" / "src" / f"module{number // 30}"
        if number % 30 == 0:
            folder.mkdir(parents=True)
        size = int(SMALL_MEDIAN * made.lognormvariate(0, SMALL_SPREAD))
        _write(f"{folder}/source{number}.py", _text(made, pool, min(size, SMALL_LARGEST)))


def large(root: Path, scale: float) -> None:
    """Large files: in turn noise, text, and both by turns."""
    root.mkdir(parents=True)
    pool = _pool()
    for number in range(LARGE_FILES):
        made = random.Random(f"large{number}")
        with (root / f"large{number}.bin").open("wb") as file:
            for block in range(max(2, round(LARGE_BYTES * scale / BLOCK))):
                noise = number % 3 == 0 or (number % 3 == 2 and block % 2 == 0)
                file.write(made.randbytes(BLOCK) if noise else _text(made, pool, BLOCK))


def database(root: Path, scale: float) -> None:
    """One file of pages: a header with the page's number, rows of text and noise, free space."""
    root.mkdir(parents=True)
    made, pool = random.Random("database"), _pool()
    with (root / "database.bin").open("wb") as file:
        for number in range(round(DATABASE_PAGES * scale)):
            file.write(_page(made, pool, number))


@contextmanager
def database_changed(root: Path) -> Iterator[None]:
    """Inside, one page in a hundred, at random places, is another; afterwards all are as before."""
    made, pool = random.Random("changed"), _pool()
    path = root / "database.bin"
    pages = path.stat().st_size // PAGE
    before: dict[int, bytes] = {}
    with path.open("r+b") as file:
        for number in sorted(made.sample(range(pages), max(1, round(pages * DATABASE_CHANGED)))):
            file.seek(number * PAGE)
            before[number] = file.read(PAGE)
            file.seek(number * PAGE)
            file.write(_page(made, pool, number))
    try:
        yield
    finally:
        with path.open("r+b") as file:
            for number, page in before.items():
                file.seek(number * PAGE)
                file.write(page)


def tiny(root: Path, scale: float) -> None:
    """Very many files of a few to some hundred bytes, a hundred to a directory."""
    made, pool = random.Random("tiny"), _pool()
    for number in range(round(TINY_FILES * scale)):
        folder = f"{root}/{number // 10_000}/{number // 100 % 100}"
        if number % 100 == 0:
            Path(folder).mkdir(parents=True)
        start = int(made.random() * (POOL - TINY_LARGEST))
        _write(f"{folder}/{number}", pool[start : start + 4 + int(made.random() * (TINY_LARGEST - 4))])


def sparse(root: Path, scale: float) -> None:
    """Files that are holes but for scattered extents of 4 kB to 1 MB, text and noise by turns."""
    root.mkdir(parents=True)
    pool = _pool()
    for number in range(SPARSE_FILES):
        made = random.Random(f"sparse{number}")
        apparent, left = round(SPARSE_APPARENT * scale), round(SPARSE_DATA * scale)
        with (root / f"image{number}.raw").open("wb") as file:
            file.truncate(apparent)
            while left > 0:
                extent = min(left, made.randrange(1, 256) * 4096)
                file.seek(made.randrange((apparent - extent) // 4096) * 4096)
                file.write(made.randbytes(extent) if made.random() < 0.5 else _text(made, pool, extent))
                left -= extent


ALL = {
    "small": DataSet(small, 8_000_000_000, 300_000),
    "large": DataSet(large, 9_000_000_000, 10_000),
    "database": DataSet(database, 4_000_000_000, 10_000),
    "tiny": DataSet(tiny, 7_000_000_000, 1_200_000),
    "sparse": DataSet(sparse, 2_000_000_000, 10_000),
}


@cache
def _pool() -> bytes:
    """Text of words as frequent as in a language, a few of which are a passage's own; lines are indented."""
    made = random.Random("pool")
    letters = b"etaoinsrhldcumfpgwybvkxjqz_"
    words = [bytes(made.choices(letters, k=made.randrange(2, 12))) for _ in range(30_000)]
    common = words[:150]
    signs = [b" ", b" ", b" ", b" ", b".", b"(", b"), ", b" = ", b", ", b"] "]
    passages = []
    for _ in range(POOL // PASSAGE + 1):
        vocabulary = common + made.sample(words, 250)
        made.shuffle(vocabulary)
        tokens = made.choices(vocabulary, cum_weights=_falling(len(vocabulary)), k=LINES * 4)
        shapes = made.choices(signs, k=LINES * 4)
        spoken = [a + b for a, b in zip(tokens, shapes, strict=True)]
        lines = [b"".join(spoken[number * 4 : number * 4 + 4]) + b"\n    " for number in range(LINES)]
        passages.append(b"".join(made.choices(lines, cum_weights=_falling(LINES), k=PASSAGE // 30))[:PASSAGE])
    return b"".join(passages)[:POOL]


def _falling(count: int) -> list[float]:
    """Cumulated weights that fall as the frequencies of words do."""
    return list(accumulate(rank**-0.9 for rank in range(1, count + 1)))


def _text(made: random.Random, pool: bytes, size: int) -> bytes:
    pieces, left = [], size
    while left > 0:
        start = int(made.random() * (POOL - PIECE[1]))
        piece = pool[start : start + min(left, PIECE[0] + int(made.random() * (PIECE[1] - PIECE[0])))]
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _page(made: random.Random, pool: bytes, number: int) -> bytes:
    rows = _text(made, pool, made.randrange(3000, 6000))
    page = number.to_bytes(8, "little") + made.randbytes(1000) + rows
    return page.ljust(PAGE, b"\0")


def _write(path: str, content: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        os.write(file, content)
    finally:
        os.close(file)

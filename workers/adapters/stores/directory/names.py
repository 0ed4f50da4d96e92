"""Keys as paths in a directory, pure both ways. A name on disk is plain ASCII, whatever the key holds.

The object `a/b.json` is the file `b.json` in the directory `a.d`. By that ending `a` and `a/b` can both be objects, as
in S3. What a file system would refuse or take for something else is written as `=` and two hexadecimal digits for each
byte: all but letters, digits and `-_.~%+,@`; a dot at the beginning, so that `..` cannot occur and no hidden file is an
object; and the last letter of an object that ends with `.d` or `.c`. An empty name is `=`. A name that is
too long goes on inside a directory that ends with `.c`.
"""

import re
import string
from enum import Enum

LONGEST = 200
"""A name is cut after the byte that brings it to this length. Where it is cut depends on nothing behind the cut."""
SAFE = frozenset((string.ascii_letters + string.digits + "-_.~%+,@").encode())
_ESCAPED = re.compile(rb"=([0-9A-F]{2})")


class Kind(Enum):
    """What a name on disk is, by its ending."""

    OBJECT = ""
    DIRECTORY = ".d"
    CONTINUED = ".c"  # a directory, too: the name goes on with the names inside of it


def path_of(key: str) -> list[str]:
    """The names from the root to the object's file."""
    *directories, last = key.encode().split(b"/")
    return [name for each in directories for name in _names(each, Kind.DIRECTORY)] + _names(last, Kind.OBJECT)


def directories_of(prefix: str) -> list[str]:
    """The names from the root to the directory `prefix`, which is empty or ends with `/`."""
    return path_of(prefix)[:-1]


def parse(name: str) -> tuple[Kind, bytes] | None:
    """The kind and the part of a key that a name on disk stands for; None for what no key makes."""
    kind = next((each for each in (Kind.DIRECTORY, Kind.CONTINUED) if name.endswith(each.value)), Kind.OBJECT)
    text = name.removesuffix(kind.value)
    if not text.isascii():
        return None
    raw = _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), b"" if text == "=" else text.encode())
    return (kind, raw) if _name(raw, kind) == name else None


def _names(component: bytes, kind: Kind) -> list[str]:
    *cut, rest = _cut(component)
    return [_name(piece, Kind.CONTINUED) for piece in cut] + [_name(rest, kind)]


def _cut(component: bytes) -> list[bytes]:
    pieces, start, length = [], 0, 0
    for at, byte in enumerate(component, 1):
        length += 1 if byte in SAFE else 3
        if length >= LONGEST:
            pieces.append(component[start:at])
            start, length = at, 0
    return [*pieces, component[start:]]


def _name(raw: bytes, kind: Kind) -> str:
    text = "".join(chr(byte) if byte in SAFE else _escape(byte) for byte in raw) or "="
    if text.startswith("."):
        text = _escape(raw[0]) + text[1:]
    if kind is Kind.OBJECT and text.endswith((Kind.DIRECTORY.value, Kind.CONTINUED.value)):
        text = text[:-1] + _escape(raw[-1])
    return text + kind.value


def _escape(byte: int) -> str:
    return f"={byte:02X}"

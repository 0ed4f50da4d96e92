"""How two objects differ, as lines of YAML, with what may be secret hidden."""

import difflib
import json
import re
from collections.abc import Iterator
from typing import Any, Literal

import yaml

from schemas.kubernetes import Object

Sign = Literal["-", "+", " "]
Line = tuple[Sign, str]
"""`-` is live now, `+` as in the backup."""
HIDDEN, OTHER = "(hidden)", "(hidden, another value)"
SECRET_NAME = re.compile(r"(password|passwd|passphrase|secret|token|credentials?|api[_-]?key|private[_-]?key)$", re.I)
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
CONTEXT = 3
"""Equal lines shown around each difference."""
MOST_LINES, MOST_COMPARED, LONGEST = 200, 3000, 300
"""Lines shown, lines compared, and characters of one."""


def difference(live: Object, wanted: Object) -> tuple[Line, ...]:
    """The lines that differ, with some around them; at most `MOST_LINES`, the last of which then says so."""
    live, wanted = _masked(live, wanted)
    before, after = _lines(live), _lines(wanted)
    if max(len(before), len(after)) > MOST_COMPARED:
        return ((" ", f"too long to compare: {len(before):,} lines are live, {len(after):,} in the backup"),)
    lines = list(_between(before, after))
    if len(lines) > MOST_LINES:
        return (*lines[: MOST_LINES - 1], (" ", f"and {len(lines) - MOST_LINES + 1:,} lines more"))
    return tuple(lines)


def _between(before: list[str], after: list[str]) -> Iterator[Line]:
    for number, text in enumerate(difflib.unified_diff(before, after, lineterm="", n=CONTEXT)):
        if number < 2:
            continue  # the names of two files
        if text.startswith("@@"):
            if number > 2:
                yield " ", "…"
            continue
        sign: Sign = "-" if text[0] == "-" else "+" if text[0] == "+" else " "
        yield sign, text[1:]


def _masked(live: Object, wanted: Object) -> tuple[Object, Object]:
    is_secret = "Secret" in (live.get("kind"), wanted.get("kind"))
    return _mask(live, wanted, whole=is_secret, hide=HIDDEN), _mask(wanted, live, whole=is_secret, hide=OTHER)


def _mask(obj: Any, other: Any, *, whole: bool, hide: str, inside: bool = False) -> Any:
    """`obj` with what is secret replaced: by HIDDEN where `other` has the same, else by `hide`."""
    if isinstance(obj, dict):
        there = other if isinstance(other, dict) else {}
        secret_value = isinstance(obj.get("name"), str) and SECRET_NAME.search(obj["name"]) is not None
        found = {}
        for key, value in obj.items():
            hidden = inside or (key == "value" and secret_value) or _is_secret(key, value, whole)
            found[key] = _mask(value, there.get(key), whole=whole, hide=hide, inside=hidden)
        return found
    if isinstance(obj, list):
        others = other if isinstance(other, list) else []
        padded = [*others, *[None] * (len(obj) - len(others))]
        return [_mask(one, two, whole=whole, hide=hide, inside=inside) for one, two in zip(obj, padded, strict=False)]
    if not inside:
        return obj
    return HIDDEN if obj == other else hide


def _is_secret(key: Any, value: Any, whole: bool) -> bool:
    if whole and key in ("data", "stringData", LAST_APPLIED):
        return True
    return isinstance(value, str) and isinstance(key, str) and SECRET_NAME.search(key) is not None


def _lines(obj: Object) -> list[str]:
    try:
        text = yaml.dump(obj, Dumper=_Readable, sort_keys=True, allow_unicode=True, width=LONGEST)
    except (yaml.YAMLError, RecursionError):
        text = json.dumps(obj, indent=2, sort_keys=True, default=str)
    return [line if len(line) <= LONGEST else f"{line[:LONGEST]}…" for line in text.splitlines()]


class _Readable(yaml.SafeDumper):
    """Texts of several lines as such, and no anchors."""

    def ignore_aliases(self, _data: Any) -> bool:
        """None is used."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Readable.add_representer(str, _text)

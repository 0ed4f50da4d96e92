"""How old the last good backup of an application may be: its objective, as the time that may be lost (RPO).

Kept in the ConfigMap `snapline-objectives` in the console's namespace: slug -> duration, such as `24h`.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from schemas.errors import Invalid
from schemas.schedule.durations import duration

NAME = "snapline-objectives"
LABELS = {"kots.io/kotsadm": "true", "kots.io/backup": "velero"}
"""Make them part of a full snapshot."""
SHORTEST = timedelta(minutes=5)
_SLUG = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def parse(text: str) -> timedelta:
    """A duration such as `24h` or `1h30m`. Raises Invalid."""
    length = duration(text)
    if length < SHORTEST:
        raise Invalid(f"{text!r:.80} is too short for an objective; the shortest is 5m")
    return length


def slug(text: str) -> str:
    """The slug itself. Raises Invalid for what is none."""
    if not _SLUG.fullmatch(text):
        raise Invalid(f"{text!r:.80} is no application's slug")
    return text


def from_config_map(obj: Mapping[str, Any]) -> dict[str, timedelta]:
    """Slug -> how old its last good backup may be. Raises Invalid for one that is none, and says which."""
    found = {}
    for name, text in sorted((obj.get("data") or {}).items()):
        try:
            found[slug(name)] = parse(text)
        except Invalid as error:
            raise Invalid(f"the ConfigMap {NAME}, {name!r:.80}: {error}") from error
    return found

"""Events and records as lines of a log, in logfmt: `time=… level=info msg="volumes.copied" pod=shop/db-0`."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from producers.views.kept_log import KeptLine
from schemas import events as e

LONGEST = 400
"""Characters of one value."""
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+-]+")
_LEFT_OUT = ("destination", "backup", "restore", "job")


@dataclass(frozen=True)
class Line:
    """One line, and how bad it is: `info`, `warning` or `error`."""

    level: str
    text: str


def of_event(event: e.AnyEvent) -> Line:
    """What was told, and when."""
    data = event.data.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    fields = {key: value for key, value in data.items() if key not in _LEFT_OUT}
    return _line(event.time, _level(event.data), event.type.rpartition(".")[0], fields)


def of_kept(line: KeptLine) -> Line:
    """What a record keeps."""
    return _line(line.time, line.level, line.text, {})


def _line(at: datetime, level: str, message: str, fields: dict[str, Any]) -> Line:
    known = {"time": f"{at:%Y-%m-%dT%H:%M:%SZ}", "level": level, "msg": message}
    return Line(level, " ".join(f"{key}={_value(value, key == 'msg')}" for key, value in (known | fields).items()))


def _value(value: Any, quoted: bool) -> str:
    if isinstance(value, dict) and "text" in value:  # a message
        value = value["text"]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return text if not quoted and _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _level(data: e.Event) -> str:
    if isinstance(data, e.BackupCompleted | e.RestoreCompleted):
        return "info"
    name = data.type
    if isinstance(data, e.FINAL) and not isinstance(data, e.BackupCancelled | e.RestoreCancelled):
        return "error"
    return "warning" if "failed" in name or "stalled" in name or "suspicious" in name else "info"

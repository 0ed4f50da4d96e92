"""The values that hooks are written in: commands, durations, what to do about errors. Pure."""

import json
from collections.abc import Mapping
from typing import Literal

import durationpy

OnError = Literal["Continue", "Fail"]
DEFAULT_SECONDS = 30.0
"""How long a hook may take that does not say."""
TRUE = ("1", "t", "T", "TRUE", "true", "True")
FALSE = ("0", "f", "F", "FALSE", "false", "False")


class Annotations:
    """The annotations of one hook, below one prefix. Values that make no sense count as not given, and are told."""

    def __init__(self, annotations: Mapping[str, str], prefix: str) -> None:
        self._annotations = annotations
        self._prefix = prefix
        self.problems: list[str] = []

    def text(self, name: str) -> str:
        """The value, or "" if there is none."""
        return self._annotations.get(f"{self._prefix}/{name}") or ""

    def on_error(self) -> OnError:
        """`Continue` if it is not given: the error is told, and the work goes on. Velero does the same."""
        match self.text("on-error"):
            case "Continue" | "Fail" as given:
                return given
            case "":
                return "Continue"
            case other:
                self._problem("on-error", other, "neither Continue nor Fail", "Continue holds")
                return "Continue"

    def seconds(self, name: str, default: float | None) -> float | None:
        """A duration as Go writes it (`30s`, `1h30m`), in seconds; zero counts as not given."""
        given = self.text(name)
        if not given:
            return default
        found = seconds(given)
        if found is None:
            holds = f"{default:g} s hold" if default is not None else "it counts as not given"
            self._problem(name, given, "no duration such as 30s or 5m", holds)
        return found or default

    def flag(self, name: str) -> bool:
        """A boolean as Go reads it."""
        given = self.text(name)
        if given and given not in (*TRUE, *FALSE):
            self._problem(name, given, "neither true nor false", "false holds")
        return given in TRUE

    def _problem(self, name: str, given: str, what: str, holds: str) -> None:
        self.problems.append(f"its annotation {self._prefix}/{name} ({given!r:.60}) is {what}; {holds}")


def argv(text: str) -> list[str]:
    """Program and arguments: a JSON array of strings, else the whole text as a program without arguments."""
    if text.startswith("["):
        try:
            words = json.loads(text)
        except (ValueError, RecursionError):
            return [text]
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return words
    return [text]


def seconds(text: str) -> float | None:
    """A Go duration in seconds; None for what is none, or is negative."""
    try:
        found: float = durationpy.from_str(text).total_seconds()
    except (durationpy.DurationError, OverflowError):
        return None
    return found if found >= 0 else None

"""The YAML text of a Backup resource, read without trusting it: one Backup of velero.io, rendered, of sane size."""

from collections.abc import Iterator
from typing import Any

import yaml

from schemas.errors import Invalid

MAX_TEXT = 256 * 1024
"""Longest text that is read, in characters; real ones have some 1,000."""
MAX_NODES = 20_000
"""Aliases can make a short text large: no more values than these are looked at."""
TEMPLATES = ("repl{{", "{{repl", "{{ repl", "{{.Values", "{{ .Values", "{{.Release", "{{ .Release")
"""What an unrendered file holds: KOTS' and Helm's template marks."""
RENDER = "give the rendered resource (as in the KOTS release's deployed archive, or from `helm template`)"

# A safe loader, the one in C where there is one.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_backup(text: str) -> dict[str, Any]:
    """The Backup among the documents of `text`. Raises Invalid."""
    if len(text) > MAX_TEXT:
        raise Invalid(f"the Backup resource is {len(text)} characters long; the limit is {MAX_TEXT}")
    found = [document for document in _documents(text) if _is_backup(document)]
    if len(found) != 1:
        count = "none" if not found else str(len(found))
        raise Invalid(f"the file holds {count} of kind Backup, apiVersion velero.io/v1; give a file with exactly one")
    document: dict[str, Any] = found[0]
    for value in _values(document):
        if any(mark in value for mark in TEMPLATES):
            raise Invalid(f"the Backup resource holds the template {value.strip()!r:.80}; {RENDER}")
    return document


def _documents(text: str) -> list[Any]:
    try:
        return list(yaml.load_all(text, Loader=_Loader))
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        if any(mark in text for mark in TEMPLATES):
            raise Invalid(
                f"the Backup resource holds templates, and is no YAML before they are filled in; {RENDER}"
            ) from None
        raise Invalid(f"the Backup resource is not YAML: {_place(error)}") from None


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or type(error).__name__
    return f"{problem} in line {mark.line + 1}" if mark else str(problem)


def _is_backup(document: Any) -> bool:
    return (
        isinstance(document, dict)
        and document.get("kind") == "Backup"
        and str(document.get("apiVersion", "")).startswith("velero.io/")
    )


def _values(document: Any) -> Iterator[str]:
    """Every text in `document`, keys included. Raises Invalid for one that is too large."""
    left, seen = [document], 0
    while left:
        value = left.pop()
        seen += 1
        if seen > MAX_NODES:
            raise Invalid(f"the Backup resource has more than {MAX_NODES} values; it cannot be meant so")
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            left.extend((*value.keys(), *value.values()))
        elif isinstance(value, list):
            left.extend(value)

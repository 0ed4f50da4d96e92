"""An object as YAML for people, in which secrets are hidden: their values never leave the server unless asked for."""

import base64
import binascii
import copy
import json
from collections.abc import Mapping
from typing import Any

import yaml

HIDDEN, END = "\ue000", "\ue001"
"""Around what stands in place of a value, for pages to mark it; both are of Unicode's private use."""
NOTES_OF_APPLY = "kubectl.kubernetes.io/last-applied-configuration"
"""The annotation in which `kubectl apply` keeps the object as it was given, with its values."""
NOISE = ("managedFields", "resourceVersion", "generation", "uid", "selfLink", "creationTimestamp")
"""Of an object's metadata, what the API server writes: it says nothing of what somebody has changed."""


def as_yaml(obj: Mapping[str, Any], *, reveal: bool = False) -> str:
    """The object, without what its managers have noted. Values of a Secret are hidden unless they are to be revealed:
    `hidden, 32 bytes`, between `HIDDEN` and `END`."""
    shown = copy.deepcopy(dict(obj))
    shown.get("metadata", {}).pop("managedFields", None)
    return _dump(shown if reveal else masked(shown))


def for_comparing(obj: Mapping[str, Any], against: Mapping[str, Any] | None, side: str) -> str:
    """The object without what the API server writes, and without its status. Hidden values that are not the same in
    `against` are marked with `side`, so that a difference is seen and the values are not."""
    shown = copy.deepcopy(dict(obj))
    shown.pop("status", None)
    for name in NOISE:
        shown.get("metadata", {}).pop(name, None)
    return _dump(masked(shown, against, side)).replace(HIDDEN, "").replace(END, "")


def masked(obj: dict[str, Any], against: Mapping[str, Any] | None = None, side: str = "") -> dict[str, Any]:
    """The object itself, with the values of a Secret hidden."""
    if obj.get("kind") != "Secret":
        return obj
    for field in ("data", "stringData"):
        values = obj.get(field)
        if isinstance(values, dict):
            others = (against or {}).get(field) or {}
            obj[field] = {
                key: _hidden(field, value, side if against is not None and others.get(key) != value else "")
                for key, value in values.items()
            }
    annotations = obj.get("metadata", {}).get("annotations")
    if isinstance(annotations, dict) and NOTES_OF_APPLY in annotations:
        annotations[NOTES_OF_APPLY] = f"{HIDDEN}hidden, it repeats the values{END}"
    return obj


def _hidden(field: str, value: object, side: str) -> str:
    said = f"hidden, {_length(field, value):,} bytes"
    return f"{HIDDEN}{said}{', ' + side if side else ''}{END}"


def _length(field: str, value: object) -> int:
    text = value if isinstance(value, str) else json.dumps(value)
    if field == "data":
        try:
            return len(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            return len(text)
    return len(text.encode("utf-8", "replace"))


def _dump(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=200)

"""Fields of a Backup resource that have no effect here: misspelt ones, and Velero's that Snapline has no equal of.

https://velero.io/docs/main/api-types/backup/
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from schemas.velero.backup import BackupSpec
from schemas.velero.text import read_backup

DOCUMENT = ("apiVersion", "kind", "metadata", "spec", "status")
METADATA = (
    "name",
    "generateName",
    "namespace",
    "labels",
    "annotations",
    "creationTimestamp",
    "uid",
    "resourceVersion",
    "generation",
    "managedFields",
    "ownerReferences",
    "finalizers",
    "selfLink",
)

HARMLESS = frozenset(
    {
        "metadata",
        "storageLocation",
        "volumeSnapshotLocations",
        "csiSnapshotTimeout",
        "itemOperationTimeout",
        "uploaderConfig",
        "datamover",
        "volumeGroupSnapshotLabelKey",
    }
)
"""Velero's settings of where and how; they change nothing about what is in a backup."""

MISSED: Mapping[str, str] = MappingProxyType(
    {
        "resourcePolicy": "volumes are copied by the pods' annotations alone, without its rules",
        "snapshotVolumes": "volumes are copied only where pods have them copied, and no disk is snapshotted",
        "snapshotMoveData": "volumes are copied only where pods have them copied, and no disk is snapshotted",
    }
)
"""Velero's fields that would have put something else into a backup; and what happens instead."""


def unheeded(text: str) -> Iterator[tuple[str, str]]:
    """The fields of the Backup in `text` that have no effect, each with what to know about it. Raises Invalid."""
    document = read_backup(text)
    yield from _unknown("", document, DOCUMENT)
    yield from _unknown("metadata.", document.get("metadata"), METADATA)
    spec = document.get("spec")
    for field, consequence in MISSED.items():
        if isinstance(spec, dict) and spec.get(field):
            yield f"spec.{field}", consequence
    yield from _in_model("spec.", spec, BackupSpec, (*HARMLESS, *MISSED))


def _in_model(path: str, value: Any, model: type[BaseModel], others: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Unknown fields of what `model` reads, and of all in it."""
    fields = {to_camel(name): field.annotation for name, field in model.model_fields.items() if name != "annotations"}
    yield from _unknown(path, value, (*fields, *others))
    for name, annotation in fields.items():
        inner = value.get(name) if isinstance(value, dict) else None
        for part in _models(annotation):
            for place, each in _each(f"{path}{name}", inner):
                yield from _in_model(f"{place}.", each, part)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in an annotation such as `list[Hook]` or `LabelSelector | None`."""
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            yield part


def _each(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((f"{path}[{number}]", each) for number, each in enumerate(value))
    else:
        yield path, value


def _unknown(path: str, value: Any, known: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in value if isinstance(value, dict) else ():
        if name not in known:
            meant = next(iter(get_close_matches(str(name), known, 1, 0.7)), None)
            yield f"{path}{name}", f"there is no such field{f'; is {meant} meant?' if meant else ''}"

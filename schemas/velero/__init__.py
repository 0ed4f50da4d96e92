"""The velero.io/v1 Backup that vendors ship with an application: its text, and what it asks for."""

from schemas.velero.backup import (
    ALL,
    EXCLUDED,
    BackupSpec,
    Exec,
    Expression,
    Hook,
    Hooks,
    Labels,
    LabelSelector,
    ResourceHooks,
    merge,
    namespaces,
    parse_backup,
)
from schemas.velero.unheeded import unheeded

__all__ = [
    "ALL",
    "EXCLUDED",
    "BackupSpec",
    "Exec",
    "Expression",
    "Hook",
    "Hooks",
    "LabelSelector",
    "Labels",
    "ResourceHooks",
    "merge",
    "namespaces",
    "parse_backup",
    "unheeded",
]

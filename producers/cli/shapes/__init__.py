"""What each command prints with `-o json`, for programs: fields are added, and neither renamed nor taken away.

Numbers of bytes are called so, or `size`; times are RFC 3339, UTC.
"""

import json
from typing import Any

from pydantic import TypeAdapter

from producers.cli.shapes import broker, installing, jobs, notifications, things

KINDS = ("webhook", "apprise", "ping", "kubernetes")
"""Of targets of notifications."""
COMMANDS: dict[str, Any] = {
    "backup": jobs.Requested | jobs.Backup | jobs.Rejected | jobs.Ended,
    "restore": jobs.Requested | jobs.Restore | jobs.Rejected | jobs.Foreseen | jobs.Ended,
    "wait": jobs.Backup | jobs.Restore | jobs.Rejected | jobs.Ended,
    "get backups": list[jobs.Backup | jobs.BackupUnderway | jobs.Rejected | jobs.Unreadable],
    "get restores": list[jobs.Restore | jobs.RestoreUnderway | jobs.Rejected | jobs.Unreadable],
    "get apps": list[things.Application],
    "get schedules": list[things.Schedule],
    "get destinations": list[things.Destination],
    "get notifications": list[notifications.Notification],
    "get objectives": list[notifications.Objective],
    "get event-tokens": list[things.EventToken],
    "get users": list[things.User],
    "get access-tokens": list[things.AccessToken],
    "get dead-letters": list[things.DeadLetter],
    "describe backup": jobs.BackupDescribed | jobs.BackupUnderwayDescribed | jobs.Rejected,
    "describe restore": jobs.RestoreDescribed | jobs.RestoreUnderwayDescribed | jobs.Rejected,
    "describe app": things.Application,
    "describe schedule": things.ScheduleDescribed,
    "describe destination": things.DestinationDescribed | list[things.MountStep],
    "describe notification": notifications.Notification,
    "describe dead-letter": things.DeadLetterDescribed,
    "set app": things.Application,
    "set user": things.UserSet,
    "set access-token": things.AccessTokenMade,
    "set event-token": things.EventTokenMade,
    "set schedule": things.Schedule,
    "schedule set": things.Schedule,
    "schedule list": list[things.Schedule],
    "schedule show": things.ScheduleDescribed | list[things.Schedule],
    "schedule next": list[things.NextRun],
    "schedule pause": things.Schedule,
    "schedule resume": things.Schedule,
    "schedule run-now": jobs.Requested | jobs.Backup | jobs.Rejected | jobs.Ended,
    "set destination aws-s3": list[things.Check] | things.DestinationDescribed,
    "set destination other-s3": list[things.Check] | things.DestinationDescribed,
    "set destination gcp": list[things.Check] | things.DestinationDescribed,
    "set destination azure": list[things.Check] | things.DestinationDescribed,
    "set destination nfs": list[things.Check] | things.DestinationDescribed,
    "set destination hostpath": list[things.Check] | things.DestinationDescribed,
    "set destination internal": list[things.Check] | things.DestinationDescribed,
    **{f"{set_} {kind}": notifications.Notification for set_ in ("set notification", "notify set") for kind in KINDS},
    "set objective": notifications.Objective,
    "delete backup": things.Deletion | list[things.Deletion],
    "delete dead-letters": things.Dropped,
    "retention set": things.Retention,
    "retention show": list[things.Retention],
    "retention preview": list[things.Previewed],
    "check": list[things.Check],
    "test-restore": jobs.Requested | jobs.Restore | jobs.Rejected | jobs.Ended | jobs.TriedInDirectory,
    "verify": jobs.Requested | jobs.VerificationAnswered,
    "copy": jobs.Requested | jobs.CopyAnswered,
    "notify test": notifications.Tried,
    "notify deliveries": list[notifications.Delivery],
    "notify redeliver": notifications.Delivery,
    "files ls": list[things.VolumeOfFiles] | list[things.File],
    "files find": list[things.FileFound],
    "files diff": list[things.FileDifference],
    "files restore": things.FilesRestored,
    "repository init": things.RecoveryText,
    "repository check": things.Problems,
    "repository verify": things.Verified,
    "repository prune": things.Pruned,
    "repository stats": things.Stats,
    "repository repair-index": things.Repaired,
    "repository key list": list[things.Key],
    "repository key add": things.KeyMade,
    "repository key remove": things.KeyRemoved,
    "repository key rotate": things.KeyMade,
    "repository key recover": things.KeyMade,
    "publish": things.Published,
    "redrive": things.Redriven,
    "broker definitions": broker.Definitions,
    "install": installing.Objects | list[installing.Finding],
    "migrate": list[things.VersionedPart],
    "broker check": list[broker.Difference],
    "broker migrate": broker.Migrated,
    "settings": list[things.Setting],
    "failure": things.Failure,
    "kept log": things.KeptLine,
}
"""By command; of `events tail` and `logs` each line is an event (schemas/json), and its sender, or of `logs` a line of
`kept log`."""


def document() -> str:
    """One JSON schema of all: `commands` has what each prints."""
    inputs: list[Any] = [(name, "validation", TypeAdapter(shape)) for name, shape in COMMANDS.items()]
    found, defined = TypeAdapter.json_schemas(inputs, ref_template="#/$defs/{model}")
    commands = {name: found[(name, "validation")] for name in COMMANDS}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "What Snapline prints with -o json"}
    return json.dumps({**head, "commands": commands, **defined}, indent=2, ensure_ascii=False) + "\n"

"""KOTS' routes."""

from producers.http.api.operation import Operation
from producers.http.kots import config, restores, snapshots, storage

V1 = "/api/v1"
APP = f"{V1}/app/{{app}}/snapshot"

TABLE = (
    Operation("GET", f"{V1}/snapshots/settings", storage.storage_settings, "view"),
    Operation("PUT", f"{V1}/snapshots/settings", storage.set_storage, "configure"),
    Operation(
        "POST", f"{V1}/snapshots/filesystem/instructions", storage.mount_instructions, "view", media="text/plain"
    ),
    Operation("GET", f"{V1}/snapshots", snapshots.snapshots, "view"),
    Operation("POST", f"{V1}/snapshot/backup", snapshots.take_snapshot, "take"),
    Operation("GET", f"{V1}/snapshot/config", config.snapshot_config, "view"),
    Operation("PUT", f"{V1}/snapshot/schedule", config.set_snapshot_schedule, "configure"),
    Operation("PUT", f"{V1}/snapshot/retention", config.set_snapshot_retention, "configure"),
    Operation("GET", f"{V1}/snapshot/{{name}}", snapshots.snapshot, "view", "found"),
    Operation("POST", f"{V1}/snapshot/{{name}}/delete", snapshots.delete_snapshot, "delete", "found"),
    Operation("POST", f"{V1}/snapshot/{{name}}/restore-apps", restores.restore_apps, "restore", "found"),
    Operation("POST", f"{V1}/snapshot/{{name}}/apps-restore-status", restores.apps_restore_status, "view", "found"),
    Operation("GET", f"{V1}/snapshot/{{name}}/logs", snapshots.snapshot_log, "view", "found", media="text/plain"),
    Operation("GET", f"{V1}/app/{{app}}/snapshots", snapshots.app_snapshots, "view", "app"),
    Operation("POST", f"{APP}/backup", snapshots.take_app_snapshot, "take", "app"),
    Operation("GET", f"{APP}/config", config.app_snapshot_config, "view", "app"),
    Operation("PUT", f"{APP}/schedule", config.set_app_snapshot_schedule, "configure", "app"),
    Operation("PUT", f"{APP}/retention", config.set_app_snapshot_retention, "configure", "app"),
    Operation("GET", f"{APP}/restore/status", restores.restore_status, "view", "app"),
    Operation("GET", f"{APP}/restore/{{name}}", restores.app_restore, "view", "app"),
    Operation("POST", f"{APP}/restore/{{name}}", restores.restore_app_snapshot, "restore", "app"),
    Operation("DELETE", f"{APP}/restore", restores.cancel_restore, "cancel", "app"),
    Operation("GET", f"{V1}/velero", snapshots.velero, "view", "found"),
)

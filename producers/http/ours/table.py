"""Our own routes."""

from producers.http.api.operation import Operation
from producers.http.ours import applications, backups, dead_letters, destinations, restores, schedules

V1 = "/api/v1"
BACKUP, RESTORE, JOB = f"{V1}/backups/{{name}}", f"{V1}/restores/{{name}}", f"{V1}/jobs/{{name}}"
SCHEDULE, DESTINATION = f"{V1}/schedules/{{name}}", f"{V1}/destinations/{{name}}"
LETTERS = f"{V1}/dead-letters"

TABLE = (
    Operation("GET", f"{V1}/backups", backups.list_backups, "view", "found"),
    Operation("POST", f"{V1}/backups", backups.take_backup, "take", "found", 202),
    Operation("GET", BACKUP, backups.get_backup, "view", "found"),
    Operation("DELETE", BACKUP, backups.delete_backup, "delete", "found", 202),
    Operation("GET", f"{BACKUP}/objects", backups.list_objects, "view", "found"),
    Operation("GET", f"{BACKUP}/volumes", backups.list_volumes, "view", "found"),
    Operation("PUT", f"{BACKUP}/hold", backups.hold_backup, "delete", "found"),
    Operation("DELETE", f"{BACKUP}/hold", backups.unhold_backup, "delete", "found", 204),
    Operation("POST", f"{BACKUP}/verify", backups.verify_backup, "take", "found", 202),
    Operation("POST", f"{BACKUP}/copies", backups.copy_backup, "take", "found", 202),
    Operation("POST", f"{BACKUP}/test-restore", backups.try_backup, "restore", "found", 202),
    Operation("GET", f"{BACKUP}/restore-plan", restores.foresee_restore, "view", "found"),
    Operation("GET", f"{V1}/restores", restores.list_restores, "view", "found"),
    Operation("POST", f"{V1}/restores", restores.start_restore, "restore", "found", 202),
    Operation("GET", RESTORE, restores.get_restore, "view", "found"),
    Operation("POST", f"{RESTORE}/rollback", restores.go_back, "restore", "found", 202),
    Operation("GET", f"{RESTORE}/safety-snapshot", restores.get_safety_snapshot, "view", "found"),
    Operation("GET", JOB, restores.get_job, "view", "found"),
    Operation("POST", f"{JOB}/cancel", restores.cancel_job, "cancel", "found", 204),
    Operation("GET", f"{JOB}/log", restores.job_log, "view", "found"),
    Operation("GET", f"{V1}/applications", applications.list_applications, "view", "found"),
    Operation("GET", f"{V1}/applications/{{app}}", applications.get_application, "view", "app"),
    Operation("PUT", f"{V1}/applications/{{app}}", applications.register_application, "configure"),
    Operation("DELETE", f"{V1}/applications/{{app}}", applications.forget_application, "configure", status=204),
    Operation("GET", f"{V1}/objectives", applications.list_objectives, "view", "found"),
    Operation("GET", f"{V1}/schedules", schedules.list_schedules, "view", "found"),
    Operation("GET", SCHEDULE, schedules.get_schedule, "view", "found"),
    Operation("PUT", SCHEDULE, schedules.set_schedule, "configure"),
    Operation("DELETE", SCHEDULE, schedules.forget_schedule, "configure", status=204),
    Operation("POST", f"{SCHEDULE}/pause", schedules.pause_schedule, "configure"),
    Operation("POST", f"{SCHEDULE}/resume", schedules.resume_schedule, "configure"),
    Operation("POST", f"{SCHEDULE}/run", schedules.run_schedule, "take", "found", 202),
    Operation("GET", f"{V1}/retention", schedules.list_retention, "view"),
    Operation("POST", f"{V1}/retention/preview", schedules.preview_retention, "view"),
    Operation("PUT", f"{V1}/retention/{{scope:path}}", schedules.set_retention, "configure"),
    Operation("DELETE", f"{V1}/retention/{{scope:path}}", schedules.forget_retention, "configure", status=204),
    Operation("GET", f"{V1}/destinations", destinations.list_destinations, "view"),
    Operation("PUT", f"{V1}/default-destination", destinations.set_default_destination, "configure", status=204),
    Operation("GET", DESTINATION, destinations.get_destination, "view"),
    Operation("POST", f"{DESTINATION}/check", destinations.check_destination, "configure"),
    Operation("DELETE", DESTINATION, destinations.forget_destination, "configure", status=204),
    Operation("GET", LETTERS, dead_letters.list_dead_letters, "dead-letters"),
    Operation("GET", f"{LETTERS}/{{queue}}/{{id}}", dead_letters.get_dead_letter, "dead-letters"),
    Operation("POST", f"{LETTERS}/{{queue}}/redrive", dead_letters.redrive_dead_letters, "dead-letters"),
    Operation("POST", f"{LETTERS}/{{queue}}/drop", dead_letters.drop_dead_letters, "dead-letters"),
)

"""What to do about an error, for programs that speak HTTP: a route for each code."""

from collections.abc import Mapping

from schemas.errors import Code, SnaplineError
from schemas.messages import Message

REMEDIES: Mapping[str, str] = {
    Code.NO_SUCH_APPLICATION: "GET /api/v1/applications lists those that are registered",
    Code.NO_SUCH_BACKUP: "GET /api/v1/backups lists them",
    Code.NO_SUCH_JOB: "GET /api/v1/backups and GET /api/v1/restores list them",
    Code.ALREADY_ENDED: "GET /api/v1/jobs/{subject}/log says how",
    Code.NOT_FINISHED: "wait for it, or POST /api/v1/jobs/{subject}/cancel ends it",
    Code.BACKUP_IN_USE: "wait for it, or POST /api/v1/jobs/{subject}/cancel ends it",
    Code.BACKUP_HELD: "DELETE /api/v1/backups/{subject}/hold lets it go",
    Code.NO_DESTINATION: "GET /api/v1/destinations lists them",
    Code.DESTINATION_IN_USE: "wait until the jobs there have ended",
    Code.DESTINATION_GIVEN: "the server's environment gives it; change it there",
    Code.STORE_CREDENTIALS: "POST /api/v1/destinations/{subject}/check tries them",
    Code.STORE_FULL: "give it room, or DELETE /api/v1/backups/NAME what is not needed",
    Code.NO_PASSPHRASE: "give the server one in SNAPLINE_PASSPHRASE, or store one with the destination",
    Code.WRONG_PASSPHRASE: "store the right one with the destination",
    Code.LOCKED: "wait until then; nobody can unlock it from here",
    Code.NO_SUCH_FILE: "GET /api/v1/backups/NAME/files lists what is there",
    Code.NO_SUCH_DEAD_LETTER: "GET /api/v1/dead-letters lists them",
    Code.NO_SUCH_SCHEDULE: "GET /api/v1/schedules lists them",
    Code.SCHEDULE_INVALID: "PUT /api/v1/schedules/{subject} replaces it",
    Code.NO_SUCH_RETENTION: "GET /api/v1/retention lists them",
    Code.NOT_PERMITTED: "ask an administrator for a token or a role that may",
    Code.CLUSTER_AWAY: "send the same request again",
    Code.TRANSIENT: "send the same request again",
}


def remedy(said: SnaplineError | Message) -> str:
    """What to do, with the subject filled in; "" where there is nothing to add."""
    subject = said.subject.rpartition("/")[2] or "NAME"
    return REMEDIES.get(said.code, "").replace("{subject}", subject)

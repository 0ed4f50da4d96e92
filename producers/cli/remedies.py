"""What to do about an error: a command for each code. Texts below this layer name none, as each front has its own."""

from itertools import takewhile

from schemas.errors import Code, SnaplineError
from schemas.messages import Message

REMEDIES: dict[str, str] = {
    Code.NO_SUCH_APPLICATION: "`snapline get apps` lists those that are registered, `snapline set app` registers one",
    Code.NO_SUCH_BACKUP: "`snapline get backups` lists them",
    Code.NO_SUCH_JOB: "`snapline get backups` and `snapline get restores` list them",
    Code.ALREADY_ENDED: "`snapline describe {subject}` says how",
    Code.NOT_FINISHED: "`snapline cancel {subject}` ends it",
    Code.BACKUP_IN_USE: "wait for it, or `snapline cancel {subject}`",
    Code.BACKUP_HELD: "`snapline unhold {subject}` lets it go",
    Code.NO_BACKUP_RESOURCE: "register the application with one: `snapline set app {subject} --backup FILE`",
    Code.LICENSE_REFUSED: "`snapline set app {subject} --license FILE` replaces the license",
    Code.LICENSE_USELESS: "give one that allows snapshots; `--force` registers it all the same",
    Code.NO_SAFETY_SNAPSHOT: "mend what is said, or restore with `--no-safety-snapshot`",
    Code.REGISTRATION_CHANGED: "`snapline backup` takes another one",
    Code.POD_GONE: "`snapline backup` takes another one",
    Code.NO_DESTINATION: "`snapline set destination` stores one, `snapline get destinations` lists them",
    Code.DESTINATION_INVALID: "`snapline set destination` replaces it, `snapline describe destination` shows it",
    Code.DESTINATION_GIVEN: "name one with `--destination`, or unset SNAPLINE_S3_BUCKET and SNAPLINE_DIRECTORY",
    Code.DESTINATION_IN_USE: "wait until they have ended; `--force` does it all the same",
    Code.NOT_MOUNTED: "`snapline describe destination {subject} --mount` says how",
    Code.NO_INTERNAL_STORAGE: "`snapline set destination` stores another one",
    Code.SECRET_MISSING: "make it, or `snapline set destination` without the reference",
    Code.STORE_CREDENTIALS: "`snapline check` tries the credentials, `snapline set destination` replaces them",
    Code.STORE_UNSUITABLE: "`snapline check` says what the store lacks",
    Code.STORE_FULL: "give it room, or `snapline delete backup` what is not needed, which works in a full store, too",
    Code.EXTRA_MISSING: "where Snapline was installed, `pip install -c constraints.txt '.[{subject}]'`",
    Code.LOCKED: "wait until then; nobody can unlock it from here",
    Code.NO_REPOSITORY: "`snapline repository init` makes it",
    Code.NO_PASSPHRASE: "set SNAPLINE_PASSPHRASE, or store one with `snapline set destination`",
    Code.WRONG_PASSPHRASE: "correct it with `snapline set destination`, or `snapline repository key add` another",
    Code.NO_SUCH_KEY: "`snapline repository key list` shows them",
    Code.KEYS_LOST: "`snapline repository key recover` with the recovery text",
    Code.INDEX_DAMAGED: "`snapline repository repair-index` rebuilds it",
    Code.RECORD_UNREADABLE: "`snapline repository check` says which backups it hurts",
    Code.RECORD_NOT_AUTHENTIC: "find out who can write to the store; if its versions are kept, put the right one back",
    Code.MARK_UNREADABLE: "when no prune is under way, `snapline repository repair-index` deletes it",
    Code.NO_SUCH_FILE: "`snapline files ls` shows what is there",
    Code.QUEUE_DIFFERS: "`snapline broker migrate` replaces it, and loses nothing",
    Code.QUEUE_IN_USE: "`snapline broker migrate` goes on where it was",
    Code.NOT_DECLARED: "`snapline broker definitions` prints what an administrator imports",
    Code.NO_EVENT_LOG: "if it stays away, `rabbitmqctl delete_queue {subject}`; a worker that starts declares it anew",
    Code.NO_SUCH_DEAD_LETTER: "`snapline get dead-letters` lists them",
    Code.UNKNOWN_SETTING: "`snapline settings` lists the known ones",
    Code.RUN_WAITS: "`snapline cancel {subject}` ends it; a schedule that is due less often leaves it time",
    Code.RUN_MISSED: "see that `snapline scheduler` runs; `snapline backup` takes one now",
    Code.NO_SUCH_EVENT_TOKEN: "`snapline get event-tokens` lists them",
    Code.NO_SUCH_USER: "`snapline get users` lists them",
    Code.NO_SUCH_TOKEN: "`snapline get access-tokens` lists them",
    Code.NO_SUCH_SCHEDULE: "`snapline get schedules` lists them",
    Code.NO_SUCH_NOTIFICATION: "`snapline get notifications` lists the targets, `snapline set notification` stores one",
    Code.NOTIFICATION_INVALID: "`snapline set notification` replaces it",
    Code.NO_SUCH_DELIVERY: "`snapline notify deliveries` lists them",
    Code.ADDRESS_REFUSED: "if it is a server of yours, `snapline set notification` with `--allow-private`",
    Code.SCHEDULE_INVALID: "`snapline set schedule` replaces it",
    Code.NO_SUCH_RETENTION: "`snapline retention show` lists them",
    Code.RETENTION_INVALID: "`snapline retention set` replaces it",
}


OTHER_SPELLINGS = {"storage check": "check", "storage set": "set destination", "app add": "set app"}
"""Of commands that remedies name."""


def remedy(said: SnaplineError | Message, ran: str = "") -> str:
    """What to do, with the subject filled in; "" where there is nothing to add. The command that `ran` is no advice."""
    for other, spelling in OTHER_SPELLINGS.items():
        ran = f"{spelling}{ran.removeprefix(other)}" if f"{ran} ".startswith(f"{other} ") else ran
    clauses = REMEDIES.get(said.code, "").split(", ")
    left = [clause for clause in clauses if not (named := _command(clause)) or not f"{ran} ".startswith(f"{named} ")]
    return ", ".join(left).removeprefix("or ").replace("{subject}", said.subject or "NAME")


def with_remedy(said: SnaplineError | Message, ran: str = "") -> str:
    """The sentence of an error, or of a message in a record, and what to do."""
    sentence, added = said.with_place if isinstance(said, SnaplineError) else str(said), remedy(said, ran)
    return f"{sentence}; {added}" if added else sentence


def _command(clause: str) -> str:
    """The words of the command that a clause names, without options and names; "" for none."""
    _, _, after = clause.partition("`snapline ")
    words = after.partition("`")[0].split()
    return " ".join(
        takewhile(lambda word: word.replace("-", "a").isalpha() and word.islower() and word[0] != "-", words)
    )

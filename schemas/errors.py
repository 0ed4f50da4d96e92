"""Errors in two families, by what helps: trying again, or not.

    SnaplineError
    ├── TransientError        try again: something was busy, slow or away, or credentials have expired
    │   └── NotYet            waited for, not failed: try again without counting an attempt
    └── PermanentError        trying again cannot help
        ├── MalformedEvent    the message breaks the event contract
        ├── NotFound          the object, record or volume is not there
        ├── AlreadyExists     somebody made it first
        ├── Denied            the credentials do not allow it
        ├── Locked            a lock or a retention period of the object store forbids it
        ├── Invalid           the request or file is wrong; the message says where
        └── Damaged           stored bytes are not what was written

The text says what was tried, on what, and why it failed; it never holds a secret. It ends up in events, which other
systems read, so where our servers are stands beside it, in `place`. What to do next depends on who
reads it, so no text names a command or a page: an error carries a code, and each front adds its own remedy.
Misuse by our own code is a plain RuntimeError.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import ClassVar


class Code(StrEnum):
    """What went wrong, for programs: stable, and in the style of Kubernetes' reasons. First the families' own."""

    TRANSIENT = "Transient"
    NOT_YET = "NotYet"
    PERMANENT = "Permanent"
    MALFORMED_EVENT = "MalformedEvent"
    NOT_FOUND = "NotFound"
    ALREADY_EXISTS = "AlreadyExists"
    DENIED = "Denied"
    INVALID = "Invalid"
    DAMAGED = "Damaged"

    # requests and jobs
    NO_SUCH_APPLICATION = "NoSuchApplication"
    NO_SUCH_BACKUP = "NoSuchBackup"
    NO_SUCH_JOB = "NoSuchJob"
    SENDER_NOT_ALLOWED = "SenderNotAllowed"
    REQUEST_DIFFERS = "RequestDiffers"
    LICENSE_REFUSED = "LicenseRefused"
    LICENSE_USELESS = "LicenseUseless"
    NOT_FINISHED = "NotFinished"
    ALREADY_ENDED = "AlreadyEnded"
    BACKUP_IN_USE = "BackupInUse"
    BACKUP_DELETED = "BackupDeleted"
    BACKUP_HELD = "BackupHeld"
    LAST_GOOD = "LastGood"
    BACKUP_UNUSABLE = "BackupUnusable"
    NOT_IN_BACKUP = "NotInBackup"
    CANCELLED = "Cancelled"
    STALLED = "Stalled"
    QUEUED_TOO_LONG = "QueuedTooLong"
    RUN_MISSED = "RunMissed"
    RUN_WAITS = "RunWaits"

    # what a backup lacks, or a restore could not do
    NO_BACKUP_RESOURCE = "NoBackupResource"
    REGISTRATION_CHANGED = "RegistrationChanged"
    NOTHING_SELECTED = "NothingSelected"
    NO_SUCH_KIND = "NoSuchKind"
    FIELD_IGNORED = "FieldIgnored"
    NOT_CAPTURED = "NotCaptured"
    BEING_DELETED = "BeingDeleted"
    VOLUME_NOT_COPIED = "VolumeNotCopied"
    POD_GONE = "PodGone"
    VOLUME_NOT_RESTORED = "VolumeNotRestored"
    FILE_NOT_RESTORED = "FileNotRestored"
    FILE_NOT_COPIED = "FileNotCopied"
    FILE_WARNING = "FileWarning"
    BACKUP_INCOMPLETE = "BackupIncomplete"
    NOT_APPLIED = "NotApplied"
    DIFFERS = "Differs"
    NOT_DELETED = "NotDeleted"
    NO_SAFETY_SNAPSHOT = "NoSafetySnapshot"
    NOT_READY = "NotReady"
    CHECK_FAILED = "CheckFailed"
    NOT_REMOVED = "NotRemoved"
    LEFT_ALONE = "LeftAlone"
    CONFLICT = "Conflict"
    PUT_BACK = "PutBack"
    NEWER = "Newer"

    # what is unusual about a backup
    SUSPICIOUS = "Suspicious"
    MUCH_REPLACED = "MuchReplaced"
    INCOMPRESSIBLE = "Incompressible"
    MUCH_DELETED = "MuchDeleted"

    # hooks
    HOOK_FAILED = "HookFailed"
    HOOK_INVALID = "HookInvalid"
    HOOK_INTERRUPTED = "HookInterrupted"
    HOOK_NOT_RUN = "HookNotRun"

    # destinations, stores and the repository
    NO_DESTINATION = "NoDestination"
    DESTINATION_INVALID = "DestinationInvalid"
    DESTINATION_GIVEN = "DestinationGiven"
    DESTINATION_IN_USE = "DestinationInUse"
    NO_INTERNAL_STORAGE = "NoInternalStorage"
    NOT_MOUNTED = "NotMounted"
    SECRET_MISSING = "SecretMissing"  # noqa: S105  # a code
    STORE_CREDENTIALS = "StoreCredentials"
    STORE_UNSUITABLE = "StoreUnsuitable"
    STORE_FULL = "StoreFull"
    EXTRA_MISSING = "ExtraMissing"
    LOCKED = "Locked"
    NO_REPOSITORY = "NoRepository"
    NO_PASSPHRASE = "NoPassphrase"  # noqa: S105  # a code
    WRONG_PASSPHRASE = "WrongPassphrase"  # noqa: S105  # a code
    NO_SUCH_KEY = "NoSuchKey"
    KEYS_LOST = "KeysLost"
    INDEX_DAMAGED = "IndexDamaged"
    RECORD_UNREADABLE = "RecordUnreadable"
    RECORD_NOT_AUTHENTIC = "RecordNotAuthentic"
    MARK_UNREADABLE = "MarkUnreadable"
    NO_SUCH_FILE = "NoSuchFile"

    # other systems
    NO_SUCH_EVENT_TOKEN = "NoSuchEventToken"  # noqa: S105  # a code

    # who may do what
    NOT_PERMITTED = "NotPermitted"
    FORM_OUTDATED = "FormOutdated"
    OTHER_SITE = "OtherSite"
    NO_SUCH_USER = "NoSuchUser"
    NO_SUCH_TOKEN = "NoSuchToken"  # noqa: S105  # a code

    # the cluster
    CLUSTER_AWAY = "ClusterAway"

    # the bus
    QUEUE_DIFFERS = "QueueDiffers"
    NOT_DECLARED = "NotDeclared"
    QUEUE_IN_USE = "QueueInUse"
    NO_EVENT_LOG = "NoEventLog"
    NO_SUCH_DEAD_LETTER = "NoSuchDeadLetter"

    # settings and schedules
    UNKNOWN_SETTING = "UnknownSetting"
    SCHEDULE_INVALID = "ScheduleInvalid"
    NO_SUCH_SCHEDULE = "NoSuchSchedule"
    RETENTION_INVALID = "RetentionInvalid"
    NO_SUCH_RETENTION = "NoSuchRetention"

    # notifications
    NOTIFICATION_INVALID = "NotificationInvalid"
    NO_SUCH_NOTIFICATION = "NoSuchNotification"
    NO_SUCH_DELIVERY = "NoSuchDelivery"
    NOT_DELIVERED = "NotDelivered"
    ADDRESS_REFUSED = "AddressRefused"


class SnaplineError(Exception):
    """Base of all expected errors. `str(error)` is a plain sentence for people, `code` is for programs, and
    `subject` names what it is about where a remedy needs the name. `place` is for those alone who run it: which server
    it was."""

    default: ClassVar[Code] = Code.PERMANENT

    def __init__(self, text: str = "", *, code: Code | None = None, subject: str = "", place: str = "") -> None:
        super().__init__(text)
        self.code = code or self.default
        self.subject, self.place = subject, place

    @property
    def with_place(self) -> str:
        """The sentence for those who run it: logs, and the command line."""
        return f"{self} ({self.place})" if self.place else str(self)


class TransientError(SnaplineError):
    """Trying again may help: for as long as patience lasts, or no longer than its own `patience` if it has one."""

    default = Code.TRANSIENT

    def __init__(
        self,
        text: str = "",
        *,
        code: Code | None = None,
        subject: str = "",
        place: str = "",
        patience: timedelta | None = None,
    ) -> None:
        super().__init__(text, code=code, subject=subject, place=place)
        self.patience = patience


class NotYet(TransientError):
    """Something awaited is not there yet; come back after `delay`. Not counted as a failure."""

    default = Code.NOT_YET

    def __init__(self, waiting_for: str, delay: timedelta = timedelta(seconds=1)) -> None:
        super().__init__(waiting_for)
        self.delay = delay


class PermanentError(SnaplineError):
    """Trying again cannot help."""


class MalformedEvent(PermanentError):
    """A message that breaks the event contract (EVENTS.md)."""

    default = Code.MALFORMED_EVENT


class NotFound(PermanentError):
    """The thing asked for is not there."""

    default = Code.NOT_FOUND


class AlreadyExists(PermanentError):
    """The thing to be created is there already."""

    default = Code.ALREADY_EXISTS


class Denied(PermanentError):
    """The credentials in use do not allow what was tried."""

    default = Code.DENIED


class Locked(PermanentError):
    """The object store does not change or delete an object: it is locked until `until`, None if nobody says (UTC)."""

    default = Code.LOCKED

    def __init__(self, tried: str, until: datetime | None = None, *, place: str = "") -> None:
        when = f" until {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if until else ""
        super().__init__(f"{tried}: it is locked{when}", place=place)
        self.until = until


class Invalid(PermanentError):
    """A request, file or setting is wrong."""

    default = Code.INVALID


class Damaged(PermanentError):
    """Stored bytes differ from what was written, or cannot be decrypted."""

    default = Code.DAMAGED

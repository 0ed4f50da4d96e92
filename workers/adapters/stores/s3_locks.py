"""What an S3 bucket says of its locks, through the client that is passed in.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

YEAR = timedelta(days=365)
NO_LOCKS = {400, 403, 404, 405, 501}
"""There is no lock, the account may not ask, or the server does not know what that is."""


@dataclass(frozen=True)
class Lock:
    """Of an object: it is locked, until then; None for a legal hold, which has no end."""

    until: datetime | None


class BucketLocks:
    """Asks nothing of a bucket that keeps no versions, as only one that does can have locks. Safe for threads."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self._bucket = client, bucket
        self._has_versions = False
        self._retention: timedelta | None = None

    def heed(self, answer: Mapping[str, Any]) -> None:
        """Learns from the answer to a write whether the bucket keeps versions."""
        if answer.get("VersionId", "null") != "null":
            self._has_versions = True

    def retention(self) -> timedelta | None:
        """For how long the bucket locks each object from when it is written; None if it does not, if nothing was
        written yet, or if the account may not ask. It is asked for once. Raises what the SDK does."""
        if self._has_versions and self._retention is None:
            self._retention = self._asked()
        return self._retention or None

    def lock_of(self, name: str) -> Lock | None:
        """The lock of one object; None if it has none, or if the account may not ask."""
        try:
            found = self._client.head_object(Bucket=self._bucket, Key=name)
        except (ClientError, BotoCoreError):
            return None
        if found.get("ObjectLockLegalHoldStatus") == "ON":
            return Lock(None)
        until = found.get("ObjectLockRetainUntilDate")
        now = parsedate_to_datetime(found["ResponseMetadata"]["HTTPHeaders"]["date"])
        return Lock(until.astimezone(UTC)) if until and until > now else None

    def _asked(self) -> timedelta:
        try:
            found = self._client.get_object_lock_configuration(Bucket=self._bucket)["ObjectLockConfiguration"]
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in NO_LOCKS:
                return timedelta()
            raise
        rule = found.get("Rule", {}).get("DefaultRetention", {})
        return timedelta(days=int(rule.get("Days", 0))) + YEAR * int(rule.get("Years", 0))

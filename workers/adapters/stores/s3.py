"""The port `ObjectStore` on S3: the only importer of boto3.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)
from botocore.utils import parse_timestamp

from schemas.destination import S3Destination
from schemas.errors import Code, Denied, Invalid, Locked, NotFound, SnaplineError, TransientError
from workers.adapters.causes import cause, its_word
from workers.adapters.stores.s3_locks import BucketLocks
from workers.ports import StoredObject

T = TypeVar("T")

MISSING = {"NoSuchKey", "404", "NotFound"}
TAKEN = {"PreconditionFailed", "412"}
CONFLICT = {"ConditionalRequestConflict", "409"}
DENIED = {
    "AccessDenied",
    "403",
    "Forbidden",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidToken",
    "AllAccessDisabled",
}
FULL = {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"}
"""Of Ceph and MinIO; AWS is never full."""
EXPIRED = {"ExpiredToken", "RequestTimeTooSkewed", "RequestExpired"}
"""What passes when credentials are renewed, or the clock is set."""
USER_AGENT = "snapline"
"""Given, as the SDK would put together a long one for each request."""
PACKS = "repository/packs/"
"""What is below goes without a checksum, which takes time: a pack is found by what is written after it, and whoever
reads it knows its hashes. The objects of a backup may be as large, and nothing else tells that they are torn."""
CONFLICT_RESTS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between the tries of a conditional write that the server calls a conflict: another one is under way."""


class S3ObjectStore:
    """A bucket below the destination's prefix. Safe for threads."""

    def __init__(self, destination: S3Destination, ca: Path | None = None) -> None:
        self._bucket = destination.bucket
        self._prefix = f"{destination.prefix}/" if destination.prefix else ""
        self._place = f"bucket {destination.bucket!r} at {destination.endpoint or 'AWS'}"
        self._client = _client(destination, ca)
        self._locks = BucketLocks(self._client, self._bucket)

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        if length == 0:
            return b""
        ranged = {}
        if start or length is not None:
            ranged["Range"] = f"bytes={start}-{'' if length is None else start + length - 1}"
        return self._try(f"read {key}", lambda: self._read(key, ranged))

    def _read(self, key: str, ranged: dict[str, str]) -> bytes:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key, **ranged)
        except ClientError as error:
            if _code(error) in ("InvalidRange", "416"):
                return b""
            raise
        body: bytes = answer["Body"].read()
        return body

    def put(self, key: str, body: bytes | bytearray) -> None:
        """See the port."""
        name = self._prefix + key
        try:
            answer = self._client.put_object(Bucket=self._bucket, Key=name, Body=body, **_checksum(key, body))
        except (ClientError, BotoCoreError) as error:
            raise self._refusal(f"write {key}", name, error) from error
        self._locks.heed(answer)

    def create(self, key: str, body: bytes) -> bool:
        """See the port. A refusal after a lost answer may be about our own write; then the bodies are the same."""
        unsure = False
        for rest in CONFLICT_RESTS:
            try:
                answer = self._client.put_object(
                    Bucket=self._bucket, Key=self._prefix + key, Body=body, IfNoneMatch="*", **_checksum(key, body)
                )
                self._locks.heed(answer)
                return True
            except ClientError as error:
                unsure = unsure or _was_retried(error)
                if _code(error) in TAKEN:
                    return unsure and self._holds(key, body)
                if _code(error) not in CONFLICT:
                    raise self._meaning(f"create {key}", error) from error
            except BotoCoreError as error:
                raise self._meaning(f"create {key}", error) from error
            unsure = True
            time.sleep(rest)
        raise TransientError(f"could not create {key}: others write it just now; try again", place=self._place)

    def _holds(self, key: str, body: bytes) -> bool:
        try:
            return self.get(key) == body
        except NotFound as error:
            raise TransientError(f"could not create {key}: it came and went; try again", place=self._place) from error

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        kept = self._try(f"list {prefix}", self._locks.retention)
        for page in self._pages(prefix):
            for entry in page.get("Contents", []):
                key, at = entry["Key"].removeprefix(self._prefix), entry["LastModified"]
                yield StoredObject(key, entry["Size"], at, entry["ETag"].strip('"'), at + kept if kept else None)

    def names(self, prefix: str) -> Iterator[str]:
        """See the port."""
        whole = self._prefix + prefix
        for page in self._pages(prefix, Delimiter="/"):
            found = [entry["Key"] for entry in page.get("Contents", [])]
            found += [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
            yield from (key.removeprefix(whole) for key in found if key != whole)

    def _pages(self, prefix: str, **more: str) -> Iterator[Any]:
        pages = iter(
            self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix, **more
            )
        )
        while page := self._try(f"list {prefix}", lambda: next(pages, None)):
            yield page

    def delete(self, key: str) -> None:
        """See the port. In a bucket that keeps versions, what was deleted stays as one."""
        name = self._prefix + key
        try:
            self._client.delete_object(Bucket=self._bucket, Key=name)
        except (ClientError, BotoCoreError) as error:
            found = self._refusal(f"delete {key}", name, error)
            if not isinstance(found, NotFound):
                raise found from error

    def _try(self, what: str, request: Callable[[], T]) -> T:
        try:
            return request()
        except (ClientError, BotoCoreError) as error:
            raise self._meaning(what, error) from error

    def _refusal(self, what: str, name: str, error: Exception) -> SnaplineError:
        """Of what may be refused for a lock, too: the answer alone does not tell it from missing rights."""
        found = self._meaning(what, error)
        if isinstance(found, Denied) and (lock := self._locks.lock_of(name)):
            return Locked(f"could not {what} in the object store", lock.until, place=self._place)
        return found

    def _meaning(self, what: str, error: Exception) -> SnaplineError:
        found = _family(f"could not {what} in the object store", error)
        found.place = self._place
        return found


def _family(tried: str, error: Exception) -> SnaplineError:
    if isinstance(error, NoCredentialsError):
        return Denied(f"{tried}: there are no credentials", code=Code.STORE_CREDENTIALS)
    if isinstance(error, ParamValidationError):
        return Invalid(f"{tried}: a name in it is not well formed", code=Code.DESTINATION_INVALID)
    if not isinstance(error, ClientError):
        return TransientError(f"{tried}: {cause(error)}; is the S3 server running?")
    code = _code(error)
    if code == "NoSuchBucket":
        return Invalid(f"{tried}: there is no such bucket", code=Code.DESTINATION_INVALID)
    if code in MISSING:
        return NotFound(f"{tried}: it is not there")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in FULL or status == 507:
        return TransientError(f"{tried}: the store is full ({code})", code=Code.STORE_FULL)
    if code in DENIED:
        return Denied(f"{tried}: {code}", code=Code.STORE_CREDENTIALS)
    if code in EXPIRED:
        return TransientError(f"{tried}: {code}", code=Code.STORE_CREDENTIALS)
    if status == 501:
        return Invalid(f"{tried}: this server cannot do it ({code})", code=Code.STORE_UNSUITABLE)
    if status >= 500 or status in (408, 409, 429) or code in ("SlowDown", "RequestTimeout"):
        return TransientError(f"{tried}: the server answered {status} {code}; try again")
    return Invalid(f"{tried}: the server answered {status} {code}".rstrip())


def _checksum(key: str, body: bytes | bytearray) -> dict[str, str]:
    """By which a server knows that all of the body has come. SeaweedFS keeps an empty object otherwise, if who writes
    it dies between the head of the request and its body. Of all checksums, every S3 knows this one."""
    if key.startswith(PACKS):
        return {}
    return {"ContentMD5": base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()}


def _client(destination: S3Destination, ca: Path | None) -> Any:
    settings = Config(
        retries={"mode": "standard", "total_max_attempts": 4},
        connect_timeout=5,
        read_timeout=30,
        max_pool_connections=32,
        s3={"addressing_style": "path"} if destination.endpoint else {},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        user_agent=USER_AGENT,
        parameter_validation=False,
    )
    try:
        return boto3.session.Session(botocore_session=_session()).client(
            "s3",
            endpoint_url=destination.endpoint or None,
            region_name=destination.region,
            aws_access_key_id=destination.access_key_id or None,
            aws_secret_access_key=destination.secret_access_key.get_secret_value() or None,
            verify=str(ca) if ca else None,
            config=settings,
        )
    except PartialCredentialsError as error:
        raise Denied("access key and secret key go together: one is missing", code=Code.STORE_CREDENTIALS) from error
    except (ValueError, BotoCoreError) as error:
        where = f"endpoint {destination.endpoint!r} or region {destination.region!r}"
        text = "could not use the endpoint or the region: it is not well formed"
        raise Invalid(text, code=Code.DESTINATION_INVALID, place=where) from error


def _session() -> Any:
    """The SDK guesses how a time is written, which takes long for what every answer has."""
    session = botocore.session.get_session()
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_time)
    return session


def _time(given: Any) -> datetime:
    """A time as lists have it (ISO 8601) or headers do (RFC 9110), or as whatever gives us credentials does."""
    if isinstance(given, str) and given.endswith("Z"):
        with suppress(ValueError):
            return datetime.fromisoformat(given)
    if isinstance(given, str) and given.endswith("GMT"):
        with suppress(ValueError):
            return parsedate_to_datetime(given)
    return parse_timestamp(given)


def _code(error: ClientError) -> str:
    return its_word(error.response.get("Error", {}).get("Code", ""))


def _was_retried(error: ClientError) -> bool:
    return bool(error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0))

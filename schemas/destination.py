"""Where backups go: a bucket, its credentials, and the passphrase of the repository in it.

Kept as the Secret `snapline-destination` in the console's namespace (`snapline storage set`).
"""

import base64
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, field_validator

from schemas.errors import Invalid
from schemas.events import explain
from schemas.settings import Settings

SECRET_NAME = "snapline-destination"  # noqa: S105  # a name
LABEL = "snapline.dev/destination"


class Destination(BaseModel):
    """One S3 bucket, below one prefix. An empty endpoint is AWS; empty keys are the instance's role."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    bucket: str
    endpoint: str = ""
    region: str = "us-east-1"
    prefix: str = ""
    access_key_id: str = ""
    secret_access_key: SecretStr = SecretStr("")
    passphrase: SecretStr = SecretStr("")

    @field_validator("bucket")
    @classmethod
    def _bucket_is_given(cls, bucket: str) -> str:
        if not bucket:
            raise ValueError("the bucket has no name")
        return bucket

    @field_validator("prefix")
    @classmethod
    def _prefix_has_no_outer_slashes(cls, prefix: str) -> str:
        return "/".join(part for part in prefix.split("/") if part)


def from_settings(settings: Settings) -> Destination | None:
    """The destination of the environment; None if it names no bucket."""
    if not settings.s3_bucket:
        return None
    return Destination(
        bucket=settings.s3_bucket,
        endpoint=str(settings.s3_endpoint or "").rstrip("/"),
        region=settings.s3_region,
        prefix=settings.s3_prefix,
        access_key_id=settings.s3_access_key_id,
        secret_access_key=settings.s3_secret_access_key,
        passphrase=settings.passphrase,
    )


def to_secret(destination: Destination, console_namespace: str) -> dict[str, Any]:
    """The Secret that keeps it."""
    fields = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name in Destination.model_fields
        if (value := getattr(destination, name))
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": SECRET_NAME, "namespace": console_namespace, "labels": {LABEL: "default"}},
        "data": {name: base64.b64encode(value.encode()).decode() for name, value in fields.items()},
    }


def from_secret(secret: Mapping[str, Any]) -> Destination:
    """The destination that a Secret keeps. Raises Invalid, without any of its data."""
    try:
        data = {name: base64.b64decode(value).decode() for name, value in (secret.get("data") or {}).items()}
        return Destination.model_validate(data)
    except ValidationError as error:
        raise Invalid(f"the Secret {SECRET_NAME} is wrong: {explain(error)}; run `snapline storage set`") from error
    except (ValueError, TypeError):
        raise Invalid(f"the Secret {SECRET_NAME} is not base64 of UTF-8; run `snapline storage set`") from None

"""Where backups go: one model per provider, with the passphrase of the repository there."""

import re
import ssl
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, field_validator, model_validator

from schemas import secret_references
from schemas.errors import Code, Invalid
from schemas.events import DEFAULT_DESTINATION, explain
from schemas.settings import Settings

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # fits a label's value, and the name of a Secret
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\]")
_STORAGE_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")


class _Destination(BaseModel):
    """What every provider has."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    name: str = DEFAULT_DESTINATION
    prefix: str = ""
    passphrase: SecretStr = SecretStr("")
    references: Mapping[str, str] = {}
    """Field -> where its value is that is not kept here (schemas/secret_references.py)."""

    @field_validator("name")
    @classmethod
    def _name_is_well_formed(cls, name: str) -> str:
        if not is_name(name):
            raise ValueError("a destination's name has up to 63 lower-case letters, digits and inner hyphens")
        return name

    @field_validator("*")
    @classmethod
    def _is_text(cls, value: object) -> object:
        """What a Secret can keep. An argument's bytes that are no UTF-8 are halves of characters here."""
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if isinstance(text, str) and any("\ud800" <= letter <= "\udfff" for letter in text):
            raise ValueError("it is no UTF-8 text")
        return value

    @model_validator(mode="after")
    def _references_are_of_credentials(self) -> Self:
        for field, text in self.references.items():
            if field not in self.may_be_referred_to():
                raise ValueError(f"{field!r:.80} is no credential of a destination of this provider")
            secret_references.parse(text)
        return self

    @classmethod
    def may_be_referred_to(cls) -> list[str]:
        """The fields that may be kept elsewhere: the secrets, and the name that goes with one."""
        secret = [name for name, field in cls.model_fields.items() if field.annotation is SecretStr]
        return secret + [name for name in ("access_key_id",) if name in cls.model_fields]

    @field_validator("prefix")
    @classmethod
    def _prefix_has_no_outer_slashes(cls, prefix: str) -> str:
        return "/".join(part for part in prefix.split("/") if part)


class S3Destination(_Destination):
    """One S3 bucket, below one prefix. An empty endpoint is AWS; empty keys are the instance's role."""

    provider: Literal["s3"] = "s3"
    bucket: str
    endpoint: str = ""
    region: str = "us-east-1"
    access_key_id: str = ""
    secret_access_key: SecretStr = SecretStr("")
    ca_certificate: str = ""
    """PEM of the authorities that may have signed the server's certificate; empty for those of the process."""

    @field_validator("ca_certificate")
    @classmethod
    def _ca_certificate_is_pem(cls, pem: str) -> str:
        if pem:
            _certificates(pem)
        return pem

    @field_validator("bucket")
    @classmethod
    def _bucket_is_given(cls, bucket: str) -> str:
        return _given(bucket, "the bucket has no name")

    @property
    def place(self) -> str:
        """Where it is, for people; with other credentials it is the same place."""
        return f"s3://{self.bucket}/{self.prefix}" + (f" at {self.endpoint}" if self.endpoint else "")


class DirectoryDestination(_Destination):
    """A directory that every worker sees at the same path: a mounted share, or on one machine any directory."""

    provider: Literal["directory"] = "directory"
    path: str

    @field_validator("path")
    @classmethod
    def _path_is_absolute(cls, path: str) -> str:
        return _absolute(path)

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"{self.path}, below {self.prefix}" if self.prefix else self.path


class NfsDestination(_Destination):
    """An NFS export that every worker mounts at the same `path`. Where it is not mounted there, nothing is written."""

    provider: Literal["nfs"] = "nfs"
    server: str
    export: str
    path: str

    @field_validator("export", "path")
    @classmethod
    def _path_is_absolute(cls, path: str) -> str:
        return _absolute(path)

    @field_validator("server")
    @classmethod
    def _server_is_given(cls, server: str) -> str:
        if _HOST.fullmatch(server) is None:
            raise ValueError("the NFS server is given by its host name or address")
        return server

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"nfs://{self.server}{self.export}" + (f", below {self.prefix}" if self.prefix else "")


class GcsDestination(_Destination):
    """One bucket of Google Cloud Storage, below one prefix. Without a key it is the instance's role, or workload
    identity: of `service_account`, if one is named. An empty endpoint is Google's; another one is an emulator's, which
    is asked without credentials unless there is a key."""

    provider: Literal["gcs"] = "gcs"
    bucket: str
    service_account_json: SecretStr = SecretStr("")
    """The key of a service account, as Google's console writes it."""
    service_account: str = ""
    """The account of the instance whose role it is; empty for the instance's default one."""
    endpoint: str = ""

    @field_validator("bucket")
    @classmethod
    def _bucket_is_given(cls, bucket: str) -> str:
        return _given(bucket, "the bucket has no name")

    @property
    def place(self) -> str:
        """Where it is, for people; with other credentials it is the same place."""
        return f"gs://{self.bucket}/{self.prefix}" + (f" at {self.endpoint}" if self.endpoint else "")


AzureCloud = Literal["AzurePublicCloud", "AzureUSGovernmentCloud", "AzureChinaCloud", "AzureGermanCloud"]


class AzureDestination(_Destination):
    """One container of Azure Blob Storage, below one prefix.

    With an account key that is used. A client with its secret signs in to its tenant, and without a client it is the
    instance's identity, or workload identity. Where subscription and resource group are given, whoever has signed in
    asks Azure for a key of the storage account, as KOTS and Velero do; else it must have a role on the blobs itself.
    An empty endpoint is the storage account's in `cloud_name`.
    """

    provider: Literal["azure"] = "azure"
    container: str
    storage_account: str
    resource_group: str = ""
    subscription_id: str = ""
    tenant_id: str = ""
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    account_key: SecretStr = SecretStr("")
    cloud_name: AzureCloud = "AzurePublicCloud"
    endpoint: str = ""

    @field_validator("container")
    @classmethod
    def _container_is_given(cls, container: str) -> str:
        return _given(container, "the container has no name")

    @field_validator("storage_account")
    @classmethod
    def _storage_account_is_well_formed(cls, account: str) -> str:
        if _STORAGE_ACCOUNT.fullmatch(account) is None:
            raise ValueError("a storage account's name has 3 to 24 lower-case letters and digits")
        return account

    @field_validator("cloud_name", mode="before")
    @classmethod
    def _cloud_is_the_public_one_if_none_is_named(cls, cloud: object) -> object:
        return cloud or "AzurePublicCloud"

    @property
    def place(self) -> str:
        """Where it is, for people; with other credentials it is the same place."""
        where = f"azure://{self.storage_account}/{self.container}/{self.prefix}"
        return where + (f" at {self.endpoint}" if self.endpoint else "")


Destination = Annotated[
    S3Destination | GcsDestination | AzureDestination | DirectoryDestination | NfsDestination,
    Field(discriminator="provider"),
]
"""A destination of any provider. Another one is another model here, and its adapter in workers/adapters/stores."""
PROVIDERS = tuple(model.model_fields["provider"].default for model in get_args(get_args(Destination)[0]))
"""The values that `provider` may have."""
_DESTINATION: TypeAdapter[Destination] = TypeAdapter(Destination)


def is_name(name: str) -> bool:
    """Whether a destination can have this name."""
    return _NAME.fullmatch(name) is not None


def parse(fields: Mapping[str, Any], where: str = "the destination") -> Destination:
    """The destination that has these fields; `provider` says which they are. Raises Invalid, which says that `where`
    is wrong, without any value."""
    try:
        if fields.get("provider") not in PROVIDERS:
            raise ValueError(f"provider: it must be one of {', '.join(PROVIDERS)}")
        return _DESTINATION.validate_python(dict(fields))
    except ValueError as error:
        name = str(fields.get("name", DEFAULT_DESTINATION))
        raise Invalid(f"{where} is wrong: {explain(error)}", code=Code.DESTINATION_INVALID, subject=name) from error


def from_settings(settings: Settings) -> Destination | None:
    """The default destination, if the environment gives it."""
    if settings.directory is not None:
        return DirectoryDestination(path=str(settings.directory), passphrase=settings.passphrase)
    if not settings.s3_bucket:
        return None
    return S3Destination(
        bucket=settings.s3_bucket,
        endpoint=str(settings.s3_endpoint or "").rstrip("/"),
        region=settings.s3_region,
        prefix=settings.s3_prefix,
        access_key_id=settings.s3_access_key_id,
        secret_access_key=settings.s3_secret_access_key,
        passphrase=settings.passphrase,
    )


def _absolute(path: str) -> str:
    if not PurePosixPath(path).is_absolute() or "\0" in path:
        raise ValueError("the path does not begin with a slash")
    return path


def _certificates(pem: str) -> None:
    """Raises ValueError unless it is PEM of certificates, and of nothing that nobody should see."""
    if "PRIVATE KEY" in pem:
        raise ValueError("it has a private key, which belongs to the server alone")
    try:
        if ssl.create_default_context(cadata=pem).cert_store_stats()["x509"]:
            return
    except (ssl.SSLError, ValueError):
        pass
    raise ValueError("it is no PEM of certificates")


def _given(name: str, otherwise: str) -> str:
    if not name:
        raise ValueError(otherwise)
    return name

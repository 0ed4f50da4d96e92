"""The storage form: one model for each kind of destination, by KOTS' names, to a change of a destination of ours.

A field that is emptied begins anew. A secret that is left empty stays as it was: pages never have its value.
"""

import socket
from collections.abc import Collection, Mapping
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from producers.actions.destinations import Change
from producers.console.forms.typed import Ticked
from schemas.destination import (
    AzureCloud,
    AzureDestination,
    Destination,
    DirectoryDestination,
    GcsDestination,
    NfsDestination,
)
from workers.adapters.notifiers.addresses import refusal

MOUNT_POINTS = "/var/lib/snapline"
"""Where exports are mounted, each under the name of its destination, if nothing else is said."""
MOST = 64 * 1024
"""Characters of one field."""


class StorageForm(BaseModel):
    """What all kinds have. `fields` are the names that a destination has for those of the form; `provider` is that of
    the destination."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, str_max_length=MOST)

    label: ClassVar[str]
    provider: ClassVar[str]
    fields: ClassVar[Mapping[str, str]] = {}
    cleared: ClassVar[Collection[str]] = ()
    """Fields of the destination that this kind does not have."""
    mount_points: ClassVar[str] = ""
    """Where a destination's `path` is at first, below this, if it has to be mounted."""

    prefix: str = ""
    passphrase: SecretStr = SecretStr("")

    def change(self, name: str, kept_elsewhere: Collection[str] = ()) -> Change:
        """What to ask for. Of the fields in `kept_elsewhere` the destination has references, which stay."""
        given = {self.fields.get(field, field): value for field, value in self if field not in self.choices()}
        secret = {field for field, value in given.items() if isinstance(value, SecretStr)}
        plain = {field: value.get_secret_value() if field in secret else value for field, value in given.items()}
        said = {field: value for field, value in plain.items() if value}
        emptied = plain.keys() - said.keys() - secret - set(kept_elsewhere)
        usual: Mapping[str, Any] = {"path": f"{self.mount_points}/{name}"} if self.mount_points else {}
        return Change(self.provider, name, said, {}, {*emptied, *self.without()}, usual)

    def without(self) -> Collection[str]:
        """Fields of the destination that begin anew, whatever they were."""
        return self.cleared

    @classmethod
    def choices(cls) -> Collection[str]:
        """Fields of the form that no destination has."""
        return ("use_instance_role",)


class AmazonS3(StorageForm):
    """A bucket of AWS, by a pair of keys, or by the role of the machines."""

    label = "Amazon S3"
    provider = "s3"
    cleared = ("endpoint", "ca_certificate")
    bucket: str = ""
    region: str = ""
    use_instance_role: Ticked = False
    access_key_id: str = ""
    secret_access_key: SecretStr = SecretStr("")

    def change(self, name: str, kept_elsewhere: Collection[str] = ()) -> Change:
        """See `StorageForm`. With the role of the machines, keys that are typed count for nothing."""
        if not self.use_instance_role:
            return super().change(name, kept_elsewhere)
        keyless = self.model_copy(update={"access_key_id": "", "secret_access_key": SecretStr("")})
        return StorageForm.change(keyless, name)

    def without(self) -> Collection[str]:
        """See `StorageForm`."""
        return (*self.cleared, "access_key_id", "secret_access_key") if self.use_instance_role else self.cleared


class OtherS3(StorageForm):
    """A bucket of another S3 server."""

    label = "Other S3-Compatible Storage"
    provider = "s3"
    bucket: str = ""
    access_key_id: str = ""
    secret_access_key: SecretStr = SecretStr("")
    endpoint: str = Field(default="", validate_default=True)
    region: str = ""
    ca_certificate: str = ""

    @field_validator("endpoint")
    @classmethod
    def _endpoint_is_a_url(cls, endpoint: str) -> str:
        return _url(endpoint)


class AzureBlob(StorageForm):
    """A container of Azure Blob Storage, which KOTS calls a bucket."""

    label = "Azure Blob Storage"
    provider = "azure"
    fields: ClassVar[Mapping[str, str]] = {"bucket": "container"}
    bucket: str = ""
    subscription_id: str = ""
    tenant_id: str = ""
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    cloud_name: AzureCloud = "AzurePublicCloud"
    resource_group: str = ""
    storage_account: str = ""


class GoogleStorage(StorageForm):
    """A bucket of Google Cloud Storage, by the key of a service account, or by the role of the machines."""

    label = "Google Cloud Storage"
    provider = "gcs"
    bucket: str = ""
    use_instance_role: Ticked = False
    service_account: str = ""
    service_account_json: SecretStr = SecretStr("")

    def change(self, name: str, kept_elsewhere: Collection[str] = ()) -> Change:
        """See `StorageForm`."""
        unused = {"service_account_json": SecretStr("")} if self.use_instance_role else {"service_account": ""}
        return StorageForm.change(self.model_copy(update=unused), name, kept_elsewhere)

    def without(self) -> Collection[str]:
        """See `StorageForm`."""
        return ("service_account_json",) if self.use_instance_role else ()


class InternalStorage(StorageForm):
    """The S3 server that came with Snapline; nothing but the passphrase is asked for."""

    label = "Internal Storage (Default)"
    provider = "s3"
    cleared = ("endpoint", "ca_certificate", "access_key_id", "secret_access_key")

    @classmethod
    def choices(cls) -> Collection[str]:
        """See `StorageForm`."""
        return ("prefix",)


class Nfs(StorageForm):
    """An export that every worker mounts."""

    label = "Network File System (NFS)"
    provider = "nfs"
    fields: ClassVar[Mapping[str, str]] = {"nfs_server": "server", "nfs_path": "export", "mounted_at": "path"}
    mount_points = MOUNT_POINTS
    nfs_server: str = ""
    nfs_path: str = ""
    mounted_at: str = ""


class HostPath(StorageForm):
    """A directory that every worker has at the same path."""

    label = "Host Path"
    provider = "directory"
    fields: ClassVar[Mapping[str, str]] = {"hostpath": "path"}
    hostpath: str = ""


KINDS: Mapping[str, type[StorageForm]] = {
    "aws": AmazonS3,
    "azure": AzureBlob,
    "gcp": GoogleStorage,
    "other": OtherS3,
    "internal": InternalStorage,
    "nfs": Nfs,
    "hostpath": HostPath,
}
"""By what the form calls them, in KOTS' order."""


def secret_fields(model: type[StorageForm]) -> set[str]:
    """Those fields of a form whose values are never shown."""
    return {name for name, about in model.model_fields.items() if about.annotation is SecretStr}


SECRET_FIELDS = frozenset(name for model in KINDS.values() for name in secret_fields(model))
"""Those of all kinds."""


def kind_of(destination: Destination, *, internal: bool = False) -> str:
    """Which kind the form shows a destination as. `internal` says that it is the server that came with Snapline."""
    match destination:
        case AzureDestination():
            return "azure"
        case GcsDestination():
            return "gcp"
        case NfsDestination():
            return "nfs"
        case DirectoryDestination():
            return "hostpath"
    if internal:
        return "internal"
    return "other" if destination.endpoint else "aws"


def shown(destination: Destination, kind: str) -> dict[str, str]:
    """What the fields of the form show of a destination: all but secrets."""
    model = KINDS[kind]
    named = {field: model.fields.get(field, field) for field in model.model_fields if field not in model.choices()}
    values = {field: getattr(destination, name, "") for field, name in named.items()}
    plain = {field: str(value) for field, value in values.items() if not isinstance(value, SecretStr)}
    keys = ("access_key_id", "secret_access_key", "service_account_json")
    with_key = any(has(destination, key) for key in keys if hasattr(destination, key))
    return plain | {"kind": kind, "use_instance_role": "" if with_key else "on"}


def secrets_of(destination: Destination) -> dict[str, str]:
    """Secret field -> where it is kept: a reference, or "" for beside the destination. Those that it has."""
    fields = [name for name, value in destination if isinstance(value, SecretStr)]
    return {name: destination.references.get(name, "") for name in fields if has(destination, name)}


def names_of(model: type[StorageForm]) -> dict[str, str]:
    """Field of the destination -> field of the form."""
    return {model.fields.get(field, field): field for field in model.model_fields}


def has(destination: Destination, field: str) -> bool:
    """Whether a field has a value, there or where it refers to."""
    if field in destination.references:
        return True
    value = getattr(destination, field)
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


def _url(endpoint: str) -> str:
    """An address as somebody types it. Raises ValueError for what is none."""
    try:
        parts = urlsplit(endpoint)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if not endpoint:
        raise ValueError("this is needed: the address of the server")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"“{endpoint:.80}” is no address: it must begin with https:// or http://")
    if parts.username or parts.password:
        raise ValueError("an address has no name and no password in it: they belong into the fields for the keys")
    if parts.query or parts.fragment:
        raise ValueError("an address has no ? and no # in it")
    if (address := _address(parts.hostname)) and (why := refusal(address, allow_private=True)):
        raise ValueError(f"no store is at this address: it is {why}")
    return endpoint.rstrip("/")


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is written as, in any of the ways that resolvers read; None for a name."""
    with suppress(ValueError):
        return ip_address(host.partition("%")[0])
    with suppress(OSError, ValueError):
        return IPv4Address(socket.inet_aton(host))
    return None

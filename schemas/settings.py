"""The environment as one frozen model. Every variable begins with SNAPLINE_; an unknown one stops the program."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from pydantic import (
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from schemas.errors import Code, Invalid
from schemas.events import explain

PREFIX = "SNAPLINE_"


class Settings(BaseModel):
    """All settings of workers and producers."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    amqp_url: SecretStr = SecretStr("amqp://guest:guest@127.0.0.1:5672/%2F")
    """RabbitMQ, with user, password and virtual host; amqps:// for TLS."""
    amqp_ca: Path | None = None
    """PEM file of the authorities that may have signed RabbitMQ's certificate; unset means the system's."""
    trusted_users: str = ""
    """Comma list of broker users whose internal events are accepted, besides the worker's own: `USER=SERVICE` is
    believed what that service tells (that of a queue, or `scheduler`), a `USER` without one everything."""
    restore_users: str = ""
    """Comma list of broker users who may ask for restores, besides the worker's own and the trusted ones."""
    upkeep_users: str = ""
    """Comma list of broker users who may ask to delete or verify backups and to prune, besides the worker's own and the
    trusted ones."""

    request_keys: Path | None = None
    """Folder of Ed25519 public keys, `<key id>.pem` each, whose signatures on requests are believed: who has signed one
    is its sender, `key:<key id>`, whoever has carried it. Read when a worker starts."""
    signed_users: str = ""
    """Comma list of broker users who may only carry signed requests, such as a shovel's; `*` means all but our own."""
    signature_audience: str = ""
    """The name that a signature must have been made for; give each Snapline its own where several trust one key."""
    signature_seconds: float = Field(default=900, gt=0, allow_inf_nan=False)
    """A signed request counts for so many seconds after it was signed, also if it has waited in the queue."""

    s3_endpoint: AnyHttpUrl | None = None
    """URL of the S3 server; unset means AWS."""
    s3_ca: Path | None = None
    """PEM file of the authorities that may have signed an S3 server's certificate; unset means the well-known ones."""
    s3_region: str = "us-east-1"
    """Region of the bucket."""
    s3_bucket: str = ""
    """Bucket of the default destination; without it, and without SNAPLINE_DIRECTORY, the stored one counts."""
    s3_prefix: str = ""
    """Prefix of all keys in the bucket."""
    s3_access_key_id: str = ""
    """Access key; unset means the instance's role."""
    s3_secret_access_key: SecretStr = SecretStr("")
    """Secret key."""
    directory: Path | None = None
    """Directory of the default destination, in place of a bucket: a share that every worker mounts at this path."""

    kubeconfig: Path | None = None
    """Kubernetes access; unset means in-cluster, else the user's default."""
    console_namespace: str = "snapline-console"
    """Where the admin console and the registered applications live."""
    kubelet_pods: Path = Path("/var/lib/kubelet/pods")
    """The kubelet's pod directories of this node."""
    helper_image: str = "busybox:1.35"
    """Image of the pods that bind claims, and of the init container that waits for emptyDir data; it needs a shell."""

    passphrase: SecretStr = SecretStr("")
    """Opens the repository's key."""
    cache: Path | None = None
    """Directory for this node's copy of the repository's index, shared by its workers, and for what lists of jobs show;
    unset means `snapline` in the user's cache directory, or a temporary one where that cannot be written."""
    compression_level: int = Field(default=1, ge=-7, le=19)
    """zstd's level for volume data: higher is smaller and slower. Large files are compressed three levels harder."""
    license_keys: Path | None = None
    """Folder of trusted license keys, `<key id>.pem` each."""

    server: str = ""
    """URL of a server whose HTTP API the command line uses, such as https://snapline.example.com; unset means that it
    reaches broker, store and cluster itself. `snapline --server` goes before it."""
    server_ca: Path | None = None
    """PEM file of the authorities that may have signed that server's certificate; unset means the well-known ones."""
    token: SecretStr = SecretStr("")
    """Token for that server."""
    tls_certificate: Path | None = None
    """PEM file of the certificate, with its chain, with which `console`, `serve-api` and `serve-events` speak TLS;
    unset means plain HTTP, for a proxy in front. Read when they start."""
    tls_key: Path | None = None
    """PEM file of its key, without a password."""

    console_url: AnyHttpUrl | None = None
    """Where browsers reach the console, such as https://snapline.example.com. With https, its cookies travel over TLS
    alone; and who signs in by single sign-on comes back there."""
    console_proxies: str = ""
    """Comma list of addresses or networks of the proxies in front of the console, which are believed for whom they
    ask (X-Forwarded-For)."""
    oidc_issuer: AnyHttpUrl | None = None
    """OpenID Connect provider that may sign people in to the console; unset means passwords alone."""
    oidc_client_id: str = ""
    """As what the provider knows the console."""
    oidc_client_secret: str = ""
    """Where the secret of that client is: `secret:NAME/KEY` of a Secret in the console's namespace, or `env:VARIABLE`;
    empty for a client that has none."""
    oidc_groups_claim: str = "groups"
    """The claim of the provider's that has the groups of a person."""
    oidc_roles: str = ""
    """Comma list of `GROUP=ROLE`: who is in none of these groups is not let in."""
    oidc_apps: str = ""
    """Comma list of `GROUP=APP`, or `GROUP=*`: the applications of a group; empty means all of them for everybody."""

    webhook_urls: str = ""
    """Comma list of URLs to notify of every final event."""
    webhook_secret: SecretStr = SecretStr("")
    """Key of the HMAC-SHA256 signature of notifications."""

    suspicion: bool = True
    """Whether a backup in which a volume has changed as never before is told to be suspicious: `off` for never. Read by
    the nodes' workers."""

    patience_seconds: float = Field(default=24 * 3600, gt=0)
    """A step that fails for a reason that may pass, as when the object store or the API server is away or credentials
    have expired, is tried again for so many seconds since the first failure."""
    queue_seconds: float = Field(default=6 * 3600, gt=0)
    """A backup or restore waits in line so many seconds for another that it would spoil, before it fails."""
    slice_seconds: float = Field(default=30, gt=0)
    """A slice of copying ends after so many seconds; and so long a message waits for upkeep that goes on beside it."""
    stall_after_seconds: float = Field(default=120, gt=0)
    """The watchdog helps a job that has shown no progress for so many seconds."""
    retention_seconds: float = Field(default=600, gt=0, allow_inf_nan=False)
    """Every so many seconds, each destination is looked at for backups that have expired."""
    undeploy_timeout_seconds: float = Field(default=600, gt=0)
    """A restore waits so many seconds for replaced objects to be gone."""
    ready_timeout_seconds: float = Field(default=300, gt=0)
    """A restore waits so many seconds for workloads to be ready, before it warns."""
    volume_wait_seconds: float = Field(default=3600, gt=0)
    """A restored pod waits so many seconds for its emptyDir data."""
    probe_address: str = Field(default="", pattern=r"^$|^([^:\[\]]+|\[[^\[\]]+\]):[0-9]{1,5}$")
    """Where a worker, the scheduler or the console answers /live, /ready and /metrics, such as 127.0.0.1:9808,
    0.0.0.0:9808 or [::]:9808; empty is off."""

    @field_validator("directory")
    @classmethod
    def _directory_is_absolute(cls, directory: Path | None) -> Path | None:
        if directory is not None and not directory.is_absolute():
            raise ValueError("the path does not begin with a slash")
        return directory

    @model_validator(mode="after")
    def _destination_is_one(self) -> "Settings":
        if self.directory is not None and self.s3_bucket:
            raise ValueError("SNAPLINE_S3_BUCKET and SNAPLINE_DIRECTORY are both set, but one of them is the default")
        return self

    def secrets(self) -> list[str]:
        """The values that must never be printed."""
        fields = (getattr(self, name) for name in type(self).model_fields)
        values = [field.get_secret_value() for field in fields if isinstance(field, SecretStr)]
        password = urlsplit(self.amqp_url.get_secret_value()).password
        return [value for value in (*values, password and unquote(password)) if value]

    @property
    def broker_url(self) -> str:
        """RabbitMQ's URL, with the file of authorities as its own clients have it
        (https://www.rabbitmq.com/docs/uri-query-parameters)."""
        url = self.amqp_url.get_secret_value()
        if self.amqp_ca is None:
            return url
        return f"{url}{'&' if urlsplit(url).query else '?'}cacertfile={quote(str(self.amqp_ca), safe='')}"

    @property
    def slice_length(self) -> timedelta:
        """How long a slice lasts."""
        return timedelta(seconds=self.slice_seconds)


def from_environment(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`. Raises Invalid for a bad value or a misspelt variable, never with the value."""
    given = {name.removeprefix(PREFIX).lower(): value for name, value in environ.items() if name.startswith(PREFIX)}
    unknown = sorted(name for name in given if name not in Settings.model_fields and not name.startswith("e2e_"))
    if unknown:
        variables = ", ".join(PREFIX + name.upper() for name in unknown)
        raise Invalid(f"unknown setting {variables}", code=Code.UNKNOWN_SETTING)
    known = {name: value for name, value in given.items() if name in Settings.model_fields and value != ""}
    try:
        return Settings.model_validate(known)
    except ValidationError as error:
        raise Invalid(f"a setting is wrong ({PREFIX}…): {explain(error)}") from error

"""Whom to notify, of what: one model for each kind of target, with its rule, and the Secret that keeps it.

A target is kept as the Secret `snapline-notification-<name>` in the console's namespace: its addresses hold passwords
and tokens. Each URL in SNAPLINE_WEBHOOK_URLS is a target as well.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, field_validator, model_validator

from schemas import schedule
from schemas.errors import Code, Invalid
from schemas.events import Severity, explain
from schemas.settings import Settings

LABEL = "snapline.dev/notification"
"""Label of the Secrets; its value is the target's name."""
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From the least to the worst."""
EVERYTHING = "*"
_SECRET_PREFIX = "snapline-notification-"  # noqa: S105  # a name
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LISTS = ("events", "apps")


class _Target(BaseModel):
    """What every kind has. News is for it that is of one of the types `events` (as `backup.*`), of one of the
    applications `apps` or of none in particular, and at least so bad as `severity`. With a `digest` (`daily`, `15m`, or
    a cron expression) it is collected, and told all at once when that is due."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    name: str
    events: list[str] = [EVERYTHING]
    apps: list[str] = []
    severity: Severity = "info"
    digest: str = ""
    allow_private: bool = False
    """Whether it may be on this machine or in a private network."""
    from_environment: bool = Field(default=False, exclude=True)

    @field_validator("events")
    @classmethod
    def _some_events_are_wanted(cls, events: list[str]) -> list[str]:
        if not events:
            raise ValueError("a target that wants no events is told nothing; `*` is all")
        if wrong := [each for each in events if not re.fullmatch(r"[a-z0-9_.*?\[\]-]{1,128}", each)]:
            raise ValueError(f"{wrong[0]!r:.80} is no pattern of event types, such as `backup.*`")
        return events

    @field_validator("apps")
    @classmethod
    def _apps_are_slugs(cls, apps: list[str]) -> list[str]:
        if wrong := [each for each in apps if not _NAME.fullmatch(each)]:
            raise ValueError(f"{wrong[0]!r:.80} is no application's slug")
        return apps

    @field_validator("digest")
    @classmethod
    def _digest_is_due_some_time(cls, digest: str) -> str:
        try:
            if digest:
                schedule.next_due(_expression(digest), schedule.EPOCH)
        except Invalid as error:
            raise ValueError(f"{error}; or `daily`, or `15m`") from None
        return digest


class WebhookTarget(_Target):
    """An HTTP server that is told events as they are, signed with `key` (schemas/webhook.py) if there is one."""

    kind: Literal["webhook"] = "webhook"
    url: SecretStr
    key: SecretStr = SecretStr("")

    @field_validator("url")
    @classmethod
    def _url_is_one(cls, url: SecretStr) -> SecretStr:
        return _http(url)

    @property
    def place(self) -> str:
        """Where it is, without what may be secret."""
        return _host(self.url)


class AppriseTarget(_Target):
    """Chat, mail or a pager, as a URL of apprise (https://github.com/caronc/apprise/wiki)."""

    kind: Literal["apprise"] = "apprise"
    url: SecretStr

    @field_validator("url")
    @classmethod
    def _url_has_a_scheme(cls, url: SecretStr) -> SecretStr:
        if not re.match(r"[A-Za-z][A-Za-z0-9]*://.", url.get_secret_value()):
            raise ValueError("the URL is none of apprise's, which begin as `slack://` or `mailto://`")
        return url

    @property
    def place(self) -> str:
        """What it is, without what may be secret."""
        return self.url.get_secret_value().partition("://")[0].lower()


class PingTarget(_Target):
    """A dead man's switch, such as Healthchecks: it raises an alarm itself when no ping comes. Without a `fail_url` or
    `start_url`, failures and beginnings are not told."""

    kind: Literal["ping"] = "ping"
    events: list[str] = ["backup.*"]
    success_url: SecretStr
    fail_url: SecretStr = SecretStr("")
    start_url: SecretStr = SecretStr("")

    @field_validator("success_url", "fail_url", "start_url")
    @classmethod
    def _urls_are_some(cls, url: SecretStr) -> SecretStr:
        return _http(url) if url.get_secret_value() else url

    @model_validator(mode="after")
    def _success_is_told_at_once(self) -> "PingTarget":
        if not self.success_url.get_secret_value():
            raise ValueError("a ping needs the URL for success")
        if self.digest:
            raise ValueError("a ping is told at once, or it says nothing")
        return self

    @property
    def place(self) -> str:
        """Where it is, without what may be secret."""
        return _host(self.success_url)


class KubernetesTarget(_Target):
    """Kubernetes Events on the objects concerned: an application's registration, a destination's Secret, or where there
    is none, the target's own."""

    kind: Literal["kubernetes"] = "kubernetes"

    @model_validator(mode="after")
    def _events_are_single(self) -> "KubernetesTarget":
        if self.digest:
            raise ValueError("Kubernetes collects its Events itself")
        return self

    @property
    def place(self) -> str:
        """Where it is."""
        return "Events"


Target = Annotated[
    WebhookTarget | AppriseTarget | PingTarget | KubernetesTarget,
    Field(discriminator="kind"),
]
"""A target of any kind. Another one is another model here, and its adapter in workers/adapters/notifiers."""
KINDS = tuple(model.model_fields["kind"].default for model in get_args(get_args(Target)[0]))
"""The values that `kind` may have."""
_TARGET: TypeAdapter[Target] = TypeAdapter(Target)


def is_name(name: str) -> bool:
    """Whether a target can have this name."""
    return _NAME.fullmatch(name) is not None


def parse(fields: Mapping[str, Any], where: str = "the target") -> Target:
    """The target that has these fields; `kind` says which they are. Raises Invalid, which says that `where` is wrong,
    without any value that may be secret."""
    name = str(fields.get("name", ""))
    try:
        if not is_name(name):
            raise ValueError("a target's name has up to 63 lower-case letters, digits and inner hyphens")
        if fields.get("kind") not in KINDS:
            raise ValueError(f"kind: it must be one of {', '.join(KINDS)}")
        return _TARGET.validate_python(dict(fields))
    except ValueError as error:
        raise Invalid(f"{where} is wrong: {explain(error)}", code=Code.NOTIFICATION_INVALID, subject=name) from None


def from_settings(settings: Settings) -> list[WebhookTarget]:
    """A target for each URL of the environment. Whoever sets that may name any server, but none that nobody may."""
    urls = [url.strip() for url in settings.webhook_urls.split(",") if url.strip()]
    try:
        return [
            WebhookTarget(
                name=_target_name(url),
                url=SecretStr(url),
                key=settings.webhook_secret,
                allow_private=True,
                from_environment=True,
            )
            for url in urls
        ]
    except ValueError:
        raise Invalid("SNAPLINE_WEBHOOK_URLS: one of them is no http or https URL") from None


def wants(target: Target, type_: str, app: str | None, severity: Severity) -> bool:
    """Whether the target is to be told of an event of that type (`backup.completed.v1`), about that application."""
    versionless = type_.rpartition(".")[0]
    return (
        any(fnmatchcase(type_, pattern) or fnmatchcase(versionless, pattern) for pattern in target.events)
        and (not target.apps or app is None or app in target.apps)
        and SEVERITIES.index(severity) >= SEVERITIES.index(target.severity)
    )


def digest_due(target: Target, now: datetime) -> datetime:
    """When what is collected now is told."""
    return schedule.next_due(_expression(target.digest), now)


def secret_name(name: str) -> str:
    """What the target's Secret is called."""
    return _SECRET_PREFIX + name


def to_secret(target: Target, console_namespace: str) -> dict[str, Any]:
    """The Secret that keeps it: each field under its name."""
    fields = {name: getattr(target, name) for name in type(target).model_fields if name != "name"}
    fields.pop("from_environment")
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": secret_name(target.name),
            "namespace": console_namespace,
            "labels": {LABEL: target.name},
        },
        "data": {name: base64.b64encode(_written(value).encode()).decode() for name, value in fields.items()},
    }


def from_secret(secret: Mapping[str, Any]) -> Target:
    """The target that a Secret keeps, named as the Secret says. Raises Invalid, without any of its data."""
    called = str(secret.get("metadata", {}).get("name", ""))
    name = called.removeprefix(_SECRET_PREFIX)
    try:
        kept = (secret.get("data") or {}).items()
        data: dict[str, Any] = {field: base64.b64decode(value, validate=True).decode() for field, value in kept}
    except (ValueError, TypeError):
        text = f"the Secret {called} is not base64 of UTF-8"
        raise Invalid(text, code=Code.NOTIFICATION_INVALID, subject=name) from None
    lists = {field: _listed(data[field]) for field in _LISTS if field in data}
    return parse(data | lists | {"name": name}, f"the Secret {called}")


def _written(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _expression(digest: str) -> str:
    """A digest's times as a schedule has them."""
    if digest in ("hourly", "daily", "weekly"):
        return f"@{digest}"
    return digest if digest.startswith("@") or " " in digest.strip() else f"@every {digest}"


def _http(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it is no http or https URL")
    _ = parts.port  # raises ValueError for what is none
    return url


def _host(url: SecretStr) -> str:
    parts = urlsplit(url.get_secret_value())
    return f"{parts.scheme}://{parts.hostname}"


def _target_name(url: str) -> str:
    """A receiver's name: its host, and a digest in place of the rest of the URL, which may hold a secret."""
    return f"{urlsplit(url).hostname}#{hashlib.sha256(url.encode()).hexdigest()[:8]}"

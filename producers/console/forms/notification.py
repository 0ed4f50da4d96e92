"""The form of a target of notifications, to what is asked of it."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, SecretStr

from producers.actions.notifications import NO_DIGEST
from producers.console.forms.typed import Ticked
from producers.views.notifying.targets import TargetView
from schemas.events import Severity
from schemas.notification import EVERYTHING

Kind = Literal["webhook", "apprise", "ping", "kubernetes"]
KINDS: Mapping[Kind, str] = {
    "webhook": "Webhook",
    "apprise": "Chat, mail or pager (Apprise)",
    "ping": "Dead man's switch (ping)",
    "kubernetes": "Kubernetes Events",
}
SECRETS: Mapping[Kind, tuple[str, ...]] = {
    "webhook": ("url", "key"),
    "apprise": ("url",),
    "ping": ("success_url", "fail_url", "start_url"),
    "kubernetes": (),
}
"""The fields of each kind that are never shown."""
SECRET_FIELDS = frozenset(field for fields in SECRETS.values() for field in fields)


class NotificationForm(BaseModel):
    """As it is typed. Patterns of events, and slugs of applications, are divided by blanks or commas."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_max_length=4000, hide_input_in_errors=True)

    name: str = ""
    kind: Kind = "webhook"
    events: str = ""
    apps: str = ""
    severity: Severity = "info"
    digest: str = ""
    allow_private: Ticked = False
    url: SecretStr = SecretStr("")
    key: SecretStr = SecretStr("")
    success_url: SecretStr = SecretStr("")
    fail_url: SecretStr = SecretStr("")
    start_url: SecretStr = SecretStr("")

    def given(self) -> dict[str, Any]:
        """What `actions.notifications.put` is asked for; a secret that is left empty stays."""
        secrets = {name: getattr(self, name).get_secret_value().strip() for name in SECRETS[self.kind]}
        usual = ["backup.*"] if self.kind == "ping" else [EVERYTHING]
        return {
            "events": _words(self.events) or usual,
            "apps": _words(self.apps),
            "severity": self.severity,
            "digest": self.digest or NO_DIGEST,
            "allow_private": self.allow_private,
            **secrets,
        }


def shown(target: TargetView) -> dict[str, str]:
    """What the form shows of a target: no address, as there may be secrets in it."""
    return {
        "name": target.name,
        "kind": target.kind,
        "events": " ".join(target.events),
        "apps": " ".join(target.apps),
        "severity": target.severity,
        "digest": target.digest,
        "allow_private": "on" if target.allow_private else "",
    }


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()

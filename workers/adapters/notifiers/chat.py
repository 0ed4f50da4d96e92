"""Tells chat, mail and pagers, by apprise. The only importer of apprise.

Apprise has more than a hundred services, of which some read files of this machine, run its programs, or speak to
whatever host a URL names. So only those can be used that are named here, without what makes apprise read files;
redirects are not followed. Where the URL names the server itself, its address is looked at beforehand (`addresses`);
apprise asks for the address again when it connects, so for these a name server that lies gets past this look.
"""

import re
from typing import Any
from urllib.parse import parse_qsl

from schemas.errors import Code, Invalid, SnaplineError, TransientError
from schemas.messages import told
from schemas.news import News
from schemas.notification import AppriseTarget
from workers.adapters.notifiers import addresses
from workers.ports import Answer

SERVICES = frozenset(
    [
        "brevo",
        "discord",
        "gchat",
        "ilert",
        "incidentio",
        "mailgun",
        "opsgenie",
        "pagerduty",
        "pagertree",
        "pbul",
        "postmark",
        "pover",
        "sendgrid",
        "signl4",
        "slack",
        "spike",
        "splunk",
        "squadcast",
        "tgram",
        "twilio",
        "victorops",
        "webex",
        "wxteams",
    ]
)
"""Those whose servers are always the same."""
SERVERS = frozenset(
    [
        "form",
        "forms",
        "goalert",
        "goalerts",
        "gotify",
        "gotifys",
        "json",
        "jsons",
        "mailto",
        "mailtos",
        "mmost",
        "mmosts",
        "ntfy",
        "ntfys",
        "rocket",
        "rockets",
        "workflow",
        "workflows",
        "xml",
        "xmls",
    ]
)
"""Those whose URL names the server."""
NOT_ALLOWED = frozenset({"attach", "pgp", "pgpkey", "redirect", "template"})
"""Parameters that have apprise read files and other URLs."""


def send(target: AppriseTarget, news: News) -> Answer:
    """Tells it; what became of that. Apprise does not say why a server has not taken it."""
    try:
        service = _service(target)
    except TransientError as error:
        return Answer("busy", told(error))
    except SnaplineError as error:
        return Answer("refused", told(error))
    kind = {"info": "info", "warning": "warning", "error": "failure"}[news.severity]
    try:
        taken = service.notify(title=news.title, body=news.text, notify_type=kind)
    except Exception as error:
        # Whatever a service's code may raise; its text may hold the URL.
        return Answer("busy", told(TransientError(f"could not notify {target.place}: {type(error).__name__}")))
    if taken:
        return Answer("delivered")
    return Answer("busy", told(TransientError(f"could not notify {target.place}: it was not taken")))


def check(target: AppriseTarget) -> None:
    """Raises Invalid for a URL that is not used. The server's address is looked at when something is sent."""
    _instance(target)


def _service(target: AppriseTarget) -> Any:
    """What apprise has for the URL, when its server may be spoken to."""
    service = _instance(target)
    for host in _hosts(service, target.place):
        addresses.allowed(host, getattr(service, "port", None) or 443, target.allow_private)
    return service


def _instance(target: AppriseTarget) -> Any:
    url = target.url.get_secret_value()
    if target.place not in SERVICES | SERVERS:
        raise _invalid(f"{target.place!r:.40} is none of the services of apprise that are used here")
    given = {name.strip().lower() for name, _ in parse_qsl(re.sub(r"^[^?]*\??", "", url), keep_blank_values=True)}
    if wrong := sorted(given & NOT_ALLOWED):
        raise _invalid(f"the parameter {wrong[0]!r} of an apprise URL is not allowed")
    import apprise  # a fifth of a second

    asset = apprise.AppriseAsset(
        app_id="Snapline",
        async_mode=False,
        http_redirects=False,
        secure_logging=True,
        allow_templates=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )
    found = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if found is None:
        raise _invalid(f"apprise cannot read this URL of {target.place}")
    if found.redirects or getattr(found, "template", None) or getattr(found, "pgp_mode", "no") != "no":
        raise _invalid(f"this URL of {target.place} asks for more than is allowed")
    return found


def _hosts(service: Any, scheme: str) -> list[str]:
    """The servers that the URL itself names."""
    if scheme not in SERVERS or (scheme.startswith("ntfy") and str(service.mode) == "cloud"):
        return []
    mail = getattr(service, "smtp_host", "")
    return [mail or service.host]


def _invalid(text: str) -> Invalid:
    return Invalid(text, code=Code.NOTIFICATION_INVALID)

"""Which provider may sign people in, and what its groups may do here: read from the settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from producers.access.identity import Role
from producers.access.users import ALL, checked_role, granted
from schemas import secret_references
from schemas.errors import Invalid
from schemas.settings import PREFIX, Settings

BACK = "/sign-in/single/back"


@dataclass(frozen=True)
class Provider:
    """`back` is the URL where browsers come back to. `roles` and `apps` are by group; without any `apps` everybody has
    all of them."""

    issuer: str
    client_id: str
    client_secret: SecretStr
    back: str
    groups_claim: str
    roles: tuple[tuple[str, Role], ...]
    apps: tuple[tuple[str, frozenset[str] | None], ...]


def provider(
    settings: Settings, read_secret: Callable[[str], Mapping[str, Any]], environ: Mapping[str, str]
) -> Provider | None:
    """None where the settings name none. Raises Invalid for what is missing or wrong, and as `read_secret`."""
    if settings.oidc_issuer is None:
        return None
    if settings.console_url is None or not settings.oidc_client_id or not settings.oidc_roles:
        raise Invalid(f"with {PREFIX}OIDC_ISSUER, {_names('console_url', 'oidc_client_id', 'oidc_roles')} are needed")
    return Provider(
        issuer=str(settings.oidc_issuer).rstrip("/"),
        client_id=settings.oidc_client_id,
        client_secret=SecretStr(_secret(settings, read_secret, environ)),
        back=str(settings.console_url).rstrip("/") + BACK,
        groups_claim=settings.oidc_groups_claim,
        roles=tuple((group, checked_role(role)) for group, role in _pairs(settings.oidc_roles, "oidc_roles")),
        apps=tuple((group, granted(app)) for group, app in _pairs(settings.oidc_apps, "oidc_apps")),
    )


def rights_of(provider: Provider, groups: set[str]) -> tuple[set[Role], frozenset[str] | None]:
    """The roles of these groups, and the applications; None for all of them."""
    roles = {role for group, role in provider.roles if group in groups}
    if not provider.apps:
        return roles, None
    apps = [app for group, app in provider.apps if group in groups]
    every = any(app is None for app in apps)
    return roles, None if every else frozenset().union(*(app for app in apps if app is not None))


def _secret(settings: Settings, read_secret: Callable[[str], Mapping[str, Any]], environ: Mapping[str, str]) -> str:
    if not settings.oidc_client_secret:
        return ""
    try:
        reference = secret_references.parse(settings.oidc_client_secret)
    except ValueError as error:
        raise Invalid(f"{_names('oidc_client_secret')}: {error}") from None
    return secret_references.value(reference, "secret of the identity provider's client", read_secret, environ)


def _pairs(text: str, setting: str) -> list[tuple[str, str]]:
    """`GROUP=WORD,...`; a group may have `=` in it, as those of LDAP do."""
    pairs = [each.strip().rpartition("=") for each in text.split(",") if each.strip()]
    if any(not group.strip() or not word.strip() for group, _, word in pairs):
        raise Invalid(f"{_names(setting)} is a comma list of GROUP=WORD, where WORD may be {ALL} for applications")
    return [(group.strip(), word.strip()) for group, _, word in pairs]


def _names(*settings: str) -> str:
    return ", ".join(PREFIX + name.upper() for name in settings)

"""Who asks, and what that one may do: by a role, and by the applications that are granted."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from schemas.errors import Code, Denied

Role = Literal["cluster-admin", "operator", "support"]
Permission = Literal[
    "view",
    "take",
    "restore",
    "delete",
    "cancel",
    "configure",
    "reveal",
    "download",
    "dead-letters",
    "administer",
]
ROLES: tuple[Role, ...] = get_args(Role)
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)

GIVEN: dict[Role, frozenset[Permission]] = {
    "cluster-admin": frozenset(PERMISSIONS),
    "operator": frozenset({"view", "take", "restore", "delete", "cancel", "download", "dead-letters"}),
    "support": frozenset({"view"}),
}
"""What each role may. Secrets and the contents of files are not for support; who configures can make the console speak
to other servers, and who reveals sees secrets: both are for administrators alone."""

DEEDS: dict[Permission, str] = {
    "view": "see",
    "take": "take backups of",
    "restore": "restore",
    "delete": "delete backups of",
    "cancel": "cancel jobs of",
    "configure": "change the settings of",
    "reveal": "see secrets of",
    "download": "download files of",
    "dead-letters": "redrive or drop dead letters of",
    "administer": "manage the users and tokens of",
}
"""Each permission as words, before the name of an application."""


@dataclass(frozen=True)
class Identity:
    """A user, or the holder of a token. `apps` are the slugs of the granted applications, None for all of them, and
    for what concerns all. A token may be limited to some of what its role gives: `only`, None for no limit."""

    name: str
    role: Role
    apps: frozenset[str] | None = None
    only: frozenset[Permission] | None = None


def may(identity: Identity, permission: Permission, app: str | None = None) -> bool:
    """Whether that is allowed for the application `app`; None is what concerns all of them, such as a full backup or
    the settings, which nobody may to whom only some applications are granted."""
    return may_some(identity, permission) and (identity.apps is None or (app is not None and app in identity.apps))


def may_some(identity: Identity, permission: Permission) -> bool:
    """Whether that is allowed for any application at all."""
    limited = identity.only is not None and permission not in identity.only
    return permission in GIVEN[identity.role] and not limited


def may_all(identity: Identity, permission: Permission, apps: Iterable[str]) -> bool:
    """Whether that is allowed for each of `apps`, such as those in a backup. For none at all it is as for all of them:
    of what is in nobody's name, nobody with grants has a part."""
    named = list(apps)
    return all(may(identity, permission, app) for app in named) if named else may(identity, permission)


def visible(identity: Identity, apps: Iterable[str]) -> list[str]:
    """Those of `apps` that the identity may see, in their order."""
    return [app for app in apps if may(identity, "view", app)]


def require(identity: Identity, permission: Permission, app: str | None = None) -> None:
    """Raises Denied (`NotPermitted`) for what is not allowed."""
    if not may(identity, permission, app):
        raise not_permitted(identity, permission, app)


def not_permitted(identity: Identity, permission: Permission, app: str | None = None) -> Denied:
    """The refusal, for people."""
    what = f"{DEEDS[permission]} {app or 'all applications and the console'}"
    text = f"{identity.name} is signed in as {identity.role}, and may not {what}"
    return Denied(text, code=Code.NOT_PERMITTED, subject=app or "")

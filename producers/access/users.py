"""The users of the console, each kept as a Secret: its role, the applications that are granted, and the hash of its
password."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from producers.access import kept, passwords
from producers.access.identity import ROLES, Identity, Role, may
from producers.session import Session
from producers.views.unreadable import Unreadable
from schemas.errors import AlreadyExists, Code, Invalid, NotFound
from schemas.kubernetes import NAMESPACES, SECRETS, Object
from schemas.messages import told

ADMIN = "admin"
"""Whom a password alone signs in, and who is made at the first start."""
LABEL = "snapline.dev/console-user"
"""Marks the Secret of a user; the value is the name."""
NAME_PREFIX = "snapline-console-user-"
ALL = "*"
"""In place of slugs: all applications, and what concerns all of them."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")
_SLUG = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")


@dataclass(frozen=True)
class User:
    """Who may sign in. `change`: the password is for once, and has to be changed before anything else. `apps` as in
    `Identity`."""

    name: str
    role: Role
    apps: frozenset[str] | None
    password_hash: str
    change: bool = False

    @property
    def identity(self) -> Identity:
        """What the user may do."""
        return Identity(self.name, self.role, self.apps)

    @property
    def stamp(self) -> str:
        """Another one as soon as the password is another one, so that sessions end with it. Tells nothing of it."""
        return hashlib.sha256(self.password_hash.encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"User({self.name!r}, {self.role!r})"


def checked_name(name: str) -> str:
    """The name itself. Raises Invalid for one that nobody can have."""
    if not _NAME.fullmatch(name):
        raise Invalid(f"{name!r:.80} is no name for a user or token: use a-z, 0-9 and -, 40 at most", subject=name)
    return name


def checked_role(role: str) -> Role:
    """The role of that name. Raises Invalid."""
    for known in ROLES:
        if known == role:
            return known
    raise Invalid(f"{role!r:.80} is no role; there are {', '.join(ROLES)}", subject=role)


def granted(text: str) -> frozenset[str] | None:
    """The applications in a comma list, None for `*`. Raises Invalid for what is no slug."""
    named = frozenset(each.strip() for each in text.split(",") if each.strip())
    if ALL in named:
        return None
    for slug in sorted(named):
        if not _SLUG.fullmatch(slug):
            raise Invalid(f"{slug!r:.80} is no application's slug", subject=slug)
    return named


def listed(apps: frozenset[str] | None) -> str:
    """The inverse of `granted`."""
    return ALL if apps is None else ",".join(sorted(apps))


def users(session: Session) -> list[User | Unreadable]:
    """All of them, by name. Raises as the cluster."""
    return sorted(_all(session), key=lambda each: each.name)


def user(session: Session, name: str) -> User | None:
    """Who has that name; None for nobody, and for a Secret that cannot be read. Raises as the cluster."""
    if not _NAME.fullmatch(name):
        return None
    obj = kept.read(session.cluster, session.settings.console_namespace, NAME_PREFIX + name)
    if obj is None:
        return None
    try:
        return from_secret(obj)
    except Invalid:
        return None


def put(session: Session, user: User) -> None:
    """Stores a user, in place of one of the same name. Raises Invalid where nobody would be left who may administer,
    and as the cluster."""
    if not may(user.identity, "administer"):
        _somebody_else_administers(session, user.name)
    namespace = session.settings.console_namespace
    kept.write(session.cluster, namespace, NAME_PREFIX + user.name, {LABEL: user.name}, _texts(user))


def create(session: Session, user: User) -> bool:
    """Stores a user, unless there is one of the name. Whether this was done. Raises as the cluster."""
    namespace = session.settings.console_namespace
    made = kept.secret(namespace, NAME_PREFIX + user.name, {LABEL: user.name}, _texts(user))
    try:
        try:
            session.cluster.create(SECRETS, made)
        except NotFound:
            session.cluster.create(
                NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
            )
            session.cluster.create(SECRETS, made)
    except AlreadyExists:
        return False
    return True


def remove(session: Session, name: str) -> None:
    """The user cannot sign in any more. Raises NotFound, Invalid where nobody would be left who may administer, and as
    the cluster."""
    namespace = session.settings.console_namespace
    if not _NAME.fullmatch(name) or kept.read(session.cluster, namespace, NAME_PREFIX + name) is None:
        raise no_such(name)
    _somebody_else_administers(session, name)
    session.cluster.delete(SECRETS, namespace, NAME_PREFIX + name)


def no_such(name: str) -> NotFound:
    """What is said of a name that nobody has."""
    return NotFound(f"there is no user {name!r:.80}", code=Code.NO_SUCH_USER, subject=name)


def from_secret(obj: Object) -> User:
    """Who is kept in a Secret. Raises Invalid, without any of its data."""
    name = str(obj["metadata"]["name"])
    try:
        texts = kept.texts_of(obj)
        return User(
            name=checked_name(name.removeprefix(NAME_PREFIX)),
            role=checked_role(texts.get("role", "cluster-admin")),
            apps=granted(texts.get("apps", ALL)),
            password_hash=passwords.check_hash(texts["password-hash"].strip()),
            change=texts.get("change") == "true",
        )
    except (KeyError, ValueError, Invalid):
        text = f"the Secret {name!r:.300} keeps no user that can be read; delete it, and make the user anew"
        raise Invalid(text, subject=name) from None


def _texts(user: User) -> dict[str, str]:
    return {
        "role": user.role,
        "apps": listed(user.apps),
        "password-hash": user.password_hash,
        "change": "true" if user.change else "false",
    }


def _all(session: Session) -> Iterator[User | Unreadable]:
    for obj in kept.labelled(session.cluster, session.settings.console_namespace, LABEL):
        try:
            yield from_secret(obj)
        except Invalid as error:
            yield Unreadable(obj["metadata"]["name"], told(error))


def _somebody_else_administers(session: Session, name: str) -> None:
    """Raises Invalid if there is a user `name` who is the last one that may."""
    known = [each for each in users(session) if isinstance(each, User) and may(each.identity, "administer")]
    if [each.name for each in known] == [name]:
        text = f"{name} is the last user who may manage users and tokens; make another cluster-admin first"
        raise Invalid(text, subject=name)

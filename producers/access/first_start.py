"""The first start: where there is no user yet, one is made whose password is for once, and shown once."""

from producers.access import passwords, users
from producers.access.passwords import Passwords
from producers.access.users import ADMIN, User
from producers.session import Session


def one_time_password(session: Session, hashed: Passwords) -> str | None:
    """Makes `admin`, if there is no user at all; then its password, which is shown to whoever starts the console and
    kept nowhere. None if there is somebody already, or another console has just made one. Raises as the cluster."""
    if users.users(session):
        return None
    password = passwords.one_time()
    made = User(ADMIN, "cluster-admin", None, hashed.hash(password), change=True)
    return password if users.create(session, made) else None

"""What the registered applications are called; their licenses, which take long to judge, are let alone."""

from dataclasses import dataclass

from producers.session import Session
from schemas import application as schemas
from schemas.errors import Invalid
from schemas.kubernetes import SECRETS


@dataclass(frozen=True)
class AppName:
    """One application, for people and in addresses."""

    slug: str
    name: str


def app_names(session: Session) -> list[AppName]:
    """Those that can be read, by name. Raises Invalid, and as the cluster."""
    found = []
    for secret in session.cluster.list(SECRETS, session.settings.console_namespace, schemas.LABEL):
        try:
            registered = schemas.from_secret(secret)
            found.append(AppName(registered.slug, registered.name))
        except Invalid:
            continue  # where applications are listed, it is said which cannot be read
    return sorted(found, key=lambda each: (each.name.casefold(), each.slug))

"""The applications that a job concerns, read from their Secrets in the console's namespace."""

from schemas import application
from schemas.application import Application
from schemas.errors import Code, Invalid
from schemas.kubernetes import SECRETS
from workers.ports import Cluster


def registered(cluster: Cluster, console_namespace: str) -> list[Application]:
    """All of them, by slug. Raises Invalid for a registration that cannot be read."""
    found = cluster.list(SECRETS, console_namespace, application.LABEL)
    return sorted((application.from_secret(secret) for secret in found), key=lambda app: app.slug)


def concerned(apps: list[Application], slug: str | None) -> list[Application]:
    """Those that a request concerns: the one called `slug`, or all. Raises Invalid if there is no such one."""
    if slug is None:
        return apps
    chosen = [app for app in apps if app.slug == slug]
    if not chosen:
        known = ", ".join(app.slug for app in apps) or "none"
        raise Invalid(
            f"there is no application {slug!r}; registered are: {known}", code=Code.NO_SUCH_APPLICATION, subject=slug
        )
    return chosen

"""The addresses of registrations."""

from urllib.parse import quote

APPS, NEW = "/apps", "/apps/new"
OF_ONE = "/app/{slug}/registration"


def of_one(slug: str) -> str:
    """The registration of one application."""
    return f"/app/{quote(slug, safe='')}/registration"

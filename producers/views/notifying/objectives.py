"""How old the last good backups of applications may be."""

from datetime import timedelta

from producers.session import Session
from schemas import objectives as schemas
from schemas.errors import NotFound
from schemas.kubernetes import CONFIG_MAPS


def objectives(session: Session) -> dict[str, timedelta]:
    """Slug -> objective, of all applications that have one. Raises Invalid, and as the cluster."""
    try:
        found = session.cluster.get(CONFIG_MAPS, session.settings.console_namespace, schemas.NAME)
    except NotFound:
        return {}
    return schemas.from_config_map(found)

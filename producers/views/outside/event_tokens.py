"""The tokens of systems that speak only HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass

from producers.session import Session
from producers.views.unreadable import Unreadable
from schemas import event_token
from schemas.errors import Invalid
from schemas.event_token import EventToken
from schemas.kubernetes import SECRETS
from schemas.messages import told
from workers.ports import Cluster


@dataclass(frozen=True)
class EventTokenView:
    """What a token may ask for; nobody can see the token itself."""

    name: str
    types: list[str]


def event_tokens(session: Session) -> list[EventTokenView | Unreadable]:
    """All of them, by name. Raises as the cluster."""
    found = sorted(read(session.cluster, session.settings.console_namespace), key=lambda each: each.name)
    return [each if isinstance(each, Unreadable) else EventTokenView(each.name, each.types) for each in found]


def read(cluster: Cluster, console_namespace: str) -> Iterator[EventToken | Unreadable]:
    """All that the console's namespace keeps."""
    for obj in cluster.list(SECRETS, console_namespace, event_token.LABEL):
        try:
            yield event_token.from_secret(obj)
        except Invalid as error:
            yield Unreadable(obj["metadata"]["name"], told(error))

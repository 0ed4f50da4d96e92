"""The rules of each scope."""

from dataclasses import dataclass

from producers.session import Session
from schemas.messages import Message
from schemas.retention import Rules
from workers.retention import rules as stored


@dataclass(frozen=True)
class RulesView:
    """The rules of a scope; None if they cannot be read, and the `problem` is why. Then nothing of it goes."""

    scope: str
    rules: Rules | None
    problem: Message | None = None


def rules(session: Session) -> list[RulesView]:
    """Those of all scopes that have any, by scope. Raises as the cluster."""
    known = stored.read(session.cluster, session.settings.console_namespace)
    found = [RulesView(scope, each) for scope, each in known.rules.items()]
    found += [RulesView(scope, None, problem) for scope, problem in known.unreadable.items()]
    return sorted(found, key=lambda view: view.scope)

"""What RabbitMQ's management lists, beside what is to be there: pure comparisons."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from schemas import broker_accounts, broker_definitions
from schemas.broker_queues import EXCHANGES, Declared
from schemas.services import services
from schemas.topology import DEAD_LETTERS, EVENTS, TOLD, WORK

State = Literal["missing", "different", "left over"]
Thing = Mapping[str, Any]
STAND_IN = "snapline.moving."
"""What the name of a queue begins with that stands in for another, while that is replaced."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it is to be. `waiting` are the messages in a queue, if it is known."""

    kind: str
    name: str
    state: State
    text: str = ""
    waiting: int | None = None


def left_over(queues: Iterable[Thing], wanted: set[str]) -> list[str]:
    """Queues that a step has had, by their arguments or name, and that nobody wants now."""

    def is_ours(queue: Thing) -> bool:
        name = str(queue["name"])
        dies = (queue.get("arguments") or {}).get("x-dead-letter-exchange") == WORK
        return dies or name.endswith(DEAD_LETTERS) or name.startswith(STAND_IN)

    return sorted(str(each["name"]) for each in queues if each["name"] not in wanted and is_ours(each))


def bindings(found: Iterable[Thing], wanted: Iterable[Declared]) -> list[tuple[Difference, Thing]]:
    """Those of our queues and exchanges that are missing, or are there and not wanted."""
    ours = list(wanted)
    to_be = {(source, each.name, "queue", key) for each in ours for source, key in each.bindings}
    to_be.add((TOLD, EVENTS, "exchange", "#"))
    names = {each.name for each in ours} | set(EXCHANGES)
    there = {_binding(each): each for each in found if each["source"] in EXCHANGES and each["destination"] in names}
    missing = [(_told(each, "missing"), _thing(each)) for each in sorted(to_be - there.keys())]
    return [*missing, *((_told(each, "left over"), there[each]) for each in sorted(there.keys() - to_be))]


def policies(found: Iterable[Thing], vhost: str) -> list[tuple[Difference, Thing]]:
    """Those that are missing or different, and those of ours that are not wanted any more."""
    there = {each["name"]: each for each in found}
    wanted = {each["name"]: each for each in broker_definitions.policies(vhost)}
    told = [(name, "different" if name in there else "missing", each) for name, each in wanted.items()]
    old = [(name, "left over", each) for name, each in there.items() if name.startswith("snapline.")]
    changed = [each for each in told if each[0] not in there or not _equal(there[each[0]], each[2])]
    surplus = [each for each in old if each[0] not in wanted]
    return [(Difference("policy", name, state), each) for name, state, each in [*changed, *surplus]]  # type: ignore[arg-type]


def permissions(
    found: Iterable[Thing], topics: Iterable[Thing], vhost: str, nodes: tuple[str, ...]
) -> list[Difference]:
    """Of the services' users that are there: rights that they lack, or have beyond their service's."""
    made = broker_accounts.rights(vhost, nodes, any_node=True)
    there = {each["user"]: each for each in found}
    on = {(each["user"], each["exchange"]): each for each in topics}
    users = {name for name in services(nodes, any_node=True) if name in there}
    whole = [(each["user"], each, there[each["user"]]) for each in made["permissions"] if each["user"] in users]
    some = [
        (f"{each['user']} on {each['exchange']}", each, on.get((each["user"], each["exchange"]), {}))
        for each in made["topic_permissions"]
        if each["user"] in users
    ]
    return [
        Difference(kind, name, "different")
        for kind, rights in (("permission", whole), ("topic permission", some))
        for name, wanted, has in rights
        if not _same(wanted, has)
    ]


def _same(wanted: Thing, there: Thing) -> bool:
    return all(there.get(name) == wanted[name] for name in ("configure", "write", "read") if name in wanted)


def _equal(there: Thing, wanted: Thing) -> bool:
    return all(there.get(name) == wanted[name] for name in ("pattern", "apply-to", "definition", "priority"))


def _binding(thing: Thing) -> tuple[str, str, str, str]:
    return (thing["source"], thing["destination"], thing["destination_type"], thing["routing_key"])


def _thing(binding: tuple[str, str, str, str]) -> Thing:
    return dict(zip(("source", "destination", "destination_type", "routing_key"), binding, strict=True))


def _told(binding: tuple[str, str, str, str], state: State) -> Difference:
    source, destination, _, key = binding
    return Difference("binding", f"{source} to {destination} by {key}", state)

"""A ServiceAccount for each service of the line, with the least rights that its work needs.

Backing up any kind of object needs to read any kind, and restoring needs to create it: `manifest.capture` reads
everything, Secrets included, as does the console, which shows what a restore would change; and `restore.*` are as good
as administrators. "get" on everything is also "get" on pods/exec.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from producers.installing.objects import made
from producers.installing.options import Options
from schemas.kubernetes import Object
from schemas.services import CONSOLE, POST_EVENTS, SCHEDULER, TELLS, UPGRADES

NODES = "volumes"
"""The account of the workers of all nodes: their rights are the same."""
BROKER = "rabbitmq"
"""The account of RabbitMQ's pod, for the container that makes the accounts on the broker."""
GROUP = "rbac.authorization.k8s.io"
Rule = dict[str, list[str]]


@dataclass(frozen=True)
class Grant:
    """A role, and who has it: in the console's namespace, or in all that may be backed up. `cluster` is about objects
    without a namespace only, so there is nothing of it where rights end at namespaces."""

    name: str
    where: Literal["console", "everywhere", "cluster"]
    why: str
    rules: tuple[Rule, ...]
    to: tuple[str, ...]


def _rule(groups: list[str], resources: list[str], verbs: list[str], names: list[str] | None = None) -> Rule:
    named = {"resourceNames": names} if names else {}
    return {"apiGroups": groups, "resources": resources, **named, "verbs": verbs}


_BIND = _rule([GROUP], ["roles", "clusterroles"], ["bind", "escalate"])
_LOOK = ["get", "list"]
GRANTS: tuple[Grant, ...] = (
    Grant(
        "snapline.destinations",
        "console",
        "Destinations, their credentials and passphrases, applications and schedules. Whoever may read these can read "
        "every backup.",
        (
            _rule([""], ["secrets"], _LOOK),
            _rule([""], ["configmaps"], ["get"], ["snapline-destinations"]),
        ),
        (
            "license.gate",
            "manifest.capture",
            NODES,
            "backup.finalize",
            "restore.prepare",
            "restore.apply",
            "restore.finalize",
            "notify",
            "repository.maintain",
            "watchdog",
            "retention",
            "alarms",
            SCHEDULER,
            UPGRADES,
        ),
    ),
    Grant(
        "snapline.event-tokens",
        "console",
        "Tokens of systems that ask over HTTP.",
        (_rule([""], ["secrets"], _LOOK),),
        (POST_EVENTS,),
    ),
    Grant(
        "snapline.console",
        "console",
        "What is set up on the console's pages: destinations, applications, schedules, retention, notifications, "
        "tokens and passwords. It reads them as it does all the rest.",
        (_rule([""], ["secrets", "configmaps"], ["create", "patch", "delete"]),),
        (CONSOLE,),
    ),
    Grant(
        "snapline.schedules",
        "console",
        "Schedules and retention.",
        (_rule([""], ["configmaps"], _LOOK),),
        ("license.gate", "retention", "alarms", SCHEDULER),
    ),
    Grant(
        "snapline.notifications",
        "console",
        "Kubernetes Events, for whom notifications go there.",
        (_rule([""], ["events"], ["create"]),),
        ("notify",),
    ),
    Grant(
        "snapline.alarms",
        "console",
        'What is remembered of alarms, also when no store can be reached. "create" cannot be limited to a name.',
        (
            _rule([""], ["configmaps"], ["create"]),
            _rule([""], ["configmaps"], ["patch"], ["snapline-alarms"]),
        ),
        ("alarms",),
    ),
    Grant(
        "snapline.upgrades",
        "everywhere",
        "Sees upgrades of workloads, and lets Deployments go on whose rollouts it holds.",
        (
            _rule(["apps"], ["deployments", "statefulsets", "daemonsets"], _LOOK),
            _rule(["apps"], ["deployments"], ["patch"]),
            _rule([""], ["configmaps"], _LOOK),
        ),
        (UPGRADES,),
    ),
    Grant(
        "snapline.looking",
        "everywhere",
        "The console shows what nothing backs up, and what a restore would change.",
        (_rule(["*"], ["*"], _LOOK),),
        (CONSOLE,),
    ),
    Grant(
        "snapline.covering",
        "everywhere",
        "The console includes what nothing backs up, or leaves it out for good, by labels and annotations. Who may "
        "change workloads can run anything in the cluster: leave this and its binding out to label them by hand "
        "instead; the console then says that it is denied.",
        (
            _rule(
                [""],
                ["namespaces", "pods", "persistentvolumeclaims", "configmaps", "secrets", "services"],
                ["patch"],
            ),
            _rule(["apps"], ["deployments", "statefulsets", "daemonsets", "replicasets"], ["patch"]),
            _rule(["networking.k8s.io"], ["ingresses", "networkpolicies"], ["patch"]),
        ),
        (CONSOLE,),
    ),
    Grant(
        "snapline.hooks",
        "everywhere",
        "Hooks, around the copy of a pod's volumes and after a backup that has failed.",
        (
            _rule([""], ["pods"], ["get"]),
            _rule([""], ["pods/exec"], ["get", "create"]),
        ),
        (NODES, "backup.finalize"),
    ),
    Grant(
        "snapline.capture",
        "everywhere",
        "Captures objects; holds claims with pods of its own for a safety snapshot.",
        (
            _rule(["*"], ["*"], _LOOK),
            _rule([""], ["pods"], ["create"]),
        ),
        ("manifest.capture",),
    ),
    Grant(
        "snapline.prepare",
        "everywhere",
        "Deletes what a restore replaces, and puts it back if it cannot go on.",
        (_rule(["*"], ["*"], [*_LOOK, "create", "patch", "delete"]), _BIND),
        ("restore.prepare",),
    ),
    Grant(
        "snapline.apply",
        "everywhere",
        "Creates what is restored, and the pods that mount its volumes. Runs no hooks, but asks a pod that waits "
        "whether it does.",
        (
            _rule(["*"], ["*"], [*_LOOK, "create", "patch"]),
            _rule([""], ["pods"], ["delete"]),
            _BIND,
        ),
        ("restore.apply", "restore.finalize"),
    ),
    Grant(
        "snapline.tests",
        "cluster",
        "Removes the namespaces of test restores, which it tells from others by their label.",
        (_rule([""], ["namespaces"], ["delete"]),),
        ("restore.finalize",),
    ),
)


def accounts() -> list[str]:
    """The names of the services' ServiceAccounts."""
    return [*TELLS, NODES]


def home(account: str, options: Options) -> str:
    """The namespace of an account."""
    return options.nodes_namespace if account == NODES else options.namespace


def accounts_and_settings_rights(options: Options) -> list[Object]:
    """The accounts, and what they may do with settings in the console's namespace."""
    mine = [made("v1", "ServiceAccount", name, home(name, options)) for name in accounts()]
    return [*mine, *(obj for grant in GRANTS if grant.where == "console" for obj in _of(grant, options))]


def object_rights(options: Options) -> list[Object]:
    """What they may do with objects that are backed up and restored."""
    return [obj for grant in GRANTS if grant.where != "console" for obj in _of(grant, options)]


def tokens(options: Options) -> list[Object]:
    """Tokens that do not expire, for workers outside of the cluster."""
    return [_token(name, home(name, options)) for name in accounts()]


def _of(grant: Grant, options: Options) -> Iterator[Object]:
    for place in _places(grant, options):
        yield from _granted(grant, place, options)


def _places(grant: Grant, options: Options) -> Iterator[str]:
    """The namespaces of its roles; "" is the cluster."""
    if grant.where == "console":
        yield options.console_namespace
    elif not options.is_minimal:
        yield ""
    elif grant.where == "everywhere":
        yield from dict.fromkeys((options.console_namespace, *options.namespaces))


def _granted(grant: Grant, place: str, options: Options) -> Iterator[Object]:
    scope = "" if place else "Cluster"
    api = f"{GROUP}/v1"
    yield made(api, f"{scope}Role", grant.name, place, why=grant.why, rules=[dict(rule) for rule in grant.rules])
    subjects: list[dict[str, Any]] = [
        {"kind": "ServiceAccount", "name": name, "namespace": home(name, options)} for name in grant.to
    ]
    of = {"apiGroup": GROUP, "kind": f"{scope}Role", "name": grant.name}
    yield made(api, f"{scope}RoleBinding", grant.name, place, roleRef=of, subjects=subjects)


def _token(account: str, namespace: str) -> Object:
    secret = made("v1", "Secret", f"{account}.token", namespace, type="kubernetes.io/service-account-token")
    secret["metadata"]["annotations"] = {"kubernetes.io/service-account.name": account}
    return secret

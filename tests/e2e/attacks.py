"""What somebody tries who has stolen a service's token, and whose work it is: nobody else gets further than the door.

Nothing is really done: the API server decides who may before it looks at `dryRun`.
"""

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from schemas.services import ANY_NODE, CONSOLE, POST_EVENTS, SCHEDULER, UPGRADES

APP = "accounts"
"""The namespace of an application that somebody attacks, with a StatefulSet, a pod and a Secret called `db`."""
CORE, APPS, RBAC = "/api/v1/namespaces", "/apis/apps/v1/namespaces", "/apis/rbac.authorization.k8s.io/v1"
NETWORK = "/apis/networking.k8s.io/v1/namespaces"
RESTORES = frozenset({"restore.prepare", "restore.apply", "restore.finalize"})
"""As good as administrators: what they restore may be anything."""
READERS = RESTORES | {"manifest.capture", CONSOLE}
"""Those who read everything."""
SETTINGS = READERS | {
    "license.gate",
    "backup.finalize",
    "notify",
    "repository.maintain",
    "watchdog",
    "retention",
    "alarms",
    SCHEDULER,
    UPGRADES,
    ANY_NODE,
}
"""Those who open destinations."""
MANY = READERS | {"license.gate", "retention", "alarms", SCHEDULER, UPGRADES}
HOOKS = {"backup.finalize", ANY_NODE}
Json = dict[str, Any]


@dataclass(frozen=True)
class Attack:
    """A request, and who may make it."""

    what: str
    method: str
    path: str
    may: frozenset[str] | set[str] = frozenset()
    body: Json = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, str, str] | None = None
    """A verb, an API group and a resource that it takes besides, as when rights are passed on."""


def _named(kind: str, name: str, api: str = "v1", **rest: Any) -> Json:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, **rest}


_POD = _named("Pod", "intruder", spec={"containers": [{"name": "c", "image": "busybox:1.35"}]})
_LABEL: Json = {"metadata": {"labels": {"intruder": "here"}}}
_GROUP = "rbac.authorization.k8s.io"
_ROLES = f"{_GROUP}/v1"
_ADMIN = {"apiGroup": _GROUP, "kind": "ClusterRole", "name": "cluster-admin"}
_ANYBODY = [{"kind": "User", "apiGroup": _GROUP, "name": "intruder"}]
_WATCH = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["watch"]}]
_EXEC = "db-0/exec?command=id&stdout=true"
_IDENTITY = {"Impersonate-User": "system:admin"}
_TOKEN = _named("TokenRequest", "", "authentication.k8s.io/v1", spec={})


def attacks(console: str, line: str) -> list[Attack]:
    """All of them, on an application, on the namespace `console` with its settings, and on that of the `line`."""
    return [
        Attack("read the Secrets of an application", "GET", f"{CORE}/{APP}/secrets", READERS),
        Attack("read a Secret of an application", "GET", f"{CORE}/{APP}/secrets/db", READERS),
        Attack("read the accounts on the broker", "GET", f"{CORE}/{line}/secrets", READERS),
        Attack("read destinations", "GET", f"{CORE}/{console}/secrets", SETTINGS | {POST_EVENTS}),
        Attack("read a destination", "GET", f"{CORE}/{console}/secrets/x", SETTINGS | {POST_EVENTS}),
        Attack("see the default", "GET", f"{CORE}/{console}/configmaps/snapline-destinations", SETTINGS),
        Attack("read schedules", "GET", f"{CORE}/{console}/configmaps", MANY),
        Attack("read a schedule", "GET", f"{CORE}/{console}/configmaps/x", MANY),
        Attack("see a pod", "GET", f"{CORE}/{APP}/pods/db-0", READERS | HOOKS),
        Attack("see all pods", "GET", f"{CORE}/{APP}/pods", READERS),
        Attack("see nodes", "GET", "/api/v1/nodes", READERS),
        Attack("see workloads", "GET", f"{APPS}/{APP}/statefulsets", READERS | {UPGRADES}),
        Attack("see a workload", "GET", f"{APPS}/{APP}/statefulsets/db", READERS | {UPGRADES}),
        Attack("run a command in a pod", "POST", f"{CORE}/{APP}/pods/{_EXEC}", RESTORES | HOOKS),
        Attack("run a command by GET", "GET", f"{CORE}/{APP}/pods/{_EXEC}", READERS | HOOKS),
        Attack("start a pod", "POST", f"{CORE}/{APP}/pods", RESTORES | {"manifest.capture"}, _POD),
        Attack("delete a pod", "DELETE", f"{CORE}/{APP}/pods/db-0", RESTORES),
        Attack("delete a Secret", "DELETE", f"{CORE}/{APP}/secrets/db", {"restore.prepare"}),
        Attack("delete a workload", "DELETE", f"{APPS}/{APP}/statefulsets/db", {"restore.prepare"}),
        Attack("delete a claim", "DELETE", f"{CORE}/{APP}/persistentvolumeclaims/data-db-0", {"restore.prepare"}),
        Attack("delete a namespace", "DELETE", f"{CORE}/{APP}", {"restore.prepare", "restore.finalize"}),
        Attack("change a Secret", "PATCH", f"{CORE}/{APP}/secrets/db", RESTORES | {CONSOLE}, _LABEL),
        Attack("change a pod", "PATCH", f"{CORE}/{APP}/pods/db-0", RESTORES | {CONSOLE}, _LABEL),
        Attack("change a ServiceAccount", "PATCH", f"{CORE}/{APP}/serviceaccounts/db", RESTORES, _LABEL),
        Attack("change a StatefulSet", "PATCH", f"{APPS}/{APP}/statefulsets/db", RESTORES | {CONSOLE}, _LABEL),
        Attack("change a Deployment", "PATCH", f"{APPS}/{APP}/deployments/x", RESTORES | {CONSOLE, UPGRADES}, _LABEL),
        Attack("change an Ingress", "PATCH", f"{NETWORK}/{APP}/ingresses/x", RESTORES | {CONSOLE}, _LABEL),
        Attack("create a Secret", "POST", f"{CORE}/{APP}/secrets", RESTORES, _named("Secret", "x")),
        Attack("store a destination", "POST", f"{CORE}/{console}/secrets", RESTORES | {CONSOLE}, _named("Secret", "x")),
        Attack("bend a destination", "PATCH", f"{CORE}/{console}/secrets/x", RESTORES | {CONSOLE}, _LABEL),
        Attack("delete a destination", "DELETE", f"{CORE}/{console}/secrets/x", {"restore.prepare", CONSOLE}),
        Attack(
            "store a schedule",
            "POST",
            f"{CORE}/{console}/configmaps",
            RESTORES | {CONSOLE, "alarms"},
            _named("ConfigMap", "x"),
        ),
        Attack("bend a schedule", "PATCH", f"{CORE}/{console}/configmaps/x", RESTORES | {CONSOLE}, _LABEL),
        Attack(
            "forget an alarm",
            "PATCH",
            f"{CORE}/{console}/configmaps/snapline-alarms",
            RESTORES | {CONSOLE, "alarms"},
            _LABEL,
        ),
        Attack("delete a schedule", "DELETE", f"{CORE}/{console}/configmaps/x", {"restore.prepare", CONSOLE}),
        Attack("tell an Event", "POST", f"{CORE}/{console}/events", RESTORES | {"notify"}, _named("Event", "x")),
        Attack("tell an application's Event", "POST", f"{CORE}/{APP}/events", RESTORES, _named("Event", "x")),
        Attack(
            "make oneself an administrator",
            "POST",
            f"{RBAC}/clusterrolebindings",
            RESTORES,
            _named("ClusterRoleBinding", "intruder", _ROLES, roleRef=_ADMIN, subjects=_ANYBODY),
            also=("bind", _GROUP, "clusterroles"),
        ),
        Attack(
            "grant what one does not have",
            "POST",
            f"{RBAC}/namespaces/{APP}/roles",
            RESTORES,
            _named("Role", "intruder", _ROLES, rules=_WATCH),
            also=("escalate", _GROUP, "roles"),
        ),
        Attack(
            "take another's token",
            "POST",
            f"{CORE}/{line}/serviceaccounts/restore.prepare/token",
            RESTORES,
            _TOKEN,
        ),
        Attack(
            "be somebody else", "GET", f"{CORE}/{APP}/secrets", headers=_IDENTITY, also=("impersonate", "", "users")
        ),
    ]


def refused(client: httpx.Client, attack: Attack) -> bool:
    """Whether the API server says that this one may not."""
    separator = "&" if "?" in attack.path else "?"
    dry = {} if attack.method == "GET" else {"dryRun": "All"}
    path = attack.path + "".join(f"{separator}{key}={value}" for key, value in dry.items())
    kind = "merge-patch+json" if attack.method == "PATCH" else "json"
    headers = {**attack.headers, "Content-Type": f"application/{kind}"}
    answer = client.request(attack.method, path, json=attack.body or None, headers=headers)
    assert answer.status_code != 401, "the token is not taken"
    return answer.status_code == 403


def intruder(kubeconfig: Path) -> httpx.Client:
    """Somebody with that token, and nothing else."""
    config = yaml.safe_load(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    headers = {"Authorization": f"Bearer {user['token']}"}
    trusting = ssl.create_default_context(cadata=authority)
    return httpx.Client(base_url=cluster["server"], verify=trusting, headers=headers, timeout=60, trust_env=False)

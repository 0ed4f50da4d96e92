"""The tokens of the installed services' accounts, as each pod has its own from the kubelet."""

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from deploy.kubeconfigs import kubeconfig
from producers.installing import accounts
from producers.installing.options import Options
from schemas.services import services
from tests.support.kubectl import kubectl

PLACES = Options()


def kubeconfigs(folder: Path) -> dict[str, Path]:
    """A kubeconfig for each service, by its name, and for the workers of nodes."""
    server = _server()
    made = {}
    for name in services(any_node=True):
        file = made[name] = folder / f"{name}.kubeconfig"
        file.write_text(yaml.safe_dump(kubeconfig(server, name, token(name))))
    return made


def token(account: str) -> str:
    """One that holds for an hour, which the API server makes."""
    path = f"/api/v1/namespaces/{accounts.home(account, PLACES)}/serviceaccounts/{account}/token"
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    answer = json.loads(kubectl("create", "--raw", path, "-f", "-", given=json.dumps(asked)))
    return str(answer["status"]["token"])


def _server() -> Mapping[str, str]:
    """As the administrator's kubeconfig names it."""
    config = json.loads(kubectl("config", "view", "--minify", "--flatten", "-o", "json"))
    found: Mapping[str, str] = config["clusters"][0]["cluster"]
    return found

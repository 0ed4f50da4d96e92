"""Makes a kubeconfig for each service, from the tokens of deploy/kubernetes/accounts.yaml.

kubectl apply -f deploy/kubernetes/accounts.yaml
python -m deploy.kubeconfigs FOLDER ADMIN_KUBECONFIG [NODE...]
"""

import base64
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from schemas import topology
from schemas.kubernetes import SECRETS, Object
from schemas.services import services
from workers.adapters.cluster import connect
from workers.ports import Cluster

NAMESPACE = "snapline"
"""Where the accounts live."""
OF_NODES = "volumes"
"""The account of the workers of all nodes: their rights are the same."""
MANIFEST = Path(__file__).with_name("kubernetes") / "accounts.yaml"


def account(service: str) -> str:
    """The name of a service's ServiceAccount."""
    return OF_NODES if service.startswith(topology.NODE_QUEUE_PREFIX) else service


def write(folder: Path, admin: Path, cluster: Cluster, nodes: tuple[str, ...]) -> dict[str, Path]:
    """`<service>.kubeconfig` for each service, with a worker for each of `nodes`; they lead to the server that `admin`
    names. Raises NotFound without a token. In a folder that only its owner may enter, each may be read by anybody, as
    the user of a container is another one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    server = _server(yaml.safe_load(admin.read_text()), admin.parent)
    made = {name: folder / f"{name}.kubeconfig" for name in services(nodes)}
    for name, file in made.items():
        token = cluster.get(SECRETS, NAMESPACE, f"{account(name)}.token")["data"]["token"]
        file.write_text(yaml.safe_dump(kubeconfig(server, name, base64.b64decode(token).decode()), sort_keys=False))
    return made


def kubeconfig(server: Mapping[str, str], name: str, token: str) -> Object:
    """One for who has the token."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAMESPACE, "cluster": dict(server)}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": NAMESPACE, "context": {"cluster": NAMESPACE, "user": name}}],
        "current-context": NAMESPACE,
    }


def _server(admin: Mapping[str, Any], beside: Path) -> dict[str, str]:
    """The server of the current context, with its authority in place."""
    [chosen] = [each["context"] for each in admin["contexts"] if each["name"] == admin["current-context"]]
    [found] = [dict(each["cluster"]) for each in admin["clusters"] if each["name"] == chosen["cluster"]]
    if file := found.pop("certificate-authority", None):
        found["certificate-authority-data"] = base64.b64encode((beside / file).read_bytes()).decode()
    return found


def main(folder: str, admin: str, *nodes: str) -> None:
    """For the command line."""
    write(Path(folder), Path(admin), connect(Path(admin)), nodes)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Objects that are kept in the console's namespace: written and removed by name."""

from schemas.errors import AlreadyExists, Invalid, NotFound
from schemas.kubernetes import NAMESPACES, Object, ResourceType
from workers.ports import Cluster


def apply(cluster: Cluster, type_: ResourceType, obj: Object) -> None:
    """Creates the object, or replaces its data. Its namespace is made if it is missing."""
    namespace, name = obj["metadata"]["namespace"], obj["metadata"]["name"]
    try:
        cluster.create(type_, obj)
    except NotFound:
        cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        cluster.create(type_, obj)
    except AlreadyExists:
        live = cluster.get(type_, namespace, name)
        gone = {key: None for key in live.get("data") or {} if key not in obj["data"]}
        patch = {"metadata": {"labels": obj["metadata"]["labels"]}, "data": {**gone, **obj["data"]}}
        cluster.patch(type_, namespace, name, patch)


def remove(cluster: Cluster, type_: ResourceType, namespace: str, name: str, unknown: NotFound) -> None:
    """Deletes the object. Raises `unknown` if there is none of that name, or none can be called so."""
    try:
        cluster.get(type_, namespace, name)
    except (NotFound, Invalid):
        raise unknown from None
    cluster.delete(type_, namespace, name)

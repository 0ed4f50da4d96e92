"""What is remembered of alarms, in a ConfigMap of the console's namespace: there also when no store is."""

from schemas.errors import AlreadyExists, Damaged, NotFound
from schemas.kubernetes import CONFIG_MAPS
from schemas.records import AlarmState, decode, encode
from schemas.records.alarms import NAME
from workers.ports import Cluster


def read(cluster: Cluster, namespace: str) -> dict[str, AlarmState]:
    """Alarm -> its state. What somebody has spoilt is as if it was not there."""
    try:
        data = cluster.get(CONFIG_MAPS, namespace, NAME).get("data") or {}
    except NotFound:
        return {}
    found = {}
    for name, text in data.items():
        try:
            found[name] = decode(AlarmState, f"{NAME}/{name}", str(text).encode())
        except Damaged:
            continue
    return found


def write(cluster: Cluster, namespace: str, name: str, state: AlarmState | None) -> None:
    """Remembers it, or forgets it. Safe to run twice."""
    data = {name: encode(state).decode() if state is not None else None}
    try:
        cluster.patch(CONFIG_MAPS, namespace, NAME, {"data": data})
    except NotFound:
        if state is None:
            return
        metadata = {"name": NAME, "namespace": namespace}
        try:
            cluster.create(CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
        except AlreadyExists:
            cluster.patch(CONFIG_MAPS, namespace, NAME, {"data": data})

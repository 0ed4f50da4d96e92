"""What a cluster adds unasked: the default service account, the CA bundle, addresses of services."""

import itertools

from deploy.local.emulator.world import find, patch, present
from schemas.kubernetes import CONFIG_MAPS, NAMESPACES, SERVICE_ACCOUNTS, SERVICES
from workers.adapters.twins.cluster import MemoryCluster

BUNDLE = "kube-root-ca.crt"


def furnish(cluster: MemoryCluster) -> None:
    """Completes every namespace and service."""
    for namespace in present(cluster, NAMESPACES):
        name = namespace["metadata"]["name"]
        if find(cluster, SERVICE_ACCOUNTS, name, "default") is None:
            cluster.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default", "namespace": name}})
        if find(cluster, CONFIG_MAPS, name, BUNDLE) is None:
            metadata = {"name": BUNDLE, "namespace": name}
            cluster.create(CONFIG_MAPS, {"metadata": metadata, "data": {"ca.crt": "emulated"}})
    _number_services(cluster)


def _number_services(cluster: MemoryCluster) -> None:
    services = list(present(cluster, SERVICES))
    taken = {service["spec"].get("clusterIP") for service in services}
    free = (ip for i in itertools.count(1) if (ip := f"10.96.{i // 256}.{i % 256}") not in taken)
    for service in services:
        if not service["spec"].get("clusterIP") and service["spec"].get("type") != "ExternalName":
            address = next(free)
            patch(cluster, SERVICES, service, {"spec": {"clusterIP": address, "clusterIPs": [address]}})

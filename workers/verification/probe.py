"""Asks a Service of a test restore over HTTP, from a pod beside it: nobody else is ever asked."""

import re
from dataclasses import dataclass
from datetime import timedelta

from schemas.errors import AlreadyExists, Invalid, NotFound, PermanentError
from schemas.kubernetes import PODS, SERVICES, Object
from workers.manifests.kube.objects import spec_of, status_of
from workers.manifests.restore.holding_pods import helper_pod
from workers.ports import Cluster

POD = "snapline-probe"
ASKING = timedelta(seconds=30)
SCRIPT = """
{
  printf 'GET %s HTTP/1.0\\r\\nHost: %s\\r\\nConnection: close\\r\\n\\r\\n' "$3" "$4"
  tries=0
  while [ "$tries" -lt 50 ]; do
    tries=$((tries + 1))
    sleep 0.2 2>/dev/null || sleep 1
    printf '\\r\\n' 2>/dev/null || break
  done
} | nc -w 10 "$1" "$2" | head -n 1
""".strip()
"""Says the status line. It keeps its end of the connection open until the answer is there, as some servers give up a
request whose sender has closed it, and finds by writing that the other end has gone."""
_STATUS = re.compile(r"HTTP/[0-9.]+ ([0-9])[0-9]{2}[ -~]*")
_TARGET = re.compile(
    r"(?:http://)?(?:(?P<namespace>[-a-z0-9]{1,63})/)?(?P<service>[-a-z0-9]{1,63}):(?P<port>[0-9]{1,5})(?P<path>/[!-~]*)?"
)


@dataclass(frozen=True)
class Target:
    """A Service by its name, which may be in one of several namespaces; the port and the path that are asked."""

    service: str
    port: int
    path: str
    namespace: str = ""


def target(text: str) -> Target:
    """What a probe asks: `SERVICE:PORT/PATH`, or `NAMESPACE/SERVICE:PORT/PATH` with the namespace that it was backed up
    in. Raises Invalid: it is the name of a Service, never an address."""
    found = _TARGET.fullmatch(text)
    if found is None or not 0 < int(found["port"]) < 65536:
        raise Invalid(f"{text!r:.200} is no probe; write SERVICE:PORT/PATH, with the name of one of its Services")
    return Target(found["service"], int(found["port"]), found["path"] or "/", found["namespace"] or "")


def find(wanted: Target, namespaces: dict[str, str], cluster: Cluster) -> tuple[str, str]:
    """The namespace of the restored Service, and the address at which its own pods answer; `namespaces` are those of
    the test, by what they were called when they were backed up. Raises NotFound, Invalid for one that leads
    elsewhere."""
    for was, name in sorted(namespaces.items()):
        if wanted.namespace in ("", was):
            try:
                service = cluster.get(SERVICES, name, wanted.service)
            except NotFound:
                continue
            return name, _address(service, name, cluster)
    raise NotFound(f"there is no Service {wanted.service} in what was restored")


def make_pod(restore: str, namespace: str, image: str, cluster: Cluster) -> bool:
    """Makes the pod that asks, unless it is there; whether it runs."""
    try:
        pod = cluster.get(PODS, namespace, POD)
    except NotFound:
        pod = helper_pod(restore, namespace, POD, [], {}, image)
        try:
            cluster.create(PODS, pod)
        except AlreadyExists:
            return False
    return bool(status_of(pod).get("phase") == "Running")


def ask(wanted: Target, namespace: str, address: str, cluster: Cluster) -> str:
    """Why it does not answer; empty if it does, with a status of success, or of a redirection: that is not followed."""
    command = ["sh", "-c", SCRIPT, "probe", address, str(wanted.port), wanted.path, wanted.service]
    try:
        done = cluster.exec(namespace, POD, "hold", command, deadline=ASKING, limit=1000)
    except PermanentError as error:
        return str(error)
    if done.exit_code is None:
        return f"it has not answered within {ASKING.total_seconds():g} s"
    status = _STATUS.match(done.stdout)
    if status is None:
        return "it does not answer"
    return "" if status[1] in ("2", "3") else f"it answers {status[0]:.100}"


def _address(service: Object, namespace: str, cluster: Cluster) -> str:
    """That of a Service which selects pods of its namespace; without a cluster address, that of one of these."""
    spec = spec_of(service)
    selector = spec.get("selector") or {}
    if spec.get("type") == "ExternalName" or not selector:
        raise Invalid(f"Service {service['metadata']['name']} selects no pods, so it may lead anywhere")
    if (address := spec.get("clusterIP")) and address != "None":
        return str(address)
    wanted = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    for pod in cluster.list(PODS, namespace, wanted):
        if status_of(pod).get("podIP"):
            return str(status_of(pod)["podIP"])
    raise NotFound(f"Service {service['metadata']['name']} has no pod")

"""Has volumes backed up that nothing backs up, by what Velero and KOTS read: labels, annotations, and namespaces of an
application. Or leaves them out for good."""

from collections.abc import Iterator

from producers.actions import applications
from producers.session import Session
from producers.views.home.uncovered import EXCLUDE, OPT_IN, claims_of, opted_in
from schemas import application
from schemas.application import Application
from schemas.errors import Code, Invalid, NotFound
from schemas.kubernetes import (
    CLAIMS,
    CONFIG_MAPS,
    DAEMON_SETS,
    DEPLOYMENTS,
    INGRESSES,
    NAMESPACES,
    NETWORK_POLICIES,
    PODS,
    REPLICA_SETS,
    SECRETS,
    SERVICES,
    STATEFUL_SETS,
    Object,
    ResourceType,
)
from schemas.velero import ALL, parse_backup

MARK = {"kots.io/backup": "velero"}
"""What full snapshots take, in the namespaces where they look."""
_WITH_TEMPLATE = {type_.kind: type_ for type_ in (DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, REPLICA_SETS)}

_MARKED = (
    CLAIMS,
    CONFIG_MAPS,
    SECRETS,
    SERVICES,
    DEPLOYMENTS,
    STATEFUL_SETS,
    DAEMON_SETS,
    INGRESSES,
    NETWORK_POLICIES,
)
_GIVEN = "kube-root-ca.crt"
"""The ConfigMap that Kubernetes puts into each namespace."""


def include(session: Session, namespace: str, claim: str, app: str = "") -> list[str]:
    """Has full snapshots hold a volume from now on: marks and opts in the pods that mount it, and the workloads that
    make them, whose pods Kubernetes then starts again. A namespace in which nobody looks is given to `app`. What was
    changed (`Deployment shop/web`). Raises Invalid for a claim that no pod mounts, or without the application that is
    needed; NotFound, and as the cluster."""
    cluster = session.cluster
    cluster.get(CLAIMS, namespace, claim)
    pods = [pod for pod in cluster.list(PODS, namespace) if claim in claims_of(pod).values() and _stays(pod)]
    if not pods:
        text = f"no pod mounts {namespace}/{claim}, so nobody can copy it; start what uses it, or leave it out"
        raise Invalid(text, subject=f"{namespace}/{claim}")
    changed = list(_look_in(session, namespace, app))
    for pod in pods:
        for type_, obj in _makers(session, pod):
            changed += _opt_in(session, type_, obj, claim)
    return list(dict.fromkeys(changed))


def include_namespace(session: Session, namespace: str, app: str = "") -> list[str]:
    """Has full snapshots hold the objects of a namespace from now on: gives it to `app` unless they look there already,
    and marks what nobody else makes. Its volumes are included by themselves. Raises as `include`."""
    cluster = session.cluster
    cluster.get(NAMESPACES, None, namespace)
    changed = list(_look_in(session, namespace, app))
    for type_ in _MARKED:
        for obj in list(cluster.list(type_, namespace)):
            if _is_somebodys(obj) and not _is_marked(obj):
                marked = {"metadata": {"labels": MARK}}
                changed.append(_title(cluster.patch(type_, namespace, obj["metadata"]["name"], marked)))
    return changed


def leave_out(session: Session, namespace: str, claim: str = "") -> str:
    """Has no snapshot ever touch a claim; without one, the whole namespace. What was changed. Raises as the cluster."""
    label = {"metadata": {"labels": {EXCLUDE: "true"}}}
    if not claim:
        return _title(session.cluster.patch(NAMESPACES, None, namespace, label))
    return _title(session.cluster.patch(CLAIMS, namespace, claim, label))


def _look_in(session: Session, namespace: str, slug: str) -> Iterator[str]:
    """Gives the namespace to an application, unless snapshots look there already."""
    console = session.settings.console_namespace
    found = [application.from_secret(each) for each in session.cluster.list(SECRETS, console, application.LABEL)]
    if namespace == console or any(_looks(each, namespace) for each in found):
        return
    chosen = next((each for each in found if each.slug == slug), None)
    if chosen is None:
        text = f"no application looks in the namespace {namespace}; say to which it belongs"
        raise Invalid(text, code=Code.NO_SUCH_APPLICATION, subject=slug)
    if not (chosen.backup and parse_backup(chosen.backup).shipped):
        text = f"application {slug} ships no Backup resource, so no full snapshot looks in its namespaces"
        raise Invalid(text, code=Code.NO_BACKUP_RESOURCE, subject=slug)
    applications.register(session, slug, namespaces=[*(chosen.namespaces or [console]), namespace])
    yield f"application {slug}"


def _looks(app: Application, namespace: str) -> bool:
    """Whether full snapshots look in the namespace for the application."""
    if not (app.backup and app.backup.strip()):
        return False
    spec = parse_backup(app.backup)
    named = (*app.namespaces, *spec.included_namespaces)
    return spec.shipped and namespace not in spec.excluded_namespaces and (namespace in named or ALL in named)


def _makers(session: Session, pod: Object) -> Iterator[tuple[ResourceType, Object]]:
    """The pod itself, and the workloads above it: what is written there, new pods have, too."""
    yield PODS, pod
    below, namespace = pod, pod["metadata"]["namespace"]
    while (owner := _controller(below)) and (type_ := _WITH_TEMPLATE.get(owner["kind"])):
        try:
            below = session.cluster.get(type_, namespace, owner["name"])
        except NotFound:
            return
        if type_ != REPLICA_SETS or not _controller(below):
            yield type_, below


def _opt_in(session: Session, type_: ResourceType, obj: Object, claim: str) -> Iterator[str]:
    """Marks one object, and adds the volume to what its pods opt in; nothing, if all of it is there."""
    template = obj if type_ == PODS else (obj["spec"].get("template") or {})
    volumes = [name for name, of in claims_of(template).items() if of == claim]
    volumes = volumes or _made_from(obj, claim)
    names = list(dict.fromkeys([*opted_in(template), *volumes]))
    wanted = {"metadata": {"labels": MARK, "annotations": {OPT_IN: ",".join(names)}}}
    patch: Object = wanted if type_ == PODS else {"metadata": {"labels": MARK}, "spec": {"template": wanted}}
    before = obj["metadata"].get("resourceVersion")
    after = session.cluster.patch(type_, obj["metadata"]["namespace"], obj["metadata"]["name"], patch)
    if after["metadata"].get("resourceVersion") != before:
        yield _title(after)


def _made_from(obj: Object, claim: str) -> list[str]:
    """The volume of a StatefulSet's pods whose claims are made for each of them."""
    made = [each["metadata"]["name"] for each in obj["spec"].get("volumeClaimTemplates") or []]
    return [name for name in made if claim.startswith(f"{name}-{obj['metadata']['name']}-")]


def _controller(obj: Object) -> Object | None:
    owners = obj["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)


def _stays(pod: Object) -> bool:
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return not ended and not pod["metadata"].get("deletionTimestamp")


def _is_somebodys(obj: Object) -> bool:
    """Whether a person, or their installer, has made it, and it would not come by itself."""
    token = obj.get("type") == "kubernetes.io/service-account-token"
    return not (token or obj["metadata"]["name"] == _GIVEN or _controller(obj))


def _is_marked(obj: Object) -> bool:
    return MARK.items() <= (obj["metadata"].get("labels") or {}).items()


def _title(obj: Object) -> str:
    metadata = obj["metadata"]
    return f"{obj['kind']} {'/'.join(filter(None, (metadata.get('namespace'), metadata['name'])))}"

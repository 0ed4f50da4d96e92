"""`snapline install`: the manifests with chosen options, and what a cluster lacks for them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from producers.cli.context import note, session_of
from producers.cli.exits import Exit
from producers.cli.render import Output, show
from schemas import destination as destinations
from schemas.errors import Code, Invalid, NotFound

if TYPE_CHECKING:
    from producers.installing.options import Options
    from producers.session import Session
    from schemas.kubernetes import Object

Names = Annotated[
    list[str] | None,
    typer.Option("--only-namespace", help="Rights in this namespace only, not in the whole cluster; may be repeated."),
]
Ports = Annotated[
    list[int] | None, typer.Option("--store-port", help="TCP port of an object store; may be repeated; else 443.")
]


def install(
    ctx: typer.Context,
    print_: Annotated[bool, typer.Option("--print", help="Print the objects, for `kubectl apply -f -`.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Say what the cluster lacks for them.")] = False,
    namespace: Annotated[str, typer.Option(help="Where the line runs.")] = "snapline",
    nodes_namespace: Annotated[
        str, typer.Option(help="Where the workers of nodes run: PodSecurity must let privileges in.")
    ] = "snapline-nodes",
    only: Names = None,
    image: Annotated[str | None, typer.Option(help="Image of Snapline.")] = None,
    broker: Annotated[
        Literal["own", "operator", "external"],
        typer.Option(help="RabbitMQ: one of its own, three that the cluster operator runs, or another."),
    ] = "own",
    accounts: Annotated[
        Path | None,
        typer.Option(help="Folder with the services' accounts on another RabbitMQ, `<service>.env` each."),
    ] = None,
    storage_class: Annotated[str, typer.Option(help="Of RabbitMQ's volumes; else the default one.")] = "",
    rabbitmq_storage: Annotated[str, typer.Option(help="Size of RabbitMQ's volumes.")] = "8Gi",
    replicas: Annotated[int, typer.Option(min=1, help="Of each step that may run more than once.")] = 1,
    most_replicas: Annotated[int, typer.Option(min=0, help="KEDA starts up to so many of each step.")] = 0,
    pod_monitors: Annotated[
        bool, typer.Option("--pod-monitors", help="Prometheus' operator asks all pods for metrics.")
    ] = False,
    budgets: Annotated[
        Literal["policy/v1", "policy/v1beta1"] | None,
        typer.Option(help="PodDisruptionBudgets of that version; the older one is for Kubernetes 1.20."),
    ] = None,
    ingress_host: Annotated[str, typer.Option(help="Where browsers reach the console: makes an Ingress.")] = "",
    ingress_class: Annotated[str, typer.Option(help="IngressClass.")] = "",
    ingress_secret: Annotated[str, typer.Option(help="Secret with the certificate of that host.")] = "",
    kubelet_pods: Annotated[
        str, typer.Option(help="The kubelet's directory of pods on the nodes.")
    ] = "/var/lib/kubelet/pods",
    store_ports: Ports = None,
    with_destination: Annotated[
        bool, typer.Option("--with-destination", help="Also the destination that the environment gives, as a Secret.")
    ] = False,
    with_license_keys: Annotated[
        bool, typer.Option("--with-license-keys", help="Also the license keys in SNAPLINE_LICENSE_KEYS.")
    ] = False,
    output: Annotated[Output | None, typer.Option("--output", "-o", help="How results are printed.")] = None,
) -> None:
    """Print what an installation on a cluster is made of, or say what the cluster lacks for it."""
    from producers.installing.options import DEFAULT_IMAGE, Options

    if print_ == check:
        raise Invalid("say --print or --check")
    session = session_of(ctx)
    options = Options(
        namespace=namespace,
        nodes_namespace=nodes_namespace,
        console_namespace=session.settings.console_namespace,
        namespaces=tuple(only or ()),
        image=image or DEFAULT_IMAGE,
        broker=broker,
        rabbitmq_storage=rabbitmq_storage,
        storage_class=storage_class,
        replicas=replicas,
        budgets=budgets or "",
        most_replicas=most_replicas,
        pod_monitors=pod_monitors,
        ingress_host=ingress_host,
        ingress_class=ingress_class,
        ingress_secret=ingress_secret,
        kubelet_pods=kubelet_pods,
        helper_image=session.settings.helper_image,
        store_ports=tuple(store_ports or (443,)),
    )
    if check:
        _say(session, options, output)
        return
    _print([*_given(session, options, accounts, with_destination, with_license_keys)], options, output)


def _print(given: "list[Object]", options: "Options", output: Output | None) -> None:
    from producers.installing import render

    # Secrets after the namespaces that they are in, and before the pods that want them.
    found = [*render.objects(options)]
    first = sum(obj["kind"] == "Namespace" for obj in found)
    found[first:first] = given
    if output is Output.JSON:
        print(json.dumps({"apiVersion": "v1", "kind": "List", "items": found}, indent=2))  # noqa: T201  # the result
    else:
        print(render.text(found), end="")  # noqa: T201  # the result


def _given(
    session: "Session", options: "Options", accounts: Path | None, with_destination: bool, with_license_keys: bool
) -> "Iterator[Object]":
    from producers.installing import given

    if accounts is not None:
        yield from given.broker_accounts(_addresses(accounts), options)
    if with_destination:
        chosen = destinations.from_settings(session.settings)
        if chosen is None:
            raise NotFound("the environment gives no destination", code=Code.NO_DESTINATION)
        yield from given.destination(chosen, options)
    if with_license_keys:
        keys = session.trusted_keys()
        if keys is None:
            raise Invalid("SNAPLINE_LICENSE_KEYS is not set")
        yield from given.license_keys({f"{name}.pem": pem.decode() for name, pem in keys.items()}, options)


def _addresses(folder: Path) -> dict[str, str]:
    """Raises NotFound, Invalid."""
    from producers.installing.given import ADDRESS

    try:
        files = sorted(folder.glob("*.env"))
        lines = {file.stem: file.read_text().splitlines() for file in files}
    except (OSError, ValueError) as error:
        raise Invalid(f"could not read the accounts in {folder}: {error}") from error
    if not files:
        raise NotFound(f"there are no accounts in {folder}")
    said = [(name, *line.partition("=")) for name, of in lines.items() for line in of]
    return {name: value for name, variable, _, value in said if variable == ADDRESS}


TO_DO = {
    "version": "upgrade these nodes",
    "node": "add a node",
    "kind": "upgrade the cluster",
    "keda": "install KEDA 2, or leave out `--most-replicas`",
    "monitoring": "install Prometheus' operator, or leave out `--pod-monitors`",
    "operator": "install RabbitMQ's cluster operator, or leave out `--broker operator`",
    "budgets": "give `--budgets` the version that the server has: `policy/v1beta1` for 1.20, else `policy/v1`",
    "rights": "let an administrator of the cluster apply what `--print` prints",
    "class": "name one with `--storage-class`",
    "ingress-class": "name one with `--ingress-class`",
    "kubelet": "`--kubelet-pods {subject}`",
    "namespace": "`kubectl create namespace {subject}`",
}
"""By what is lacking."""


def _say(session: "Session", options: "Options", output: Output | None) -> None:
    from producers.views.installing.lacking import look

    found = [*look(session.cluster, options)]
    rows = [
        {
            "what": each.what,
            "state": each.state,
            "said": each.said,
            "to_do": TO_DO[each.lack].replace("{subject}", each.subject) if each.lack else "",
        }
        for each in found
    ]
    show(rows, Output.TABLE if output is None else output)
    if lacking := sum(each.state == "lacking" for each in found):
        note(f"the cluster lacks {lacking} of what it takes")
        raise typer.Exit(Exit.FAILED)


def make_accounts(
    ctx: typer.Context,
    definitions: Annotated[Path, typer.Argument(help="Where RabbitMQ's definitions are written.")],
    namespace: Annotated[str, typer.Option(help="Where the line runs.")] = "snapline",
    nodes_namespace: Annotated[str, typer.Option(help="Where the workers of nodes run.")] = "snapline-nodes",
    broker: Annotated[str, typer.Option(help="Host and port of RabbitMQ.")] = "rabbitmq.snapline.svc:5672",
    members: Annotated[int, typer.Option(min=0, help="How many nodes of RabbitMQ keep a queue.")] = 0,
) -> None:
    """Make a Secret with an account on RabbitMQ for each service, unless it is there, and all that is to be on it."""
    import secrets

    from producers.actions.installing.broker_accounts import make
    from producers.installing.options import Options
    from schemas import broker_definitions

    options = Options(namespace=namespace, nodes_namespace=nodes_namespace)
    passwords = make(session_of(ctx).cluster, options, broker, lambda: secrets.token_hex(24))
    wanted = broker_definitions.definitions("/", any_node=True, passwords=passwords, members=members)
    try:
        definitions.write_text(broker_definitions.text(wanted))
    except OSError as error:
        raise Invalid(f"could not write {definitions}: {error.strerror}") from error
    note(f"{len(passwords)} accounts")

"""The objects of a backup: a tree of them, and one as YAML."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from producers.access.identity import require
from producers.console.pages.inside.reading import Inside, inside
from producers.console.rendering import render
from producers.console.routing import identity_of, text
from producers.views.inside.objects import HeldObject, choose
from producers.views.inside.yaml_text import END, HIDDEN, as_yaml

MOST = 200
"""Objects of one kind that are listed; what is more is found by its name."""


@dataclass(frozen=True)
class Kind:
    """Objects of one kind and owner: the first `MOST`, and how many there are."""

    name: str
    objects: Sequence[HeldObject]
    count: int


@dataclass(frozen=True)
class Owner:
    """An application's objects, or the console's, or those of several (`a, b`)."""

    name: str
    kinds: Sequence[Kind]
    count: int


def tree(request: Request) -> Response:
    """By owner and kind; with `q` those only that have it in their name or namespace."""
    held, wanted = inside(request), request.query_params.get("q", "").strip()
    found = [each for each in held.objects if _matches(each, wanted)]
    kept = [each for each in held.volumes if wanted.lower() in each.key.lower()]
    return render(
        request,
        "pages/inside/tree.html",
        name=held.name,
        destination=held.destination,
        owners=owners_of(found),
        volumes=kept,
        q=wanted,
        total=len(held.objects),
        link=lambda each: object_link(held, "object", each),
        files_link=lambda key: f"/snapshots/inside/{held.name}/files?{urlencode({'volume': key})}",
    )


def show(request: Request) -> Response:
    """One object; the values of a Secret are hidden."""
    held = inside(request)
    return _page(request, held, _chosen(request, held), reveal=False)


def reveal(request: Request, given: FormData) -> Response:
    """One object with its values: only as the answer to a form, so no address leads to it."""
    held = inside(request)
    found = choose(held.objects, text(given, "kind"), text(given, "namespace"), text(given, "object"))
    for owner in found.owners or (None,):
        require(identity_of(request), "reveal", owner)
    return _page(request, held, found, reveal=True)


def download(request: Request) -> Response:
    """One object as a file of YAML; the values of a Secret are hidden in it, too."""
    held = inside(request)
    found = _chosen(request, held)
    body = as_yaml(found.whole).replace(HIDDEN, "").replace(END, "")
    name = "".join(each if each.isascii() and (each.isalnum() or each in "-._") else "_" for each in found.name)
    disposition = f'attachment; filename="{found.kind.lower()}-{name:.200}.yaml"'
    return Response(body, headers={"Content-Disposition": disposition}, media_type="application/yaml")


def owners_of(found: Iterable[HeldObject]) -> list[Owner]:
    """By name, the console last; within them by kind, namespace and name."""
    groups: dict[str, dict[str, list[HeldObject]]] = {}
    for each in found:
        groups.setdefault(", ".join(each.owners) or "nobody's", {}).setdefault(each.kind, []).append(each)
    counts = {owner: Counter(len(objects) for objects in kinds.values()) for owner, kinds in groups.items()}
    return [
        Owner(
            owner,
            [Kind(kind, sorted(of, key=lambda each: each.key)[:MOST], len(of)) for kind, of in sorted(kinds.items())],
            sum(size * times for size, times in counts[owner].items()),
        )
        for owner, kinds in sorted(groups.items(), key=lambda group: (group[0] == "console", group[0]))
    ]


def object_link(held: Inside, page: str, each: HeldObject) -> str:
    """Where an object is shown."""
    asked = {"kind": each.kind, "namespace": each.namespace, "name": each.name, "destination": held.destination}
    return f"/snapshots/inside/{held.name}/{page}?{urlencode({k: v for k, v in asked.items() if v})}"


def _chosen(request: Request, held: Inside) -> HeldObject:
    asked = request.query_params
    return choose(held.objects, asked.get("kind", ""), asked.get("namespace", ""), asked.get("name", ""))


def _page(request: Request, held: Inside, found: HeldObject, *, reveal: bool) -> Response:
    shown = as_yaml(found.whole, reveal=reveal)
    pieces = [piece.partition(END) for piece in shown.split(HIDDEN)]
    return render(
        request,
        "pages/inside/object.html",
        name=held.name,
        destination=held.destination,
        object=found,
        first=pieces[0][0] + pieces[0][2],
        rest=[(hidden, after) for hidden, _, after in pieces[1:]],
        revealed=reveal,
        yaml=object_link(held, "yaml", found),
        history=object_link(held, "history", found),
    )


def _matches(each: HeldObject, wanted: str) -> bool:
    return wanted.lower() in f"{each.kind}/{each.namespace}/{each.name}".lower()

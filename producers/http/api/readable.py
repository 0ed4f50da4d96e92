"""The OpenAPI document for people: its operations and shapes as rows of words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_REF = "#/components/schemas/"
AREAS = {"kots": "KOTS' routes", "oneself": "Who asks", "dead_letters": "Dead letters"}


@dataclass(frozen=True)
class Kind:
    """What a value is: in words, and the shapes that these name."""

    text: str
    shapes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Field:
    """One of a shape, a query or a path. `default` is as JSON has it; empty for none."""

    name: str
    kind: Kind
    needed: bool
    default: str = ""


@dataclass(frozen=True)
class Route:
    """One operation. `answers` are by status; None is no content."""

    method: str
    path: str
    summary: str
    description: str
    permission: str
    parameters: tuple[Field, ...]
    body: Kind | None
    answers: tuple[tuple[str, Kind | None], ...]


@dataclass(frozen=True)
class Shape:
    """A model."""

    name: str
    description: str
    fields: tuple[Field, ...]


def areas(document: Mapping[str, Any]) -> dict[str, list[Route]]:
    """All operations by their area, in the order of the document."""
    found: dict[str, list[Route]] = {}
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            area = said["tags"][0]
            found.setdefault(AREAS.get(area, area.capitalize()), []).append(_route(method.upper(), path, said))
    return found


def shapes(document: Mapping[str, Any]) -> list[Shape]:
    """All models, by name."""
    schemas = document["components"]["schemas"]
    return [
        Shape(name, " ".join(schema.get("description", "").split()), fields(schema))
        for name, schema in sorted(schemas.items())
    ]


def fields(schema: Mapping[str, Any]) -> tuple[Field, ...]:
    """Those of an object."""
    needed = schema.get("required", [])
    return tuple(
        Field(name, kind(each), name in needed, _default(each)) for name, each in schema.get("properties", {}).items()
    )


def kind(schema: Mapping[str, Any]) -> Kind:
    """What a value of this schema is."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REF)
        return Kind(name, (name,))
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return _joined(" or ", [kind(each) for each in schema[several]])
    if "enum" in schema or "const" in schema:
        return Kind(" or ".join(f"“{each}”" for each in schema.get("enum", [schema.get("const")])))
    match schema.get("type"):
        case "array":
            of = kind(schema.get("items", {}))
            return Kind(f"list of {of.text}", of.shapes)
        case "object" if isinstance(schema.get("additionalProperties"), Mapping):
            of = kind(schema["additionalProperties"])
            return Kind(f"object of {of.text}", of.shapes)
        case None:
            return Kind("anything")
        case said:
            return Kind(str(schema.get("format") or said))


def _route(method: str, path: str, said: Mapping[str, Any]) -> Route:
    body = said.get("requestBody")
    return Route(
        method=method,
        path=path,
        summary=said["summary"],
        description=said["description"],
        permission=said["x-permission"],
        parameters=tuple(
            Field(each["name"], kind(each["schema"]), each["required"], _default(each["schema"]))
            for each in said["parameters"]
        ),
        body=_content(body) if body else None,
        answers=tuple((status, _content(each)) for status, each in said["responses"].items() if status != "default"),
    )


def _content(said: Mapping[str, Any]) -> Kind | None:
    for media, each in said.get("content", {}).items():
        return kind(each["schema"]) if media.endswith("json") else Kind(media)
    return None


def _joined(by: str, kinds: Sequence[Kind]) -> Kind:
    return Kind(by.join(each.text for each in kinds), tuple(name for each in kinds for name in each.shapes))


def _default(schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    return "" if default in (None, "", [], {}) else str(default)

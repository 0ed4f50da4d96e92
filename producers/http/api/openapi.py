"""The OpenAPI document (https://spec.openapis.org/oas/v3.1.0), made from the table of routes."""

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from producers.http.api.operation import JSON, Operation
from producers.http.problems import MEDIA_TYPE, ProblemDocument

TITLE = "Snapline"
ABOUT = (
    "Backups and restores of applications on Kubernetes. The routes tagged kots are those of the KOTS admin console, "
    "with its names; the others tell more. Sizes are bytes, times RFC 3339 in UTC. What is asked for is taken up by "
    "the workers: an answer with the status 202 names the job that it will be."
)
_PROBLEM = TypeAdapter(ProblemDocument)
_Input = tuple[str, JsonSchemaMode, TypeAdapter[Any]]


def document(table: Sequence[Operation], version: str) -> dict[str, Any]:
    """The whole document, as plain JSON."""
    inputs = _inputs(table)
    schemas, defined = TypeAdapter.json_schemas(
        inputs, ref_template="#/components/schemas/{model}", schema_generator=GenerateJsonSchema
    )
    found = {key: schemas[key] for key in schemas}
    paths: dict[str, dict[str, Any]] = {}
    for each in table:
        paths.setdefault(each.shown_path, {})[each.method.lower()] = _operation(each, found)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": version, "description": ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": defined.get("$defs", {}),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "signed-token"},
            },
        },
    }


def _inputs(table: Sequence[Operation]) -> list[_Input]:
    """All shapes, each under a key of its own."""
    inputs: list[_Input] = [("problem", "serialization", _PROBLEM)]
    for each in table:
        if each.body is not None:
            inputs.append((f"{each.id}:body", "validation", TypeAdapter(each.body)))
        if each.query is not None:
            inputs.append((f"{each.id}:query", "validation", TypeAdapter(each.query)))
        if each.answer is not None:
            inputs.append((f"{each.id}:answer", "serialization", each.answer))
    return inputs


def _operation(operation: Operation, schemas: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.area],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": [*_in_path(operation), *_in_query(operation)],
        "responses": _responses(operation, schemas),
        "x-permission": operation.permission,
    }
    if operation.body is not None:
        content = {JSON: {"schema": schemas[f"{operation.id}:body", "validation"]}}
        said["requestBody"] = {"required": operation.body_is_needed, "content": content}
    return said


def _in_path(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in operation.in_path
    ]


def _in_query(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    shape = TypeAdapter(operation.query).json_schema(ref_template="#/components/schemas/{model}")
    needed = shape.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": schema}
        for name, schema in shape.get("properties", {}).items()
    ]


def _responses(operation: Operation, schemas: Any) -> dict[str, Any]:
    problem = {MEDIA_TYPE: {"schema": schemas["problem", "serialization"]}}
    said: dict[str, Any] = {"default": {"description": "Refused: a problem.", "content": problem}}
    if operation.answer is not None:
        content: dict[str, Any] = {JSON: {"schema": schemas[f"{operation.id}:answer", "serialization"]}}
    elif operation.media != JSON:
        content = {operation.media: {"schema": {"type": "string"}}}
    else:
        return {"204": {"description": "Done."}, **said}
    return {str(operation.status): {"description": "Done.", "content": content}, **said}

"""LIST in pages, as the API server does it: `limit`, `continue`, and 410 for a token it does not know."""

import base64
from collections.abc import Mapping, Sequence

import kmock

from schemas.kubernetes import Object, ResourceType


def page(type_: ResourceType, objects: Sequence[Object], params: Mapping[str, str]) -> Object:
    """One page of `objects`, which are in order of namespace and name."""
    begin = _decode(params["continue"]) if params.get("continue") else ""
    rest = [obj for obj in objects if _key(obj) > begin] if begin else objects
    limit = int(params.get("limit") or 0) or len(rest)
    metadata: Object = {"resourceVersion": "0"}
    if len(rest) > limit:
        metadata |= {"continue": _encode(_key(rest[limit - 1])), "remainingItemCount": len(rest) - limit}
    items = [{key: value for key, value in obj.items() if key not in ("apiVersion", "kind")} for obj in rest[:limit]]
    return {"apiVersion": type_.api_version, "kind": f"{type_.kind}List", "metadata": metadata, "items": items}


def _key(obj: Object) -> str:
    return f"{obj['metadata'].get('namespace') or ''}\0{obj['metadata']['name']}"


def _encode(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decode(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except ValueError:
        raise kmock.KubernetesError(status=410, reason="Expired", message="The continue token is not valid") from None

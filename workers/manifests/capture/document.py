"""The captured objects as one JSON document: `{"format": 1, "objects": [{"object": …, "owners": […]}]}`.

`owners` says to whom an object belongs: `console`, or an application's slug. It is settled at capture, since an
application's own selectors may take objects that carry no label of it.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from schemas import application
from schemas.errors import Damaged
from schemas.kubernetes import Object
from schemas.messages import Message
from schemas.records import Coverage
from workers.manifests.kube.objects import NAMESPACE, kind_of, labels_of, uid_of
from workers.manifests.kube.own import is_set_up

FORMAT = 1
CONSOLE = "console"
"""The owner of the admin console's objects. An application may not be called so (`scope_of`)."""


@dataclass
class Captured:
    """What a backup holds: each object once, as the server gave it, in backup order; where it looked for them; and what
    went wrong."""

    objects: list[Object] = field(default_factory=list)
    owners: dict[str, list[str]] = field(default_factory=dict)
    """By the object's uid; sorted."""
    covers: list[Coverage] = field(default_factory=list)
    contributors: set[str] = field(default_factory=set)
    """Those of whom something was selected by their labels or their Backup. A namespace does not count, nor what
    only came along. Not part of the document."""
    warnings: list[Message] = field(default_factory=list)
    errors: list[Message] = field(default_factory=list)

    def owners_of(self, obj: Object) -> list[str]:
        """`console`, slugs, or nobody."""
        return self.owners.get(uid_of(obj), [])


def counts(obj: Object) -> bool:
    """Whether an application that has this object in a backup has something in it: every one has its registration,
    namespaces come by their names, and what is set up is nobody's."""
    return kind_of(obj) != NAMESPACE and application.LABEL not in labels_of(obj) and not is_set_up(obj)


def encode_manifest(captured: Captured) -> bytes:
    """The document. The same objects give the same bytes."""
    entries = [{"object": obj, "owners": captured.owners_of(obj)} for obj in captured.objects]
    return json.dumps({"format": FORMAT, "objects": entries}, separators=(",", ":")).encode()


def decode_manifest(body: bytes) -> Captured:
    """The inverse of `encode_manifest`, without coverage, warnings and errors. Raises Damaged."""
    try:
        document = json.loads(body)
        if document["format"] != FORMAT:
            raise Damaged(f"the backup's objects are in format {document['format']!r:.40}; this reader knows {FORMAT}")
        entries = [(_object(entry["object"]), list(entry["owners"])) for entry in document["objects"]]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Damaged(f"the backup's objects cannot be read: {type(error).__name__}; take a new backup") from error
    return Captured([obj for obj, _ in entries], {uid_of(obj): owners for obj, owners in entries})


def _object(value: Any) -> Object:
    if not (isinstance(value["kind"], str) and isinstance(value["apiVersion"], str) and value["metadata"]["name"]):
        raise ValueError("not a Kubernetes object")
    obj: Object = value
    return obj

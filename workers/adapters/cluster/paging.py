"""Listing in pages; begins anew when the server has forgotten a listing."""

from collections.abc import Callable, Iterator
from typing import Any

from schemas.errors import TransientError
from workers.adapters.cluster.refusals import refusal
from workers.adapters.cluster.transport import Answer

PAGE = 500
"""Objects per LIST request."""
RESTARTS = 3
"""How often a listing may begin anew because its continue token has expired."""

Query = dict[str, str]
Item = dict[str, Any]


def items(fetch: Callable[[Query], Answer], query: Query, tried: str) -> Iterator[Item]:
    """Every item once, in the server's order. `fetch` sends one LIST; an unknown kind (404) has no items."""
    seen: set[str] = set()
    for _ in range(1 + RESTARTS):
        for page in _pages(fetch, query, tried):
            if page is None:
                break
            fresh = [item for item in page if _identity(item) not in seen]
            seen.update(map(_identity, page))
            yield from fresh
        else:
            return
    raise TransientError(f"{tried}: the server forgot {RESTARTS + 1} listings midway; is it short of memory?")


def _pages(fetch: Callable[[Query], Answer], query: Query, tried: str) -> Iterator[list[Item] | None]:
    """The pages of one listing; None in place of the rest if the server has forgotten it (410)."""
    token = ""
    while True:
        answer = fetch({**query, "limit": str(PAGE)} | ({"continue": token} if token else {}))
        if answer.status == 404:
            return
        if answer.status == 410 and token:
            yield None
            return
        if not answer.ok:
            raise refusal(answer.status, answer.body, tried)
        document = answer.json()
        yield document.get("items") or []
        token = document.get("metadata", {}).get("continue") or ""
        if not token:
            return


def _identity(item: Item) -> str:
    metadata = item["metadata"]
    return metadata.get("uid") or f"{metadata.get('namespace', '')}/{metadata['name']}"

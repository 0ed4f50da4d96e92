"""One row of the table of routes. Everything about it stands here or in its function's signature, and nowhere else."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, get_type_hints

from pydantic import BaseModel, TypeAdapter
from starlette.responses import Response

from producers.access.identity import Identity, Permission, not_permitted, require
from producers.actions.deleting import Deletions
from producers.http.problems import Problem
from producers.session import Session
from schemas.errors import Denied

Method = Literal["GET", "POST", "PUT", "DELETE"]
About = Literal["everything", "app", "found"]
JSON = "application/json"
_IN_PATH = re.compile(r"\{(\w+)(?::path)?\}")


@dataclass(frozen=True)
class Call:
    """One request: whose it is, when it came (UTC), what can be asked, and what was asked to be deleted here. Names of
    `headers` are in small letters."""

    session: Session
    identity: Identity
    now: datetime
    headers: Mapping[str, str]
    deletions: Deletions

    def require(self, permission: Permission, app: str | None = None) -> None:
        """Raises Problem (403) for what the identity may not; `app` None is what concerns all applications."""
        try:
            require(self.identity, permission, app)
        except Denied as error:
            raise refused(error) from error

    def refuse(self, permission: Permission, app: str | None = None) -> Problem:
        """The refusal, to be raised."""
        return refused(not_permitted(self.identity, permission, app))


def refused(error: Denied) -> Problem:
    """What somebody may not."""
    return Problem(403, str(error), code=error.code)


@dataclass(frozen=True)
class Operation:
    """`does` is called with the `Call`; further parameters are those of the path by name, `query` and `body`, each a
    model. What it returns is the answer, by its annotation; its docstring says what it does.

    `permission` is asked for before it is called: of what is `about` everything, for all applications; about an app,
    for the one that the path names as `app`; what is found first, the function checks itself by `Call.require`, and
    only the role is looked at before."""

    method: Method
    path: str
    does: Callable[..., Any]
    permission: Permission
    about: About = "everything"
    status: int = 200
    media: str = JSON

    @property
    def area(self) -> str:
        """Which part of the API it is of: the name of its function's room or file."""
        return self.does.__module__.split(".")[2 if ".kots." in self.does.__module__ else 3]

    @property
    def summary(self) -> str:
        """The first sentence."""
        return self._doc.partition(". ")[0].rstrip(".")

    @property
    def description(self) -> str:
        """All that the docstring says."""
        return self._doc

    @property
    def id(self) -> str:
        """Its name in the document, and in clients that are generated from it."""
        return f"{self.area}_{self.does.__name__}" if self.area == "kots" else self.does.__name__

    @cached_property
    def in_path(self) -> tuple[str, ...]:
        """The names of the path's parameters."""
        return tuple(_IN_PATH.findall(self.path))

    @property
    def shown_path(self) -> str:
        """The path as OpenAPI has it."""
        return _IN_PATH.sub(r"{\1}", self.path)

    @cached_property
    def query(self) -> type[BaseModel] | None:
        """The model of its query."""
        return self._hints.get("query")

    @cached_property
    def body(self) -> Any:
        """The model of its body."""
        return self._hints.get("body")

    @cached_property
    def body_is_needed(self) -> bool:
        """Whether it cannot be left out."""
        return "body" in self._parameters and self._parameters["body"].default is inspect.Parameter.empty

    @cached_property
    def answer(self) -> TypeAdapter[Any] | None:
        """The shape of its answer; None for no content, or for what is no JSON."""
        said = self._hints["return"]
        if said is type(None) or (isinstance(said, type) and issubclass(said, Response)):
            return None
        return TypeAdapter(said)

    @cached_property
    def takes(self) -> frozenset[str]:
        """The names of the function's parameters."""
        return frozenset(self._parameters)

    @cached_property
    def _parameters(self) -> dict[str, inspect.Parameter]:
        return dict(inspect.signature(self.does).parameters)

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.does, include_extras=True)

    @property
    def _doc(self) -> str:
        return " ".join((self.does.__doc__ or "").split())

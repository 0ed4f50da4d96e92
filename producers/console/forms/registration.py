"""The form that registers an application: what was typed, by field, to what is registered."""

import re
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from producers.views.home.facts import CONSOLE
from schemas.application import Application
from schemas.errors import Invalid
from schemas.velero import parse_backup

T = TypeVar("T")
MOST = 300
"""Characters of a name or a version."""


class RegistrationForm(BaseModel):
    """As it is typed; what is emptied begins anew. An empty `license` or `backup` stays as it was."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    slug: str
    name: str = Field(default="", max_length=MOST)
    version: str = Field(default="", max_length=MOST)
    sequence: int = 0
    namespaces: list[str] = []
    license: str = Field(default="", repr=False)
    backup: str = Field(default="", repr=False)

    @field_validator("slug")
    @classmethod
    def _slug_is_one(cls, slug: str) -> str:
        if not slug:
            raise ValueError("this is needed: a license that can be read has it, too")
        if slug == CONSOLE:
            raise ValueError(f"no application can be called {slug!r}: that is the Admin Console")
        return _registrable(slug, slug=slug)

    @field_validator("sequence", mode="before")
    @classmethod
    def _sequence_is_a_number(cls, typed: str) -> int:
        if not re.fullmatch(r"[0-9]{0,18}", typed):
            raise ValueError("this is no whole number")
        return int(typed or "0")

    @field_validator("namespaces", mode="before")
    @classmethod
    def _namespaces_are_names(cls, typed: str) -> list[str]:
        names = [*dict.fromkeys(each for each in re.split(r"[\s,]+", typed) if each)]
        return _registrable(names, slug="any", namespaces=names)

    @field_validator("backup")
    @classmethod
    def _backup_is_a_resource(cls, text: str) -> str:
        try:
            if text:
                parse_backup(text)
        except Invalid as error:
            raise ValueError(str(error)) from error
        return text

    def arguments(self) -> dict[str, Any]:
        """For the action."""
        return {
            "name": self.name or self.slug,
            "version": self.version,
            "sequence": self.sequence,
            "namespaces": self.namespaces,
            "license": self.license or None,
            "backup": self.backup or None,
        }


def shown(registered: Application) -> dict[str, str]:
    """What the fields of the form show of a registration; neither the license nor the Backup resource."""
    return {
        "slug": registered.slug,
        "name": registered.name,
        "version": registered.version,
        "sequence": str(registered.sequence or ""),
        "namespaces": ", ".join(registered.namespaces),
    }


def _registrable(value: T, **fields: Any) -> T:
    """The value, if an application can have the fields. Raises ValueError."""
    try:
        Application(name="any", **fields)
    except Invalid as error:
        raise ValueError(str(error)) from error
    return value

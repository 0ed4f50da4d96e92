"""What somebody has typed, and what is wrong with it, so that a page can show both again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BeforeValidator, ValidationError

from schemas.errors import SnaplineError

Ticked = Annotated[bool, BeforeValidator(bool)]
"""A box: whatever is sent is a tick, nothing or "" is none."""
WHOLE = ""
"""In place of a field: what is wrong with a form as a whole."""
SAID = {"missing": "this is needed", "string_too_long": "this is too long"}
"""What pydantic says of a field, in plain words, by its type of error."""


@dataclass(frozen=True)
class Typed:
    """The `values` of a form's fields, none of which is a secret, and its `faults` by field."""

    values: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """What the field shows."""
        return self.values.get(name, "")

    def fault(self, name: str) -> str:
        """What is wrong with the field; "" if nothing is."""
        return self.faults.get(name, "")


def faults(error: Exception, names: Mapping[str, str] | None = None) -> dict[str, str]:
    """What is wrong, by field. `names` are those that the form has for fields of what is behind it. What is about no
    field of these is about the form as a whole."""
    found = error if isinstance(error, ValidationError) else error.__cause__
    if not isinstance(found, ValidationError):
        return {WHOLE: _sentence(error)}
    said: dict[str, str] = {}
    for each in found.errors(include_input=False, include_url=False):
        at = str(each["loc"][-1]) if each["loc"] else WHOLE
        text = SAID.get(each["type"]) or each["msg"].removeprefix("Value error, ")
        said.setdefault(at if names is None else names.get(at, WHOLE), text)
    return said


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, SnaplineError | ValueError) else type(error).__name__

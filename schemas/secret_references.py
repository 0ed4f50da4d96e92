"""Where a secret is that a destination does not keep itself: under a key of a Kubernetes Secret in the console's
namespace, or in the environment of each process.

Written `secret:NAME/KEY` or `env:VARIABLE`; people may leave `secret:` out, and the key where one is usual.
"""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.errors import Code, Invalid, NotFound
from schemas.settings import Settings

_ENVIRONMENT, _SECRET = "env:", "secret:"  # what references begin with
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_OURS = "SNAPLINE_"


@dataclass(frozen=True)
class Reference:
    """A `key` of the Secret `name`; or the variable `key` of the environment, if there is no name."""

    name: str
    key: str

    def __str__(self) -> str:
        return f"{_SECRET}{self.name}/{self.key}" if self.name else _ENVIRONMENT + self.key


def parse(text: str, usual_key: str = "") -> Reference:
    """What a reference says; `usual_key` is that of a Secret of which no key is named. Raises ValueError."""
    if text.startswith(_ENVIRONMENT):
        variable = text.removeprefix(_ENVIRONMENT)
        if _VARIABLE.fullmatch(variable) is None:
            raise ValueError("after `env:` comes the name of a variable")
        if variable.startswith(_OURS) and variable.removeprefix(_OURS).lower() not in Settings.model_fields:
            raise ValueError(f"no variable of Snapline's own is called so; leave {_OURS} to its settings")
        return Reference("", variable)
    name, _, key = text.removeprefix(_SECRET).partition("/")
    if _NAME.fullmatch(name) is None or _KEY.fullmatch(key or usual_key) is None:
        raise ValueError("a secret is referred to as NAME/KEY of a Kubernetes Secret, or as env:VARIABLE")
    return Reference(name, key or usual_key)


def value(
    reference: Reference, what: str, read_secret: Callable[[str], Mapping[str, Any]], environ: Mapping[str, str]
) -> str:
    """What it refers to, called `what` in errors. `read_secret` gets a Secret by name, or raises NotFound. Raises
    Invalid, which never has a value, and as `read_secret`."""
    if not reference.name:
        if reference.key not in environ:
            raise _missing(f"the environment has no {reference.key}, which is to be the {what}", reference.key)
        return environ[reference.key]
    try:
        data = read_secret(reference.name).get("data") or {}
        return base64.b64decode(data[reference.key], validate=True).decode()
    except NotFound:
        raise _missing(f"there is no Secret {reference.name}, which has the {what}", reference.name) from None
    except (KeyError, ValueError, TypeError):
        text = f"the Secret {reference.name} has no text under {reference.key}, which is to be the {what}"
        raise _missing(text, reference.name) from None


def _missing(text: str, subject: str) -> Invalid:
    return Invalid(text, code=Code.SECRET_MISSING, subject=subject)

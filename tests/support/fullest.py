"""An instance of any model with every field set, and none as by default: what its writers may at most say."""

from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, SecretStr

MOMENT = datetime(2026, 11, 26, 12, tzinfo=UTC)
BY_NAME: dict[str, Any] = {"ttl": "720h", "minute": "2026-11-26T12:00:00+00:00", "probe": "http/web:80/"}
"""Texts that have a form."""


def fullest(model: type[BaseModel], **given: Any) -> dict[str, Any]:
    """The fields of such an instance, as JSON has them."""
    return {name: given.get(name, _value(name, field.annotation)) for name, field in model.model_fields.items()}


def _value(name: str, kind: Any) -> Any:
    if name in BY_NAME:
        return BY_NAME[name]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _value(name, next(each for each in arguments if each is not NoneType))
    if origin is Literal:
        return arguments[-1]
    if origin is list:
        return [_value(name, arguments[0])]
    if origin is dict:
        return {f"old-{name}"[:60].replace("_", "-"): _value(name, arguments[1])}
    if hasattr(kind, "__metadata__"):
        return _value(name, arguments[0])
    return _plain(name, kind)


def _plain(name: str, kind: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return fullest(kind)
    if kind is bool:
        return True
    if kind is int:
        return 7
    if kind is float:
        return 7.5
    if kind in (datetime, AwareDatetime):
        return MOMENT.isoformat().replace("+00:00", "Z")
    if kind is SecretStr or (isinstance(kind, type) and issubclass(kind, str)):
        return f"a-{name}".replace("_", "-")
    return {"any": "thing"}

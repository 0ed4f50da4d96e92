"""Which destination is the default one: a ConfigMap in the console's namespace says so, and nothing else does.

Without it, it is the one called `default`. Where the environment gives a destination, that is the default of that
process. Destinations that were the default before are kept with it: a request that names none, and was taken up when
another one was the default, belongs there for good.
"""

from collections.abc import Mapping
from typing import Any

from schemas.destination import LABEL, is_name
from schemas.errors import Code, Invalid
from schemas.events import DEFAULT_DESTINATION

CONFIG_MAP = "snapline-destinations"
MOST_FORMER = 5
"""So many earlier defaults are kept."""


def to_config_map(name: str, before: list[str], console_namespace: str) -> dict[str, Any]:
    """The ConfigMap that makes `name` the default after those of `before`, the latest first."""
    former = [each for each in before if each != name][:MOST_FORMER]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG_MAP, "namespace": console_namespace, "labels": {LABEL: name}},
        "data": {"default": name, "former": " ".join(former)},
    }


def from_config_map(obj: Mapping[str, Any] | None) -> list[str]:
    """The name of the default destination, then of those that were it before, the latest first. None is no ConfigMap.
    Raises Invalid, as then nobody knows where backups go."""
    if obj is None:
        return [DEFAULT_DESTINATION]
    data = obj.get("data") or {}
    names = [str(data.get("default", "")), *str(data.get("former", "")).split()]
    if not all(map(is_name, names)):
        text = f"the ConfigMap {CONFIG_MAP} does not name the default destination"
        raise Invalid(text, code=Code.DESTINATION_INVALID, subject=CONFIG_MAP)
    return list(dict.fromkeys(names))

"""An installation as objects, and as YAML."""

from collections.abc import Iterable

import yaml

from producers.installing import accounts, broker, extras, network, places, workloads
from producers.installing.options import Options
from schemas.kubernetes import Object

LINE, RIGHTS, RABBITMQ, EXTRAS = "line", "rights", "rabbitmq", "extras"


def parts(options: Options) -> dict[str, dict[str, list[Object]]]:
    """All objects, in the order in which they are applied: part -> what its objects are about -> objects. What some
    installations leave out is a part of its own."""
    line = {
        "namespaces": places.namespaces(options),
        "accounts": accounts.accounts_and_settings_rights(options),
        "settings": places.settings(options),
        "network": network.policies(options),
        "workloads": workloads.workloads(options),
    }
    found = {
        LINE: line,
        RIGHTS: {"rights": accounts.object_rights(options)},
        RABBITMQ: {"rabbitmq": broker.broker(options), "network": network.broker_policies(options)},
        EXTRAS: {"extras": extras.extras(options)},
    }
    return {part: about for part, all_ in found.items() if (about := {n: o for n, o in all_.items() if o})}


def objects(options: Options) -> list[Object]:
    """All objects of an installation, in the order in which they are applied."""
    return [obj for part in parts(options).values() for about in part.values() for obj in about]


def text(found: Iterable[Object]) -> str:
    """The objects as YAML documents."""
    return yaml.dump_all(found, Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)


def one(value: object) -> str:
    """A single document."""
    return yaml.dump(value, Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)


class _Plain(yaml.SafeDumper):
    """Without references, which not every reader follows, and with the lines of long texts as they are."""

    def ignore_aliases(self, _: object) -> bool:
        """Always."""
        return True


def _lines(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Plain.add_representer(str, _lines)

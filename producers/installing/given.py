"""What only somebody who installs knows, as objects: accounts on a broker of their own, a destination, license keys."""

from collections.abc import Mapping

from producers.installing.accounts import home
from producers.installing.objects import made
from producers.installing.options import Options
from producers.installing.pods import LICENSE_KEYS, broker_secret
from schemas import default_destination
from schemas import destination as destinations
from schemas.destination import Destination
from schemas.errors import Invalid
from schemas.kubernetes import Object
from schemas.services import services

ADDRESS = "SNAPLINE_AMQP_URL"


def broker_accounts(addresses: Mapping[str, str], options: Options) -> list[Object]:
    """Each service's Secret with its address of the broker, by service. Raises Invalid if one is missing."""
    if missing := [name for name in services(any_node=True) if name not in addresses]:
        raise Invalid(f"there is no account on the broker for {', '.join(missing)}")
    return [
        made("v1", "Secret", broker_secret(name), home(name, options), stringData={ADDRESS: addresses[name]})
        for name in services(any_node=True)
    ]


def destination(chosen: Destination, options: Options) -> list[Object]:
    """Where backups go, and that it is the default."""
    place = options.console_namespace
    return [
        destinations.to_secret(chosen, place),
        default_destination.to_config_map(chosen.name, [], place),
    ]


def license_keys(files: Mapping[str, str], options: Options) -> list[Object]:
    """The trusted keys of licenses, by file name."""
    return [made("v1", "ConfigMap", LICENSE_KEYS, options.namespace, data=dict(files))]

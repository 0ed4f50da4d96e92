"""Where backups go: one model per provider, with the passphrase of the repository there, and the Secret that keeps it.

Each destination has a name, and is kept as the Secret `snapline-destination-<name>` in the console's namespace. Which
one is the default is said in one place (schemas/default_destination.py): what is stored beside it never changes where a
backup goes. The environment may give the one called `default`, and then counts before the Secret.
"""

from schemas.destination.models import (
    PROVIDERS,
    AzureCloud,
    AzureDestination,
    Destination,
    DirectoryDestination,
    GcsDestination,
    NfsDestination,
    S3Destination,
    from_settings,
    is_name,
    parse,
)
from schemas.destination.stored import LABEL, from_secret, name_in, resolved, secret_name, to_secret

__all__ = [
    "LABEL",
    "PROVIDERS",
    "AzureCloud",
    "AzureDestination",
    "Destination",
    "DirectoryDestination",
    "GcsDestination",
    "NfsDestination",
    "S3Destination",
    "from_secret",
    "from_settings",
    "is_name",
    "name_in",
    "parse",
    "resolved",
    "secret_name",
    "to_secret",
]

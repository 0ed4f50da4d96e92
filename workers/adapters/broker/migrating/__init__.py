"""From what is on a broker to what is to be on it: `check` says what differs, `migrate` changes it.
No message is lost by that."""

from workers.adapters.broker.migrating.carrying import Trust
from workers.adapters.broker.migrating.differences import Difference, State
from workers.adapters.broker.migrating.looking import check
from workers.adapters.broker.migrating.management import Management
from workers.adapters.broker.migrating.migration import Done, migrate

__all__ = ["Difference", "Done", "Management", "State", "Trust", "check", "migrate"]

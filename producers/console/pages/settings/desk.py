"""What the settings pages keep in memory between two requests, and where they lead to."""

from dataclasses import dataclass

from producers.console.forms.held import HeldSecrets
from producers.views.settings.last_checks import LastChecks

PATH = "/snapshots/settings"


@dataclass(frozen=True)
class Desk:
    """Made once for the application. None of it is needed: a console that starts anew has lost no setting."""

    held: HeldSecrets
    checks: LastChecks

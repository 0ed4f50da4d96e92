"""What the settings pages keep in memory between two requests, and where they lead to."""

from dataclasses import dataclass

from producers.console.forms.held import HeldSecrets
from producers.views.settings.last_checks import Checked, Latest
from workers.ports import Answer

PATH = "/snapshots/settings"


@dataclass(frozen=True)
class Desk:
    """Made once for the application: secrets of forms that are not right yet, what came of trying destinations, and
    what targets of notifications have answered to tests. None of it is needed: a console that starts anew has lost no
    setting."""

    held: HeldSecrets
    checks: Latest[Checked]
    answers: Latest[Answer]

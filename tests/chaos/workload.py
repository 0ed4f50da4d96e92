"""What a campaign asks for: by chance, weighed as a busy installation might be, and harder on what is rare."""

import random
from contextlib import suppress

from schemas import events as e
from schemas import keys
from schemas.errors import SnaplineError
from schemas.job import Job
from tests.chaos.desk import Asked, Desk
from tests.chaos.stage import NAS
from tests.support.line import Line
from workers.adapters import broker
from workers.jobs import ledger

APPS = ("shop-floor", "print-works")
WEIGHTS = {
    "backup": 40,
    "full backup": 8,
    "restore": 12,
    "delete": 12,
    "verify": 8,
    "copy": 8,
    "prune": 4,
    "cancel": 8,
}


class Chance:
    """Draws what is asked for: each once in any order, and then by weight."""

    def __init__(self, chance: random.Random) -> None:
        self.random = chance
        self._first = chance.sample(list(WEIGHTS), len(WEIGHTS))

    def draw(self) -> str:
        """The next."""
        return self._first.pop() if self._first else self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]


def ask(desk: Desk, line: Line, url: str, means: Chance, round_: int) -> str:
    """Asks for one thing, and says what it was. What needs a backup is a backup, as long as there is none."""
    what, chance = means.draw(), means.random
    good = desk.completed()
    app = chance.choice(APPS)
    if what == "cancel":
        return what if cancel(desk, line, url, chance) else ask(desk, line, url, means, round_)
    if what == "prune":
        desk.ask("prune", e.RepositoryPruneRequested(), "", None, round_)
    elif what == "full backup" or (what != "backup" and not good):
        desk.ask("backup", e.BackupRequested(), "instance", None, round_)
        what = "full backup"
    elif what == "backup":
        desk.ask("backup", e.BackupRequested(app=app), app, app, round_)
    else:
        _with_a_backup(desk, what, good[chance.choice(sorted(good))], app, round_)
    return what


def _with_a_backup(desk: Desk, what: str, chosen: Asked, app: str, round_: int) -> None:
    name, app = chosen.subject, chosen.app or app
    if what == "restore":
        desk.ask("restore", e.RestoreRequested(backup=name, app=app), name, app, round_)
    elif what == "delete":
        desk.ask("delete", e.BackupDeleteRequested(backup=name), name, None, round_)
    elif what == "verify":
        desk.ask("verify", e.BackupVerifyRequested(backup=name), name, None, round_)
    else:
        desk.ask("copy", e.BackupCopyRequested(backup=name, to=NAS), name, None, round_)


def cancel(desk: Desk, line: Line, url: str, chance: random.Random) -> bool:
    """Cancels some job that is under way, as `snapline cancel` does; False if there is none."""
    running = [asked for asked in desk.unanswered() if asked.kind in ("backup", "restore")]
    for asked in chance.sample(running, len(running)):
        job = Job("backup" if asked.kind == "backup" else "restore", asked.subject)
        if ledger.exists(line.store, keys.running(job)):
            asked.excuses.add("cancelled")
            line.store.create(keys.cancel(job), b'{"at": "2026-01-01T00:00:00+00:00"}')
            with suppress(SnaplineError):
                broker.broadcast_cancel(url, job)
            return True
    return False

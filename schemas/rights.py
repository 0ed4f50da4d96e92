"""Who may ask for what: RabbitMQ says who has sent a request, we decide whether that user may.

RabbitMQ's topic permissions are the outer fence only: they look at nothing but the routing key.
"""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from schemas import events as e
from schemas.errors import Code
from schemas.messages import Message
from schemas.settings import PREFIX, Settings

RESTORES = (e.RestoreRequested,)
UPKEEP = (e.BackupDeleteRequested, e.BackupVerifyRequested, e.RepositoryPruneRequested)
ANYBODYS_USER = "guest"
"""As whom a client connects whose URL names nobody."""


@dataclass(frozen=True)
class Rights:
    """Users of the broker. The `line`'s own may ask for everything, and are believed what happens inside; `restore` may
    also ask for restores, and `upkeep` for deletions, verifications and prunes. Everybody may ask for backups."""

    line: frozenset[str]
    restore: frozenset[str] = frozenset()
    upkeep: frozenset[str] = frozenset()

    def refusal(self, sender: str, asked: e.Event) -> Message | None:
        """Why `sender` may not ask for that; None if they may."""
        if isinstance(asked, RESTORES):
            allowed, setting = self.restore, f"{PREFIX}RESTORE_USERS"
        elif isinstance(asked, UPKEEP):
            allowed, setting = self.upkeep, f"{PREFIX}UPKEEP_USERS"
        else:
            return None
        if sender in self.line | allowed:
            return None
        text = f"user {sender!r:.300} may not ask for {asked.type}; {setting} names who else may"
        return Message(code=Code.SENDER_NOT_ALLOWED, text=text, subject=sender)


def rights(settings: Settings) -> Rights:
    """What the settings say."""
    return Rights(
        line=_names(settings.trusted_users) | {user(settings)},
        restore=_names(settings.restore_users),
        upkeep=_names(settings.upkeep_users),
    )


def user(settings: Settings) -> str:
    """As whom the broker knows this process."""
    return unquote(urlsplit(settings.amqp_url.get_secret_value()).username or ANYBODYS_USER)


def _names(listed: str) -> frozenset[str]:
    return frozenset(name.strip() for name in listed.split(",") if name.strip())

"""Who may ask for what, and who is believed: RabbitMQ says who has sent a message, we decide what that user may say.

RabbitMQ's topic permissions are the outer fence only: they look at nothing but the routing key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from schemas import events as e
from schemas import topology
from schemas.errors import Code, Invalid
from schemas.messages import Message
from schemas.services import serves, tells
from schemas.settings import PREFIX, Settings

RESTORES = (e.RestoreRequested, e.BackupTestRestoreRequested)
UPKEEP = (e.BackupCopyRequested, e.BackupDeleteRequested, e.BackupVerifyRequested, e.RepositoryPruneRequested)
ANYBODYS_USER = "guest"
"""As whom a client connects whose URL names nobody."""


@dataclass(frozen=True)
class Rights:
    """Users of the broker. The `line`'s own may ask for everything, and are believed what happens inside; `restore` may
    also ask for restores, and `upkeep` for deletions, verifications and prunes. Everybody may ask for backups. Those of
    `services` (user to service) are believed what their service tells, may ask for what it asks for, and no more."""

    line: frozenset[str]
    restore: frozenset[str] = frozenset()
    upkeep: frozenset[str] = frozenset()
    services: Mapping[str, str] = field(default_factory=dict)

    def believes(self, sender: str, told: type[e.Event]) -> bool:
        """Whether an internal event is taken from that sender."""
        return sender in self.line or (sender in self.services and told in tells(self.services[sender]))

    def serves(self, user: str, queue: str) -> bool:
        """Whether the user may be a worker of that queue, so that what it notes on a message of the queue counts."""
        return user in self.line or (user in self.services and serves(self.services[user], queue))

    @property
    def node_queues(self) -> list[str]:
        """The queues of the nodes whose workers have users of their own."""
        return sorted({name for name in self.services.values() if name.startswith(topology.NODE_QUEUE_PREFIX)})

    def refusal(self, sender: str, asked: e.Event) -> Message | None:
        """Why `sender` may not ask for that; None if they may."""
        if isinstance(asked, RESTORES):
            allowed, setting = self.restore, f"{PREFIX}RESTORE_USERS"
        elif isinstance(asked, UPKEEP):
            allowed, setting = self.upkeep, f"{PREFIX}UPKEEP_USERS"
        else:
            return None
        if sender in self.line | allowed or self.believes(sender, type(asked)):
            return None
        text = f"user {sender!r:.300} may not ask for {asked.type}; {setting} names who else may"
        return Message(code=Code.SENDER_NOT_ALLOWED, text=text, subject=sender)


def rights(settings: Settings) -> Rights:
    """What the settings say. Raises Invalid for a service that there is not."""
    trusted = [name.partition("=") for name in sorted(_names(settings.trusted_users))]
    return Rights(
        line=frozenset(name for name, parted, _ in trusted if not parted) | {user(settings)},
        restore=_names(settings.restore_users),
        upkeep=_names(settings.upkeep_users),
        services={name.strip(): _service(service.strip()) for name, parted, service in trusted if parted},
    )


def _service(name: str) -> str:
    try:
        tells(name)
    except KeyError as error:
        raise Invalid(f"{PREFIX}TRUSTED_USERS: {error.args[0]}") from error
    return name


def user(settings: Settings) -> str:
    """As whom the broker knows this process."""
    return unquote(urlsplit(settings.amqp_url.get_secret_value()).username or ANYBODYS_USER)


def _names(listed: str) -> frozenset[str]:
    return frozenset(name.strip() for name in listed.split(",") if name.strip())

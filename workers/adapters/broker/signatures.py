"""Who has signed a request, and who must."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from schemas import signing
from schemas.errors import Invalid, MalformedEvent
from schemas.settings import PREFIX, Settings

EVERYBODY = "*"


@dataclass(frozen=True)
class Signatures:
    """The `keys` that are trusted, by their ids; and the users who may carry none but signed requests."""

    keys: Mapping[str, Ed25519PublicKey]
    required_of: frozenset[str] = frozenset()
    audience: str = ""
    fresh: float = 900
    """Seconds that a signature counts."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def signer(self, header: object, body: bytes, carrier: str) -> str | None:
        """The sender that the signature of a request says; None for one that needs none and has none. `carrier` is the
        user that has published it. Raises MalformedEvent for a signature that does not hold, and for none where one is
        wanted."""
        if header is None:
            if carrier in self.required_of or EVERYBODY in self.required_of:
                setting = f"{PREFIX}SIGNED_USERS"
                raise MalformedEvent(f"the user {carrier!r:.300} may carry signed requests only ({setting})")
            return None
        if not self.keys:
            raise MalformedEvent(f"it is signed, and no key is trusted here: set {PREFIX}REQUEST_KEYS")
        now = self.now().timestamp()
        return signing.SIGNER + signing.verify(
            header, body, self.keys, now=now, fresh=self.fresh, audience=self.audience
        )


NO_KEYS = Signatures({})
"""Nobody's signature counts, and nobody has to sign."""


def signatures(settings: Settings, now: Callable[[], datetime]) -> Signatures:
    """What the settings say. Raises Invalid for a folder or a key that cannot be read, and for users who must sign
    where no key is trusted."""
    required = frozenset(name.strip() for name in settings.signed_users.split(",") if name.strip())
    keys = {} if settings.request_keys is None else trusted_keys(settings.request_keys)
    if required and not keys:
        raise Invalid(f"{PREFIX}SIGNED_USERS is set, and {PREFIX}REQUEST_KEYS names no folder with a key in it")
    return Signatures(keys, required, settings.signature_audience, settings.signature_seconds, now)


def trusted_keys(folder: Path) -> dict[str, Ed25519PublicKey]:
    """Key id -> key. Raises Invalid."""
    if not folder.is_dir():
        raise Invalid(f"there is no folder {folder} of request keys")
    try:
        return {file.stem: signing.load_public(file.stem, file.read_bytes()) for file in sorted(folder.glob("*.pem"))}
    except OSError as error:
        raise Invalid(f"could not read the request keys in {folder}: {error.strerror}") from error

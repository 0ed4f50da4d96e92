"""With which certificate our servers speak TLS."""

import ssl
from pathlib import Path
from typing import TypedDict

from schemas.errors import Invalid
from schemas.settings import PREFIX, Settings

NAMES = f"{PREFIX}TLS_CERTIFICATE and {PREFIX}TLS_KEY"


class Files(TypedDict, total=False):
    """As uvicorn takes them."""

    ssl_certfile: Path
    ssl_keyfile: Path


def files(settings: Settings) -> Files:
    """The certificate, with its chain, and its key; none where TLS ends in front of us. Raises Invalid for one without
    the other, and for files that are no such pair: then nobody is served."""
    chain, key = settings.tls_certificate, settings.tls_key
    if chain is None and key is None:
        return {}
    if chain is None or key is None:
        raise Invalid(f"{NAMES} belong together, and one of them is not set")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key, password=lambda: "")
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise Invalid(f"{NAMES} are not a certificate and its key without a password: {error}") from error
    return {"ssl_certfile": chain, "ssl_keyfile": key}

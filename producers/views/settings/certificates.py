"""The certificates of authorities that a destination believes, as people see them."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class CertificateView:
    """One authority: its name, and until when its certificate is valid (UTC)."""

    subject: str
    valid_until: datetime


def certificates(pem: str) -> list[CertificateView]:
    """Those of authorities in a PEM text. Raises nothing: what cannot be read is left out."""
    try:
        found = ssl.create_default_context(cadata=pem).get_ca_certs() if pem else []
    except (ssl.SSLError, ValueError):
        return []
    return [CertificateView(_named(each), _time(str(each["notAfter"]))) for each in found]


def as_pem(certificate: bytes) -> str:
    """A certificate as a file has it, PEM or DER, as PEM. Raises ValueError for a file that is neither."""
    try:
        text = certificate.decode("ascii")
    except UnicodeDecodeError:
        text = ""
    if "-----BEGIN" in text:
        return text
    pem = ssl.DER_cert_to_PEM_cert(certificate)
    try:
        ssl.create_default_context(cadata=pem)
    except ssl.SSLError:
        raise ValueError("the file is no certificate") from None
    return pem


def _named(certificate: Mapping[str, Any]) -> str:
    """The common name, else the whole one."""
    parts = [pair for group in certificate.get("subject", ()) for pair in group]
    return str(dict(parts).get("commonName") or ", ".join(str(value) for _, value in parts))


def _time(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)

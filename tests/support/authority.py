"""A certificate authority of a test's own, and certificates by it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """PEM files of a certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates; `file` is by what it is believed."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._serial = 0
        builder = self._builder(self._name, self._key.public_key(), timedelta(0))
        ca = x509.BasicConstraints(ca=True, path_length=0)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(_pem(builder.add_extension(ca, critical=True).sign(self._key, SHA256())))

    def pair(self, *names: str, ended: timedelta = timedelta(0)) -> Pair:
        """A certificate for addresses or names of a host, good for a day around now, or around so long ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        self._serial += 1
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
        alternatives = x509.SubjectAlternativeName([_general(name) for name in names])
        builder = self._builder(subject, key.public_key(), ended).add_extension(alternatives, critical=False)
        pair = Pair(self._folder / f"{self._serial}.crt", self._folder / f"{self._serial}.key")
        pair.certificate.write_bytes(_pem(builder.sign(self._key, SHA256())))
        pair.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return pair

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, ended: timedelta) -> x509.CertificateBuilder:
        now = datetime.now(UTC) - ended
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
        )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)

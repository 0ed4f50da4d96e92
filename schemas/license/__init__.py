"""The kots.io License, which says whether a customer may take snapshots: its text, its signature, the verdict."""

from schemas.license.signature import LicenseInvalid
from schemas.license.text import read_license
from schemas.license.verdict import Verdict, VerifiedLicense, load_trusted_keys, verdict, verify

__all__ = [
    "LicenseInvalid",
    "Verdict",
    "VerifiedLicense",
    "load_trusted_keys",
    "read_license",
    "verdict",
    "verify",
]

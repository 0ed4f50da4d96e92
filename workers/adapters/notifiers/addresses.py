"""To which addresses a notification may go: people give us URLs, and our servers stand where theirs do not reach.

Nobody may be told at a link-local address, where clouds keep their metadata and credentials, nor at what is no single
server; and without leave nobody on this machine or in a private network. What a name stands for is looked at when it is
connected to, and that very address is connected to: a name may stand for another one a moment later.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from schemas.errors import Code, Invalid, TransientError

Address = IPv4Address | IPv6Address

METADATA = tuple(
    map(
        ip_network,
        (
            "169.254.0.0/16",  # link-local: AWS, Google, Azure, DigitalOcean, OpenStack
            "fe80::/10",
            "fd00:ec2::/32",  # AWS
            "fd20:ce::/32",  # Google
            "100.100.100.200/32",  # Alibaba
            "168.63.129.16/32",  # Azure
            "192.0.0.0/24",  # Oracle
        ),
    )
)
_NAT64 = ip_network("64:ff9b::/96")


def allowed(host: str, port: int, allow_private: bool) -> str:
    """An address of `host` that may be connected to. Raises Invalid (`AddressRefused`) if there is none,
    TransientError for a name that is not known now."""
    found = _addresses(host, port)
    for address in found:
        if refusal(address, allow_private) is None:
            return str(address)
    why = refusal(found[0], allow_private) if found else None
    raise Invalid(f"{host} may not be notified: its address is {why or 'none'}", code=Code.ADDRESS_REFUSED)


def refused(host: str, port: int) -> str | None:
    """Why a server of that name may not be asked for anything, wherever it stands: one of its addresses is none for
    anybody. None if it may, or its name is not known now."""
    try:
        found = _addresses(host, port)
    except TransientError:
        return None
    return next((why for address in found if (why := refusal(address, allow_private=True))), None)


def refusal(address: Address, allow_private: bool) -> str | None:
    """Why nobody may be notified there; None if somebody may."""
    bare = _bare(address)
    if any(bare in network for network in METADATA if network.version == bare.version):
        return "link-local, or one of a cloud's metadata"
    if bare.is_multicast or bare.is_unspecified or _is_reserved(bare):
        return "none of a single server"
    if bare.is_loopback or not bare.is_global:
        return None if allow_private else "on this machine or in a private network"
    return None


def _is_reserved(address: Address) -> bool:
    return address.is_reserved and not address.is_loopback  # ::1 is in a reserved network, too


def _bare(address: Address) -> Address:
    """An IPv4 address that is written as an IPv6 one leads to the same server."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or _compatible(address) or address


def _compatible(address: IPv6Address) -> IPv4Address | None:
    """`::192.0.2.1`, which some systems still take for IPv4; but for `::` and `::1`."""
    number = int(address)
    return IPv4Address(number) if 1 < number < 2**32 else None


def _addresses(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TransientError(f"could not notify {host}: its name is not known") from None
    return [ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]

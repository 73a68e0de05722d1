"""Which addresses this server may connect to at somebody else's word: public ones, and networks the operator names."""

import socket
import ssl
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import AddrInfoType, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver

from coachwire.notifications.settings import Network

# Public by their numbers only: what a machine in a cloud is told by (Azure, Oracle), and what documents use.
NOBODYS = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"), IPv6Network("3fff::/20"))
NAT64 = IPv6Network("64:ff9b::/96")
NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")


class RefusedAddress(OSError):
    """Not an address to connect to. The message names none."""

    def __init__(self) -> None:
        super().__init__("refused address")


class Gate:
    """Asked with the very address that a socket is to connect to, so that a name which resolves otherwise the next
    time, an address in an odd spelling or one inside another gains nothing."""

    def __init__(self, networks: Sequence[Network] = (), *, only: bool = False) -> None:
        """`networks` are admitted although they are private; `only`: and nothing else is."""
        self._networks = networks
        self._only = only

    def admits(self, address: str) -> bool:
        meant = _meant(ip_address(address.partition("%")[0]))
        if any(meant in network for network in self._networks):
            return True
        return not self._only and _is_public(meant)

    def open_socket(self, info: AddrInfoType) -> socket.socket:
        """For a connector. Raises `RefusedAddress`."""
        family, kind, protocol, _, address = info
        if not self.admits(str(address[0])):
            raise RefusedAddress
        return socket.socket(family, kind, protocol)


def gated_session(
    gate: Gate, *, seconds: float, most: int, resolver: AbstractResolver | None = None
) -> ClientSession:
    """A client that goes through the gate, waits so long for an answer, and keeps nothing between two calls. Whoever
    posts must forbid redirects."""
    connector = TCPConnector(
        limit=most,
        ssl=ssl.create_default_context(),
        use_dns_cache=False,
        resolver=resolver,
        socket_factory=gate.open_socket,
    )
    return ClientSession(
        connector=connector,
        timeout=ClientTimeout(total=seconds),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        headers={"User-Agent": "coachwire"},
    )


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one leads to."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if any(address in network for network in NOBODYS):
        return False
    if address.is_multicast or address.is_reserved or address.is_unspecified or not address.is_global:
        return False
    return isinstance(address, IPv4Address) or not (
        address.is_site_local or address.teredo or address in NAT64_LOCAL
    )

"""Which addresses a call may reach that somebody else has named.

Who files a task chooses its callback URL, who sends a picture where it lies, and the node may stand
where they may not go. So names are resolved here and only checked addresses are connected to: a
name that answers differently a moment later (DNS rebinding) changes nothing.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

MAX_URL = 2_000

Address = IPv4Address | IPv6Address

# Where clouds answer about themselves, outside of the link-local ranges.
_METADATA = frozenset(map(ip_address, ("100.100.100.200", "fd00:ec2::254", "192.0.0.192")))
_NAT64 = ip_network("64:ff9b::/96")


class Refusal(OSError):
    """An address that must not be called."""


def problem_of(address: Address, *, private: bool) -> str | None:
    """Why nobody may have us call there; ``None`` when it may."""
    real = _embedded(address) or address
    if real in _METADATA or real.is_link_local:
        return "is a link-local or metadata address"
    if real.is_multicast or real.is_unspecified:
        return "is not the address of one host"
    if not private and not real.is_global:
        return "is a private address (the channel's settings may allow those)"
    return None


def _embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one only wraps: mapped, 6to4, Teredo or NAT64."""
    if not isinstance(address, IPv6Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def problem_of_url(url: str, *, private: bool) -> str | None:
    """What is wrong with a URL as it stands; names are looked up only when it is called."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"is not a URL: {error}"
    problem = None
    if parts.scheme not in ("http", "https") or not host:
        problem = "must be an http or https URL with a host"
    elif len(url) > MAX_URL:
        problem = f"may have {MAX_URL} characters at most"
    elif parts.username is not None or parts.password is not None:
        problem = "must not carry a user or password"
    elif any(c.isspace() or not c.isprintable() for c in url):
        problem = "must not hold spaces or control characters"
    elif (address := _literal(host)) is not None:
        problem = problem_of(address, private=private)
    return problem


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


class GuardedResolver(AbstractResolver):
    """Resolves names to checked addresses only. Raises ``Refusal`` if none may be reached."""

    def __init__(self, *, private: bool, inner: AbstractResolver | None = None) -> None:
        self._private = private
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            found = await self._inner.resolve(host, port, family)
        except UnicodeError as error:  # a label is empty, or too long
            raise Refusal(f"{host} is no name of a host") from error
        allowed, refused = [], ""
        for one in found:
            problem = problem_of(ip_address(one["host"].partition("%")[0]), private=self._private)
            if problem is None:
                allowed.append(one)
            else:
                refused = f"{host} {problem}"
        if not allowed:
            raise Refusal(refused or f"{host} has no address")
        return allowed

    async def close(self) -> None:
        await self._inner.close()

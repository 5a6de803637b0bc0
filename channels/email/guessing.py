"""Servers for an address: by whose domain it is, who takes its mail, and what answers there.

In this order: a provider that is known by the domain or by its MX (RFC 5321); what the domain
itself says of its servers (RFC 6186, RFC 8314); the names that most have, tried.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import idna
from msgspec import Struct

from channels.email.addresses import addresses, valid
from channels.email.diagnose import Protocol as MailProtocol
from channels.email.diagnose import Spoken, listen_to, wrong_with
from channels.email.providers import Provider, of_domain, of_exchange
from channels.email.settings import Security
from gateway.core.errors import Refused
from gateway.ports import Guess

_AT_ONCE = 8
Hears = Callable[[str, int, Security], Awaitable[Spoken]]


class Names(Protocol):
    """Who is asked for names."""

    async def mail_exchanges(self, domain: str) -> list[str]:
        """The hosts that take the domain's mail, the preferred first; none if nobody knows."""
        ...

    async def service(self, name: str) -> tuple[str, int] | None:
        """Host and port that a domain names for ``_imaps._tcp…``."""
        ...


class Server(Struct, frozen=True):
    """One that may be it."""

    host: str
    port: int
    security: Security


async def guess(address: str, names: Names | None = None, hears: Hears = listen_to) -> Guess:
    """Settings that may fit. Raises ``Refused`` for what is no address."""
    found = addresses(address)
    if len(found) != 1 or not valid(found[0].address):
        raise Refused("bad_field", f"{address!r} is no mail address", "address")
    user = found[0].address
    domain = user.rpartition("@")[2].lower()
    if (provider := of_domain(domain)) is not None:
        return _of_provider(provider, user, f"{domain} belongs to {provider.label}")
    ask = names or _dns()
    asked = _in_ascii(domain)
    exchanges = await ask.mail_exchanges(asked)
    for host in exchanges:
        if (provider := of_exchange(host)) is not None:
            why = f"{provider.label} takes the mail for {domain} ({host})"
            return _of_provider(provider, user, why)
    imap, by_imap = await _find("IMAP", asked, exchanges, ask, hears)
    smtp, by_smtp = await _find("SMTP", asked, exchanges, ask, hears)
    return Guess(settings=_settings(imap, smtp, user), because=(by_imap, by_smtp))


def _dns() -> Names:
    """Read when it is needed: a tenth of a second of every start for what is seldom asked."""
    from channels.email.names import Dns  # noqa: PLC0415 - as the docstring says

    return Dns()


def _in_ascii(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return domain


def _of_provider(provider: Provider, user: str, why: str) -> Guess:
    settings = _settings(
        Server(provider.imap, provider.imap_port, "tls"),
        Server(provider.smtp, provider.smtp_port, provider.smtp_security),
        user,
    )
    grant = provider.grant
    if grant is not None:
        oauth2 = {"token_url": grant.token_url, "scope": grant.scope, "consent": True}
        settings["imap"]["oauth2"] = settings["smtp"]["oauth2"] = oauth2
    return Guess(
        settings=settings,
        because=(why,),
        provider=provider.label,
        hint="; ".join(filter(None, (grant.help if grant else "", provider.hint))),
        consent=grant is not None,
    )


def _settings(imap: Server | None, smtp: Server | None, user: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for part, server in (("imap", imap), ("smtp", smtp)):
        if server is not None:
            out[part] = {
                "host": server.host,
                "port": server.port,
                "security": server.security,
                "user": user,
            }
    return out


_SERVICES: dict[MailProtocol, Sequence[tuple[str, Security]]] = {
    "IMAP": (("_imaps._tcp", "tls"), ("_imap._tcp", "starttls")),
    "SMTP": (("_submissions._tcp", "tls"), ("_submission._tcp", "starttls")),
}
_PORTS: dict[MailProtocol, Sequence[tuple[int, Security]]] = {
    "IMAP": ((993, "tls"), (143, "starttls")),
    "SMTP": ((465, "tls"), (587, "starttls")),
}


async def _find(
    protocol: MailProtocol, domain: str, exchanges: Sequence[str], names: Names, hears: Hears
) -> tuple[Server | None, str]:
    for service, security in _SERVICES[protocol]:
        if (named := await names.service(f"{service}.{domain}")) is not None:
            told = f"{domain} names {named[0]}:{named[1]} for {protocol}"
            return Server(*named, security), told
    hosts = dict.fromkeys(
        (f"{protocol.lower()}.{domain}", f"mail.{domain}", *exchanges[:1], domain)
    )
    tried = [Server(host, port, how) for host in hosts for port, how in _PORTS[protocol]]
    room = asyncio.Semaphore(_AT_ONCE)

    async def answers(one: Server) -> bool:
        async with room:
            it = await hears(one.host, one.port, one.security)
        fits = not wrong_with(protocol, one.host, one.port, one.security, it)
        return fits and it.begins in {"tls", "plain"}

    heard = await asyncio.gather(*(answers(one) for one in tried))
    for one, fits in zip(tried, heard, strict=True):
        if fits:
            return one, f"{one.host}:{one.port} speaks {protocol}"
    return None, f"no {protocol} server was found: tried {', '.join(hosts)}; ask your provider"

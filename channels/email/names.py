"""What the domain name system says of a domain's mail servers."""

from typing import Any

import dns.asyncresolver
import dns.exception

_DNS_SECONDS = 4.0


class Dns:
    """The machine's own resolver."""

    def __init__(self, resolver: dns.asyncresolver.Resolver | None = None) -> None:
        self._resolver = resolver

    async def _ask(self, name: str, kind: str) -> list[Any]:
        resolver = self._resolver or dns.asyncresolver.Resolver()
        try:
            return list(await resolver.resolve(name, kind, lifetime=_DNS_SECONDS))
        except (dns.exception.DNSException, OSError):
            return []

    async def mail_exchanges(self, domain: str) -> list[str]:
        found = sorted(await self._ask(domain, "MX"), key=lambda one: int(one.preference))
        hosts = [one.exchange.to_text(omit_final_dot=True) for one in found]
        return [host for host in hosts if host and host != "."]

    async def service(self, name: str) -> tuple[str, int] | None:
        found = sorted(await self._ask(name, "SRV"), key=lambda one: int(one.priority))
        if not found:
            return None
        host = found[0].target.to_text(omit_final_dot=True)
        return (host, int(found[0].port)) if host not in {"", "."} else None  # RFC 6186: "." is no

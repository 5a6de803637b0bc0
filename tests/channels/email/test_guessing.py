"""Servers for an address: by provider, by what the domain says, by what answers."""

import asyncio
from typing import Any

import dns.asyncresolver
import dns.message
import dns.rrset
import pytest

from channels.email.diagnose import Spoken
from channels.email.guessing import guess
from channels.email.names import Dns
from gateway.core.errors import Refused


class Said:
    """A domain name system of our own making."""

    def __init__(self, mx: tuple[str, ...] = (), **services: tuple[str, int]) -> None:
        self.mx, self.services = mx, services

    async def mail_exchanges(self, _domain: str) -> list[str]:
        return [*self.mx]

    async def service(self, name: str) -> tuple[str, int] | None:
        return self.services.get(name.partition(".")[0].strip("_"))


def hearing(*there: str) -> Any:
    """Only what is named answers, as ``host:port`` to what it begins with."""
    known = dict(one.split(" ", 1) for one in there)

    async def hears(host: str, port: int, _security: str) -> Spoken:
        said = known.get(f"{host}:{port}")
        if said is None:
            return Spoken(begins="nobody", why="nobody")
        return Spoken(begins="tls" if port in {993, 465} else "plain", banner=said)

    return hears


NOBODY = hearing()


async def test_a_provider_is_known_by_the_domain_or_by_who_takes_its_mail() -> None:
    by_domain = await guess("Ana <ana@gmail.com>", Said(), NOBODY)
    assert (by_domain.provider, by_domain.consent) == ("Google (Gmail, Workspace)", True)
    assert by_domain.settings["imap"]["host"] == "imap.gmail.com"
    assert by_domain.settings["smtp"]["oauth2"]["consent"] is True
    by_mx = await guess(
        "help@shop.example", Said(mx=("shop-example.mail.protection.outlook.com",)), NOBODY
    )
    assert by_mx.settings["imap"]["host"] == "outlook.office365.com"
    assert "takes the mail for shop.example" in by_mx.because[0]


async def test_what_a_domain_says_of_its_servers_goes_before_what_most_have() -> None:
    said = Said(imaps=("post.shop.example", 9993), submission=("out.shop.example", 588))
    found = await guess("help@shop.example", said, hearing("imap.shop.example:993 * OK hi"))
    assert found.settings["imap"] == {
        "host": "post.shop.example",
        "port": 9993,
        "security": "tls",
        "user": "help@shop.example",
    }
    assert (found.settings["smtp"]["port"], found.settings["smtp"]["security"]) == (588, "starttls")


async def test_elsewhere_the_usual_names_are_tried_and_the_safest_that_answers_is_taken() -> None:
    hears = hearing(
        "mail.shop.example:143 * OK plain",
        "mail.shop.example:993 * OK hidden",
        "smtp.shop.example:465 * OK not smtp",
        "mx.shop.example:587 220 mx",
    )
    found = await guess("help@shop.example", Said(mx=("mx.shop.example",)), hears)
    assert (found.settings["imap"]["host"], found.settings["imap"]["port"]) == (
        "mail.shop.example",
        993,
    )
    assert found.settings["smtp"]["host"] == "mx.shop.example"
    nothing = await guess("help@shop.example", Said(), NOBODY)
    assert nothing.settings == {}
    assert "no IMAP server was found" in nothing.because[0]
    with pytest.raises(Refused, match="is no mail address"):
        await guess("nobody", Said(), NOBODY)


class NameServer(asyncio.DatagramProtocol):
    """Answers MX and SRV of shop.example; of anything else it says that there is no such name."""

    ZONE = (
        "shop.example. 60 IN MX 20 second.example.",
        "shop.example. 60 IN MX 10 first.example.",
        "_imaps._tcp.shop.example. 60 IN SRV 0 1 993 post.example.",
        "_imap._tcp.shop.example. 60 IN SRV 0 0 0 .",
    )

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        asked = dns.message.from_wire(data)
        question = asked.question[0]
        answer = dns.message.make_response(asked)
        for line in self.ZONE:
            name, ttl, _, kind, *rest = line.split(" ")
            if name == question.name.to_text() and kind == question.rdtype.name:
                answer.answer.append(
                    dns.rrset.from_text(name, int(ttl), "IN", kind, " ".join(rest))
                )
        if not answer.answer:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(answer.to_wire(), addr)


@pytest.mark.integration
async def test_names_are_asked_for_by_dns_and_silence_is_no_answer() -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = transport.get_extra_info("sockname")[1]
    names = Dns(resolver)
    try:
        assert await names.mail_exchanges("shop.example") == ["first.example", "second.example"]
        assert await names.mail_exchanges("nowhere.example") == []
        assert await names.service("_imaps._tcp.shop.example") == ("post.example", 993)
        assert await names.service("_imap._tcp.shop.example") is None, (
            "a dot says that there is none"
        )
    finally:
        transport.close()

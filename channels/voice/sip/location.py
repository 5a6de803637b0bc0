"""Where a request goes (RFC 3263): from a URI to addresses, best first; pure.

``locate`` is a generator: it yields what it wants to know of the DNS, is sent the answers, and
returns the ways. Each further one is for when the one before fails (§4.3).
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from ipaddress import ip_address
from typing import Literal

from msgspec import Struct

from channels.voice.sip.flow import DEFAULT_PORTS, Flow, Transport
from channels.voice.sip.grammar import Uri

MOST = 10
TRANSPORTS: dict[str, Transport] = {"udp": "UDP", "tcp": "TCP", "tls": "TLS"}
SERVICES: dict[str, Transport] = {"SIP+D2U": "UDP", "SIP+D2T": "TCP", "SIPS+D2T": "TLS"}
SRV_NAMES: dict[Transport, str] = {"UDP": "_sip._udp", "TCP": "_sip._tcp", "TLS": "_sips._tcp"}


class Question(Struct, frozen=True):
    kind: Literal["NAPTR", "SRV", "ADDRESS"]
    name: str


class Pointer(Struct, frozen=True, kw_only=True):
    """A NAPTR record."""

    order: int
    preference: int
    service: str
    replacement: str


class Service(Struct, frozen=True, kw_only=True):
    """An SRV record."""

    priority: int
    weight: int
    port: int
    host: str


Answers = Sequence[Pointer | Service | str]
"""Of the kind that was asked for; addresses are text. Empty: there is nothing of that name."""
Lookup = Generator[Question, Answers, list[Flow]]


class Unlocatable(Exception):
    """We speak nothing that this URI asks for."""


def locate(uri: Uri, dice: Callable[[], float]) -> Lookup:
    """The ways to ``uri``, which is ``sip`` or ``sips``. Raises ``Unlocatable``."""
    transport = _asked_for(uri)
    host = uri.params.get("maddr") or uri.host
    default: Transport = "TLS" if uri.secure else "UDP"
    if _numeric(host):
        transport = transport or default
        port = uri.port or DEFAULT_PORTS[transport]
        return [Flow(transport=transport, host=host, port=port)]
    if uri.port is not None:
        return (yield from _addresses(host, transport or default, uri.port))
    services = yield from _services(host, transport, secure=uri.secure)
    for name_transport, found in services:
        ways: list[Flow] = []
        for service in in_turn(found, dice):
            if len(ways) < MOST:
                ways += yield from _addresses(service.host, name_transport, service.port)
        if ways:
            return ways[:MOST]
    transport = transport or default
    return (yield from _addresses(host, transport, DEFAULT_PORTS[transport]))


def in_turn(services: Iterable[Service], dice: Callable[[], float]) -> list[Service]:
    """By priority, and among equals at random by weight (RFC 2782)."""
    left = sorted(services, key=lambda s: (s.priority, s.weight > 0, s.host, s.port))
    turn: list[Service] = []
    while left:
        equals = [s for s in left if s.priority == left[0].priority]
        at = dice() * sum(s.weight for s in equals)
        chosen = equals[-1]
        for one in equals:
            at -= one.weight
            if at <= 0:
                chosen = one
                break
        left.remove(chosen)
        turn.append(chosen)
    return turn


def _asked_for(uri: Uri) -> Transport | None:
    said = uri.params.get("transport", "").lower()
    if uri.scheme not in {"sip", "sips"}:
        raise Unlocatable(f"{uri.scheme} is no SIP URI")
    if not said:
        return None
    if said not in TRANSPORTS or (uri.secure and said == "udp"):
        raise Unlocatable(f"transport {said} is not to be had")
    return "TLS" if uri.secure else TRANSPORTS[said]


def _services(
    host: str, transport: Transport | None, *, secure: bool
) -> Generator[Question, Answers, list[tuple[Transport, list[Service]]]]:
    """SRV records by transport, in the order in which the domain wants them."""
    names: list[tuple[Transport, str]] = []
    if transport is None:
        pointers = [p for p in (yield Question("NAPTR", host)) if isinstance(p, Pointer)]
        for pointer in sorted(pointers, key=lambda p: (p.order, p.preference)):
            kind = SERVICES.get(pointer.service.upper())
            if kind is not None and (kind == "TLS" or not secure):
                names.append((kind, pointer.replacement))
    if not names:
        wanted: Iterable[Transport] = (transport,) if transport else ("UDP", "TCP", "TLS")
        names = [
            (kind, f"{SRV_NAMES[kind]}.{host}") for kind in wanted if kind == "TLS" or not secure
        ]
    found: list[tuple[Transport, list[Service]]] = []
    for kind, name in names[:MOST]:
        records = [s for s in (yield Question("SRV", name)) if isinstance(s, Service)]
        # A single "." says that there is decidedly no such service.
        there = [s for s in records if s.host.strip(".")]
        if there:
            found.append((kind, there))
    return found


def _addresses(
    host: str, transport: Transport, port: int
) -> Generator[Question, Answers, list[Flow]]:
    if _numeric(host):
        return [Flow(transport=transport, host=host, port=port)]
    found = yield Question("ADDRESS", host)
    return [Flow(transport=transport, host=a, port=port) for a in found if isinstance(a, str)][
        :MOST
    ]


def _numeric(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True

"""Which trunks are there (OPTIONS), which is to be tried next, and who may speak for one; pure."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from msgspec import Struct

Network = IPv4Network | IPv6Network

EACH_SECONDS = 30.0
SOON_SECONDS = 5.0
"""To a trunk that is down: it is wanted back at once."""
DEAD = frozenset({408, 503})


class Trunk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A carrier or PBX. From ``allow`` (addresses, networks) its word on who calls is taken."""

    name: str
    uri: str
    allow: tuple[str, ...] = ()
    user: str = ""
    password: str = ""
    options: bool = True
    """Whether it is asked for signs of life; else it is always tried."""


class _Seen(Struct):
    up: bool = True
    next: float = 0.0
    asking: bool = False


class Trunks:
    """In the order in which they are to be tried."""

    def __init__(self, trunks: Sequence[Trunk]) -> None:
        self._trunks = {trunk.name: trunk for trunk in trunks}
        self._seen = {trunk.name: _Seen() for trunk in trunks}
        self._networks = [(_networks(trunk.allow), trunk) for trunk in trunks]

    def deadline(self) -> float | None:
        """When the next one is to be asked."""
        waiting = (
            seen.next
            for name, seen in self._seen.items()
            if self._trunks[name].options and not seen.asking
        )
        return min(waiting, default=None)

    def to_ask(self, now: float) -> list[Trunk]:
        """Send each of them OPTIONS, and tell ``answered`` what comes of it."""
        found = []
        for name, seen in self._seen.items():
            trunk = self._trunks[name]
            if trunk.options and not seen.asking and seen.next <= now:
                seen.asking = True
                found.append(trunk)
        return found

    def answered(self, name: str, status: int | None, now: float) -> bool:
        """``None``: not at all. Returns whether that is news.

        Any answer is a sign of life but 408 and 503: 404 and 405 come from one that works.
        """
        seen = self._seen[name]
        up = status is not None and status not in DEAD
        changed, seen.up, seen.asking = seen.up != up, up, False
        seen.next = now + (EACH_SECONDS if up else SOON_SECONDS)
        return changed

    def failed(self, name: str, now: float) -> bool:
        """A call came back with nothing or 503: it is down until it answers. Is that news?"""
        trunk, seen = self._trunks[name], self._seen[name]
        if not trunk.options:
            return False
        changed, seen.up, seen.next = seen.up, False, min(seen.next, now + SOON_SECONDS)
        return changed

    def in_turn(self, tried: Iterable[str] = ()) -> list[Trunk]:
        """Those to be tried still; the ones that are down last, for a sign may have been lost."""
        left = [t for t in self._trunks.values() if t.name not in set(tried)]
        return sorted(left, key=lambda trunk: not self._seen[trunk.name].up)

    def is_up(self, name: str) -> bool:
        return self._seen[name].up

    def whose(self, address: str) -> Trunk | None:
        """The trunk that speaks from this address."""
        try:
            found = ip_address(address)
        except ValueError:
            return None
        mapped = getattr(found, "ipv4_mapped", None)
        found = mapped or found
        for networks, trunk in self._networks:
            if any(found in network for network in networks):
                return trunk
        return None


def _networks(allow: Iterable[str]) -> list[Network]:
    """Raises ``ValueError`` for what is neither an address nor a network."""
    return [ip_network(one, strict=False) for one in allow]

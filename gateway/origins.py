"""Which web pages are our own. Pure.

A browser names the page's origin in every websocket handshake (RFC 6455 §10.2) and in every request
that crosses origins (RFC 6454 §7); a program names none. Tokens never travel by themselves as
cookies do, so this is a second lock, not the first.
"""

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
Origin = tuple[str, str, int]


def nobody() -> Iterable[str]:
    """A node that has no peers."""
    return ()


class Pages:
    """Our own pages: of ``public_url``, of the addresses that the operator named, and of the peers.

    A page that one node served goes on over the others when that node is gone: so ``peers`` gives
    the URLs of every node that the cluster knows, also of those that are gone just now.
    """

    def __init__(
        self,
        public_url: str,
        others: Iterable[str] = (),
        peers: Callable[[], Iterable[str]] = nobody,
    ) -> None:
        self._lasting = {key for url in (public_url, *others) if (key := origin_of(url))}
        self._peers = peers

    def has(self, origin: str) -> bool:
        """Whether a page of this origin is ours."""
        key = origin_of(origin)
        return key is not None and (key in self._lasting or key in map(origin_of, self._peers()))


def origin_of(url: str) -> Origin | None:
    """Scheme, host and port; this machine has one name for all its own."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        return None
    host = parts.hostname or ""
    return parts.scheme, "localhost" if host in _LOOPBACK else host, port

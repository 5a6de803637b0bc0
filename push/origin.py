"""Which web pages may open a socket. Pure.

A browser names the page's origin in every websocket handshake (RFC 6455 §10.2); a program names
none. Tokens never travel by themselves as cookies do, so this is a second lock, not the first.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_Key = tuple[str, str, int]


class Origins:
    """The origin of ``public_url``, and those that the operator named."""

    def __init__(self, public_url: str, others: Iterable[str] = ()) -> None:
        self._allowed = {key for url in (public_url, *others) if (key := _key(url))}

    def allows(self, origin: str | None) -> bool:
        """Whether a page of this origin may connect; no origin means no browser."""
        return origin is None or _key(origin) in self._allowed


def _key(url: str) -> _Key | None:
    """Scheme, host and port; this machine has one name for all its own."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        return None
    host = parts.hostname or ""
    return parts.scheme, "localhost" if host in _LOOPBACK else host, port

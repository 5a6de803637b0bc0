"""What a provider's answer to a text means. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from channels.calling import Reply
from gateway.core.errors import Deferred, OutcomeUnknown, SendError, TryAgain, Undeliverable

_OURS = frozenset({401, 402, 403})
"""Our account, not this text: it waits until somebody has mended that."""
_NOT_NOW = frozenset({408, 425, 429, 503})
MOST_AFTER = 3600.0
"""So many seconds of ``Retry-After`` are believed."""


def judged(reply: Reply, said: str, now: datetime) -> SendError:
    """For every answer but 2xx. ``said`` is the provider's own words, if it had any."""
    told = f"the provider answered {reply.status}" + (f": {said}" if said else "")
    if reply.status in _NOT_NOW:
        return TryAgain(told, after=retry_after(reply.headers, now))
    if reply.status in _OURS:
        return Deferred(f"{told}; check the channel's account")
    if reply.status >= 500:
        return OutcomeUnknown(told)
    return Undeliverable(told)


def retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds that we were asked to wait (RFC 9110 section 10.2.3)."""
    said = headers.get("retry-after", "").strip()
    if said.isdigit() and said.isascii():
        return min(float(said), MOST_AFTER)
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return 0.0
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, min((at - now).total_seconds(), MOST_AFTER))

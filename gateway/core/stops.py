"""One entry of the stop list. See ``core.stopping``."""

from datetime import datetime

from gateway.core.paces import hashed
from gateway.core.value import Kept


class Stop(Kept, frozen=True, kw_only=True):
    """Since when an address (``name``: its hash) wants no more, and what its owner wrote."""

    name: str
    since: datetime | None = None
    word: str = "STOP"
    active: bool = True


def key_of_stop(kind: str, address: str) -> str:
    """Under which it stands."""
    return hashed("stop", f"{kind}:{address.strip().casefold()}")


def in_words(stop: Stop) -> str:
    """What people are told."""
    since = f" since {stop.since:%Y-%m-%d %H:%M} UTC" if stop.since is not None else ""
    return f"they want no more messages here ({stop.word}{since})"

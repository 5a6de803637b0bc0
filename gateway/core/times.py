"""Default times, in seconds. A queue may set its own where ``Queue`` has a field for it."""

from gateway.core.model import ChannelKind as K
from gateway.core.model import Queue

OFFER_SECONDS = {
    K.VOICE: 15.0,
    K.WEBCHAT: 20.0,
    K.SMS: 45.0,
    K.WHATSAPP: 45.0,
    K.TELEGRAM: 45.0,
    K.CALLBACK: 45.0,
    K.EMAIL: 120.0,
    K.TASK: 120.0,
}
GRACE_SECONDS = {K.VOICE: 20.0, K.WEBCHAT: 30.0}
GRACE_SECONDS_OTHERS = 300.0
WRAPUP_SECONDS = {K.VOICE: 60.0, K.WEBCHAT: 60.0}
PASS_SECONDS = 60.0
"""How long an item that an agent let go by is not offered to that agent again."""
OUTBOUND_EXPIRES_SECONDS = 3 * 86_400.0


def offer_seconds(queue: Queue | None, kind: K) -> float:
    """How long an offer of this kind lives in this queue."""
    own = queue.offer_seconds.get(kind) if queue else None
    return own if own is not None else OFFER_SECONDS[kind]


def grace_seconds(kind: K) -> float:
    """How long an item stays with an agent whose desktop is gone."""
    return GRACE_SECONDS.get(kind, GRACE_SECONDS_OTHERS)


def wrapup_seconds(kind: K) -> float | None:
    """After how long wrap-up ends by itself; ``None``: never."""
    return WRAPUP_SECONDS.get(kind)

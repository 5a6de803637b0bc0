"""Session timers (RFC 4028): a call whose other end has died is noticed without media.

Who refreshes sends one at half the interval; the other one ends the session when none has come by
the interval less a third of it, or 32 s.
"""

from msgspec import Struct

from channels.voice.sip.grammar import BadSyntax, read_params
from channels.voice.sip.message import Field, Message, Request, Response

MIN_SECONDS = 90
USUAL_SECONDS = 1_800
LONGEST = 86_400


class SessionTimer(Struct, frozen=True, kw_only=True):
    """``ours``: we refresh."""

    seconds: int
    ours: bool

    def refresh_at(self, since: float) -> float | None:
        """When we are to refresh a session that was fresh ``since``."""
        return since + self.seconds / 2 if self.ours else None

    def expires_at(self, since: float) -> float:
        """When it is over unless it was refreshed (§10)."""
        return since + self.seconds - (0 if self.ours else min(32, self.seconds / 3))


class TooShort(Exception):
    """422: they ask for less than ``MIN_SECONDS``."""


def wanted(seconds: int = USUAL_SECONDS, least: int = MIN_SECONDS) -> tuple[Field, ...]:
    """What an INVITE of ours says."""
    return (("session-expires", str(max(seconds, least))), ("min-se", str(least)))


def agreed_as_callee(request: Request, seconds: int = USUAL_SECONDS) -> SessionTimer | None:
    """What we make of their INVITE or UPDATE; ``None``: they know no session timers.

    Raises ``TooShort`` (only of those who understand it) and ``BadSyntax``.
    """
    knows = "timer" in request.tokens("supported") | request.tokens("require")
    asked = _interval(request.first("session-expires"))
    if asked is None:
        # They may keep us company without having asked: then we are who refreshes.
        return SessionTimer(seconds=seconds, ours=True) if knows else None
    interval, refresher = asked
    if interval < MIN_SECONDS:
        if knows:
            raise TooShort
        interval = MIN_SECONDS  # a proxy asked: it is told by what we answer
    least = request.first("min-se")
    if least is not None:
        interval = max(interval, _seconds(least.partition(";")[0]))
    return SessionTimer(seconds=interval, ours=refresher == "uas" or not knows)


def told(timer: SessionTimer | None) -> tuple[Field, ...]:
    """What our 2xx says of it."""
    if timer is None:
        return ()
    who = "uas" if timer.ours else "uac"
    require: tuple[Field, ...] = () if timer.ours else (("require", "timer"),)
    return (("session-expires", f"{timer.seconds};refresher={who}"), *require)


def agreed_as_caller(response: Response) -> SessionTimer | None:
    """What their 2xx to our INVITE or UPDATE has settled; ``None``: no timer."""
    asked = _interval(response.first("session-expires"))
    if asked is None:
        return None
    interval, refresher = asked
    return SessionTimer(seconds=max(interval, MIN_SECONDS), ours=refresher != "uas")


def least_of(response: Response) -> int:
    """What a 422 asks for. Raises ``BadSyntax``."""
    return max(MIN_SECONDS, _seconds(response.first("min-se") or ""))


def lets_update(message: Message) -> bool:
    """Whether who sent this takes UPDATE, so that a refresh needs no session description."""
    return "update" in message.tokens("allow")


def _interval(value: str | None) -> tuple[int, str] | None:
    if value is None:
        return None
    seconds, semicolon, params = value.partition(";")
    refresher = read_params(semicolon + params).get("refresher", "").lower()
    return _seconds(seconds), refresher


def _seconds(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise BadSyntax("Session-Expires or Min-SE is no number of seconds")
    return min(int(text), LONGEST)

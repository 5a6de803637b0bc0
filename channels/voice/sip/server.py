"""Their requests: the INVITE server machine (§17.2.1, RFC 6026 §8.5), and the others' (§17.2.2)."""

from msgspec.structs import replace

from channels.voice.sip.message import Request, Response
from channels.voice.sip.transaction import (
    Broken,
    Fired,
    Input,
    Put,
    Reply,
    State,
    Step,
    Tell,
    Timing,
    again,
    ended,
    moved,
    waiting,
)


def begin(request: Request, *, reliable: bool, timing: Timing, now: float) -> State:
    """It has come for the first time."""
    invite = request.method == "INVITE"
    return State(
        kind="invite_server" if invite else "server",
        phase="proceeding" if invite else "trying",
        request=request,
        reliable=reliable,
        timing=timing,
        # Whoever asks for something else than a call gives up by then: nothing may stay behind.
        due={} if invite else {"unanswered": now + timing.patience},
    )


def step_invite(state: State, given: Input, now: float) -> Step:  # noqa: PLR0911 - a row each
    """One input to an INVITE of theirs."""
    match state.phase, given:
        case "proceeding", Reply(response):
            return _invite_replied(state, response, now)
        case "accepted", Reply(response) if response.success:
            return state, [Put(response)]
        case "proceeding" | "completed", Request(method="INVITE") if state.last:
            return state, [Put(state.last)]
        case "completed", Fired("G") if state.last:
            return again(state, "G", state.timing.t2, now), [Put(state.last)]
        case "completed", Request(method="ACK"):
            return waiting(state, "confirmed", "I", state.timing.t4, now), []
        case "completed", Fired("H"):
            return ended(state), [Tell("unacknowledged")]
        case "completed", Broken():
            return ended(state), [Tell("broken")]
        case "accepted", Request(method="ACK") as ack:
            return state, [Tell(ack)]
        case "confirmed" | "accepted", Fired("I" | "L"):
            return ended(state), []
        case _:
            return state, []


def _invite_replied(state: State, response: Response, now: float) -> Step:
    if response.provisional:
        return replace(state, last=response), [Put(response)]
    timing = state.timing
    if response.success:
        # Who answers repeats it until the ACK comes (§13.3.1.4): that is the dialog's business.
        return moved(state, "accepted", {"L": now + timing.patience}), [Put(response)]
    after = moved(
        state, "completed", {"H": now + timing.patience}, last=response, interval=timing.t1
    )
    if not state.reliable:
        after = replace(after, due={**after.due, "G": now + timing.t1})
    return after, [Put(response)]


def step_other(state: State, given: Input, now: float) -> Step:  # noqa: PLR0911 - a row each
    """One input to a request of theirs that is no INVITE."""
    match state.phase, given:
        case "trying" | "proceeding", Reply(response):
            if response.provisional:
                return replace(state, phase="proceeding", last=response), [Put(response)]
            after = waiting(state, "completed", "J", state.timing.patience, now)
            return replace(after, last=response), [Put(response)]
        case "proceeding" | "completed", Request() if state.last:
            return state, [Put(state.last)]
        case "trying" | "proceeding", Fired("unanswered"):
            return ended(state), [Tell("unanswered")]
        case "proceeding" | "completed", Broken():
            return ended(state), [Tell("broken")]
        case "completed", Fired("J"):
            return ended(state), []
        case _:
            return state, []

"""Our requests: the INVITE client machine (§17.1.1, RFC 6026 §8.4), and the others' (§17.1.2)."""

from math import inf

from msgspec.structs import replace

from channels.voice.sip.message import Field, Request, Response
from channels.voice.sip.transaction import (
    Broken,
    Cancelling,
    Fired,
    Input,
    Output,
    Put,
    State,
    Step,
    Tell,
    Timer,
    Timing,
    again,
    ended,
    moved,
    waiting,
)

D_SECONDS = 32.0


def begin(request: Request, *, reliable: bool, timing: Timing, now: float) -> Step:
    """Send it for the first time."""
    invite = request.method == "INVITE"
    due: dict[Timer, float] = {"B" if invite else "F": now + timing.patience}
    if not reliable:
        due["A" if invite else "E"] = now + timing.t1
    state = State(
        kind="invite_client" if invite else "client",
        phase="calling" if invite else "trying",
        request=request,
        reliable=reliable,
        timing=timing,
        due=due,
        interval=timing.t1,
        last=request,
    )
    return state, [Put(request)]


def step_invite(state: State, given: Input, now: float) -> Step:  # noqa: PLR0911 - a row each
    """One input to our INVITE."""
    match state.phase, given:
        case "calling", Fired("A"):
            return again(state, "A", inf, now), [Put(state.request)]
        case ("calling", Fired("B")) | ("calling" | "proceeding", Fired("cancel")):
            return ended(state), [Tell("timeout")]
        case "calling" | "proceeding", Broken():
            return ended(state), [Tell("broken")]
        case "calling" | "proceeding", Cancelling():
            # §9.1: who never answers it has cancelled it all the same.
            return replace(state, due={**state.due, "cancel": now + state.timing.patience}), []
        case "calling" | "proceeding", Response() as response:
            return _invite_answered(state, response, now)
        case "completed", Response(status=status) if status >= 300 and state.last:
            return state, [Put(state.last)]
        case "accepted", Response(status=status) as response if 200 <= status < 300:
            return state, [Tell(response)]
        case ("completed" | "accepted", Fired("D" | "M")) | ("completed", Broken()):
            return ended(state), []
        case _:
            return state, []


def _invite_answered(state: State, response: Response, now: float) -> Step:
    told: list[Output] = [Tell(response)]
    if response.provisional:
        kept: dict[Timer, float] = {t: at for t, at in state.due.items() if t == "cancel"}
        return moved(state, "proceeding", kept), told
    if response.success:
        return moved(state, "accepted", {"M": now + state.timing.patience}), told
    ack = acknowledgement(state.request, response)
    after = waiting(state, "completed", "D", D_SECONDS, now)
    return replace(after, last=ack), [Put(ack), *told]


def step_other(state: State, given: Input, now: float) -> Step:  # noqa: PLR0911 - a row each
    """One input to a request of ours that is no INVITE."""
    match state.phase, given:
        case "trying", Fired("E"):
            return again(state, "E", state.timing.t2, now), [Put(state.request)]
        case "proceeding", Fired("E"):
            slow = replace(state, interval=state.timing.t2)
            return again(slow, "E", state.timing.t2, now), [Put(state.request)]
        case "trying" | "proceeding", Fired("F"):
            return ended(state), [Tell("timeout")]
        case "trying" | "proceeding", Broken():
            return ended(state), [Tell("broken")]
        case "trying" | "proceeding", Response() as response:
            if response.provisional:
                return replace(state, phase="proceeding"), [Tell(response)]
            return waiting(state, "completed", "K", state.timing.t4, now), [Tell(response)]
        case "completed", Fired("K"):
            return ended(state), []
        case _:
            return state, []


def acknowledgement(invite: Request, response: Response) -> Request:
    """The ACK to a response of 300 and above (§17.1.1.3), in the INVITE's own branch."""
    kept = [f for f in invite.fields if f[0] in {"from", "call-id", "route"}]
    return _beside(invite, "ACK", [*kept, ("to", response.first("to") or "")])


def cancellation(invite: Request) -> Request:
    """The CANCEL of an INVITE (§9.1)."""
    return _beside(
        invite, "CANCEL", [f for f in invite.fields if f[0] in {"from", "to", "call-id", "route"}]
    )


def _beside(invite: Request, method: str, fields: list[Field]) -> Request:
    return Request(
        method=method,
        target=invite.target,
        fields=(
            ("via", invite.via.text),
            ("max-forwards", "70"),
            *fields,
            ("cseq", f"{invite.cseq[0]} {method}"),
        ),
    )

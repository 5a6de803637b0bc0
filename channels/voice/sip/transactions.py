"""All transactions of one node: which one a message belongs to, and what of it is news.

Whoever uses it passes what arrives, and hears ``Asked`` once for each request and ``Answered`` for
each response that counts, whatever the network repeats, reorders or loses; a request of ours ends
with a final response or with ``Over``. CANCEL is answered here, and so is what comes twice by two
ways. Nothing is sent but what the returned ``Send`` say.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from msgspec import Struct, structs

from channels.voice.sip import client, server
from channels.voice.sip.alarms import Alarms
from channels.voice.sip.flow import DEFAULT_PORTS, Flow
from channels.voice.sip.grammar import Via, written_via
from channels.voice.sip.message import Message, Request, Response, response_to
from channels.voice.sip.transaction import (
    Broken,
    Cancelling,
    Ending,
    Fired,
    Input,
    Output,
    Put,
    Reply,
    State,
    Step,
    Timing,
)

MAGIC = "z9hG4bK"
MOST = 50_000
RETRY_AFTER = ("retry-after", "5")


class Id(NamedTuple):
    """Of a transaction. ``ours``: we asked."""

    ours: bool
    key: tuple[str, ...]


class Send(Struct, frozen=True):
    message: Message
    flow: Flow


class Asked(Struct, frozen=True):
    """A request of theirs, once. ``tag`` is what stands in To of whatever we answer."""

    id: Id
    request: Request
    flow: Flow
    tag: str


class Answered(Struct, frozen=True):
    """A response to a request of ours; of an INVITE's 2xx each repetition too.

    ``note`` is what who asked gave with the request.
    """

    id: Id
    response: Response
    flow: Flow
    note: Any = None


class Acknowledged(Struct, frozen=True):
    """An ACK to a 2xx of ours, which dialog it is of its tags tell; each repetition too."""

    request: Request
    flow: Flow


class Cancelled(Struct, frozen=True):
    """They gave up this INVITE, which we have not answered: 487 is due."""

    id: Id


class Over(Struct, frozen=True):
    """A transaction ended without the response, or the ACK, that it waited for."""

    id: Id
    why: Ending
    note: Any = None


class Stray(Struct, frozen=True):
    """A 2xx to an INVITE of ours whose transaction has ended: it must be acknowledged still."""

    response: Response
    flow: Flow


Event = Asked | Answered | Acknowledged | Cancelled | Over | Stray
Result = list[Send | Event]

_STEPS: dict[str, Callable[[State, Input, float], Step]] = {
    "invite_client": client.step_invite,
    "client": client.step_other,
    "invite_server": server.step_invite,
    "server": server.step_other,
}


class _Held:
    """A transaction and the way of its messages."""

    __slots__ = ("cancel", "flow", "note", "state", "tag")

    def __init__(self, flow: Flow, state: State, tag: str = "", note: Any = None) -> None:
        self.flow = flow
        self.state = state
        self.tag = tag
        self.note = note
        self.cancel: Literal["", "wanted", "done"] = ""


class Transactions:
    """``name`` makes a word that nobody can guess, another one each time."""

    def __init__(
        self, *, name: Callable[[], str], timing: Timing | None = None, most: int = MOST
    ) -> None:
        self._name = name
        self._timing = timing or Timing()
        self._most = most
        self._held: dict[Id, _Held] = {}
        self._asking: dict[tuple[str, ...], Id] = {}
        self._alarms: Alarms[Id] = Alarms()
        self.dropped: Counter[str] = Counter()
        """What was not passed on, by reason."""

    def __len__(self) -> int:
        return len(self._held)

    # -- what happens -----------------------------------------------------------------------

    def receive(self, message: Message, flow: Flow, now: float) -> Result:
        """``flow`` is where it came from."""
        if isinstance(message, Response):
            return self._response(message, flow, now)
        request = with_source(message, flow)
        if request.method == "ACK":
            return self._ack(request, flow, now)
        id_ = server_id(request)
        if id_ in self._held:
            return self._step(id_, request, now)
        if request.method == "CANCEL":
            return self._cancel(request, flow, now)
        return self._begin(request, flow, now)

    def ask(self, request: Request, flow: Flow, now: float, note: Any = None) -> tuple[Id, Result]:
        """Send a request of ours whose topmost Via has a branch of its own."""
        id_ = Id(ours=True, key=(request.via.branch, request.method))
        if id_ in self._held:
            raise ValueError(f"branch {request.via.branch} is in use")
        state, outputs = client.begin(request, reliable=flow.reliable, timing=self._timing, now=now)
        held = _Held(flow, state, note=note)
        self._keep(id_, held)
        return id_, self._outcome(id_, held, outputs)

    def reply(self, id_: Id, response: Response, now: float) -> Result:
        """Answer a request of theirs; without effect when its transaction has ended."""
        if id_ not in self._held:
            self.dropped["reply to what has ended"] += 1
            return []
        return self._step(id_, Reply(response), now)

    def cancel(self, id_: Id, now: float) -> Result:
        """Give up an INVITE of ours (§9.1): at once, or when its first provisional response comes.

        A 2xx may still come, and then has to be acknowledged and ended.
        """
        held = self._held.get(id_)
        if held is None or held.cancel or held.state.phase not in {"calling", "proceeding"}:
            return []
        held.cancel = "wanted"
        return self._send_cancel(id_, held, now)

    def abandon(self, id_: Id, now: float) -> Result:
        """Nobody waits for the answer to this request of ours: it ends soon, though none comes."""
        return self._step(id_, Cancelling(), now) if id_ in self._held else []

    def broken(self, flow: Flow, now: float) -> Result:
        """Nothing more goes this way: what waits for an answer on it ends."""
        lost = [id_ for id_, held in self._held.items() if held.flow == flow]
        return [out for id_ in lost for out in self._step(id_, Broken(), now)]

    def deadline(self) -> float | None:
        """When to call ``on_time``."""
        return self._alarms.next()

    def on_time(self, now: float) -> Result:
        """Fire every timer that is due by now."""
        results: Result = []
        while (id_ := self._alarms.due(now)) is not None:
            due = self._held[id_].state.due
            timer = min(due, key=lambda t: (due[t], t))
            # Late or not: the next repetition is counted from now, the end from the beginning.
            results += self._step(id_, Fired(timer), now)
        return results

    # -- requests of theirs -----------------------------------------------------------------

    def _begin(self, request: Request, flow: Flow, now: float) -> Result:
        if request.method != "CANCEL" and not request.to.tag and _same(request) in self._asking:
            return [self._stateless(request, flow, 482)]
        if len(self._held) >= self._most:
            self.dropped["too many transactions"] += 1
            return [self._stateless(request, flow, 503)]
        id_ = server_id(request)
        state = server.begin(request, reliable=flow.reliable, timing=self._timing, now=now)
        held = _Held(reply_flow(request.via, flow), state, self._name())
        self._keep(id_, held)
        self._asking[_same(request)] = id_
        results: Result = [Asked(id_, request, flow, held.tag)]
        if request.method == "INVITE":
            results[:0] = self._step(id_, Reply(response_to(request, 100)), now)
        return results

    def _ack(self, request: Request, flow: Flow, now: float) -> Result:
        id_ = server_id(request)
        held = self._held.get(id_)
        if held is not None and held.state.phase != "accepted":
            return self._step(id_, request, now)
        return [Acknowledged(request, flow)]

    def _cancel(self, request: Request, flow: Flow, now: float) -> Result:
        """§9.2. It must come from where the INVITE came from: a stranger ends no call."""
        begun = self._begin(request, flow, now)
        id_ = server_id(request)
        if id_ not in self._held:
            return begun
        invite = server_id(request, method="INVITE")
        held = self._held.get(invite)
        if held is None or held.flow.host != self._held[id_].flow.host:
            return self.reply(id_, response_to(request, 481, tag=self._held[id_].tag), now)
        results = self.reply(id_, response_to(request, 200, tag=held.tag), now)
        if held.state.phase == "proceeding" and not held.cancel:
            held.cancel = "done"
            results.append(Cancelled(invite))
        return results

    def _stateless(self, request: Request, flow: Flow, status: int) -> Send:
        fields = (RETRY_AFTER,) if status == 503 else ()
        response = response_to(request, status, tag=self._name(), fields=fields)
        return Send(response, reply_flow(request.via, flow))

    # -- responses to ours ------------------------------------------------------------------

    def _response(self, response: Response, flow: Flow, now: float) -> Result:
        id_ = Id(ours=True, key=(response.via.branch, response.cseq[1]))
        if id_ in self._held:
            return self._step(id_, response, now, came=flow)
        if response.success and response.cseq[1] == "INVITE":
            return [Stray(response, flow)]
        self.dropped["response to nothing"] += 1
        return []

    # -- steps ------------------------------------------------------------------------------

    def _step(self, id_: Id, given: Input, now: float, came: Flow | None = None) -> Result:
        held = self._held[id_]
        state, outputs = _STEPS[held.state.kind](held.state, given, now)
        held.state = state
        results = self._outcome(id_, held, outputs, came)
        if state.over:
            self._forget(id_, held)
        else:
            self._alarms.set(id_, state.deadline)
            if held.cancel == "wanted":
                results += self._send_cancel(id_, held, now)
        return results

    def _send_cancel(self, id_: Id, held: _Held, now: float) -> Result:
        if held.state.phase != "proceeding":
            return []
        held.cancel = "done"
        _, results = self.ask(client.cancellation(held.state.request), held.flow, now)
        return results + self._step(id_, Cancelling(), now)

    def _outcome(
        self, id_: Id, held: _Held, outputs: Sequence[Output], came: Flow | None = None
    ) -> Result:
        results: Result = []
        for output in outputs:
            if isinstance(output, Put):
                results.append(Send(output.message, held.flow))
            elif id_.ours and held.state.request.method == "CANCEL":
                continue  # what counts is how the INVITE ends
            elif isinstance(output.what, Response):
                results.append(Answered(id_, output.what, came or held.flow, held.note))
            elif isinstance(output.what, Request):
                results.append(Acknowledged(output.what, came or held.flow))
            else:
                results.append(Over(id_, output.what, held.note))
        return results

    def _keep(self, id_: Id, held: _Held) -> None:
        self._held[id_] = held
        self._alarms.set(id_, held.state.deadline)

    def _forget(self, id_: Id, held: _Held) -> None:
        del self._held[id_]
        self._alarms.set(id_, None)
        same = _same(held.state.request)
        if self._asking.get(same) == id_:
            del self._asking[same]


def server_id(request: Request, *, method: str = "") -> Id:
    """Which transaction a request is of (§17.2.3); ``method``: of the request that it is about.

    Who writes no branch of RFC 3261 is known by what all of its messages have in common.
    """
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    via = request.via
    sent_by = f"{via.host}:{via.port or DEFAULT_PORTS.get(via.transport, 5060)}"
    if via.branch.startswith(MAGIC) and len(via.branch) > len(MAGIC):
        return Id(ours=False, key=(via.branch, sent_by, method))
    old = (request.target, request.from_.tag, request.call_id, str(request.cseq[0]))
    return Id(ours=False, key=("", sent_by, method, via.branch, *old))


def with_source(request: Request, flow: Flow) -> Request:
    """With what the topmost Via must say of where it came from (§18.2.1, RFC 3581 §4)."""
    via = request.via
    params = {n: v for n, v in via.params.items() if n not in {"received", "rport"}}
    if "rport" in via.params or via.host != flow.host:
        params["received"] = flow.host
    if "rport" in via.params:
        params["rport"] = str(flow.port)
    if params == via.params:
        return request
    (name, _), *rest = ((n, v) for n, v in request.fields if n == "via")
    others = [f for f in request.fields if f[0] != "via"]
    return replace(request, fields=((name, written_via(via, params)), *rest, *others))


def reply_flow(via: Via, flow: Flow) -> Flow:
    """Where a response to what came by ``flow`` goes (§18.2.2, RFC 3581 §4).

    Never to ``maddr``: that would let anybody send our answers to anybody.
    """
    if flow.reliable or "rport" in via.params:
        return flow
    return structs.replace(flow, port=via.port or 5060)


def _same(request: Request) -> tuple[str, ...]:
    """What the copies of one request that went several ways have in common (§8.2.2.2)."""
    return (request.call_id, request.from_.tag, str(request.cseq[0]), request.method)

"""Dialogs (RFC 3261 §12): who, by which way, and what number is next.

A dialog is a value: it is journaled as it stands, and another node goes on with it. Each function
returns the next one.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from channels.voice.sip.flow import Flow
from channels.voice.sip.grammar import read_address, read_uri
from channels.voice.sip.message import MAX_SEQUENCE, Field, Message, Request, Response

REFRESHES_TARGET = frozenset({"INVITE", "UPDATE"})


class Dialog(Struct, frozen=True, kw_only=True):
    """``local`` and ``remote`` are From and To of our requests, with their tags.

    ``cseq`` is the last number we used, ``remote_cseq`` the last that they did; ``routes`` are in
    the order of our requests; ``target`` is their Contact, ``contact`` ours. ``caller``: we made
    the Call-ID. ``flow`` is how they are reached when there are no routes of other transports.
    """

    call_id: str
    local: str
    local_tag: str
    remote: str
    remote_tag: str
    target: str
    contact: str
    flow: Flow
    caller: bool
    cseq: int
    remote_cseq: int = 0
    routes: tuple[str, ...] = ()
    early: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.call_id, self.local_tag, self.remote_tag)


def key_of(message: Message) -> tuple[str, str, str]:
    """Of which dialog a message from them is: Call-ID, our tag, theirs."""
    if isinstance(message, Request):
        return (message.call_id, message.to.tag, message.from_.tag)
    return (message.call_id, message.from_.tag, message.to.tag)


def as_callee(invite: Request, *, tag: str, contact: str, flow: Flow, cseq: int) -> Dialog:
    """What their INVITE makes (§12.1.1). It must have a Contact."""
    return Dialog(
        call_id=invite.call_id,
        local=f"{invite.to.text};tag={tag}",
        local_tag=tag,
        remote=invite.from_.text,
        remote_tag=invite.from_.tag,
        target=invite.contacts[0].uri.text,
        contact=contact,
        flow=flow,
        caller=False,
        cseq=cseq,
        remote_cseq=invite.cseq[0],
        routes=tuple(invite.all("record-route")),
        early=True,
    )


def as_caller(invite: Request, response: Response, *, flow: Flow) -> Dialog:
    """What a response to our INVITE makes (§12.1.2): with each To tag another one."""
    contacts = response.contacts
    return Dialog(
        call_id=invite.call_id,
        local=invite.from_.text,
        local_tag=invite.from_.tag,
        remote=response.to.text,
        remote_tag=response.to.tag,
        target=contacts[0].uri.text if contacts else invite.target,
        contact=invite.contacts[0].uri.text,
        flow=flow,
        caller=True,
        cseq=invite.cseq[0],
        routes=tuple(reversed(response.all("record-route"))),
        early=response.provisional,
    )


def in_order(dialog: Dialog, request: Request) -> bool:
    """Whether their request is not older than one that was taken (§12.2.2)."""
    return request.cseq[0] > dialog.remote_cseq or request.method == "ACK"


def took(dialog: Dialog, message: Message) -> Dialog:
    """After a request of theirs that was in order, or a 2xx to ours, that may move the target."""
    if isinstance(message, Request) and message.method != "ACK":
        dialog = replace(dialog, remote_cseq=message.cseq[0])
    moves = message.cseq[1] in REFRESHES_TARGET
    if isinstance(message, Response):
        moves = moves and message.success
    if moves and message.contacts:
        dialog = replace(dialog, target=message.contacts[0].uri.text)
    return dialog


def confirmed(dialog: Dialog) -> Dialog:
    return replace(dialog, early=False)


def ask(
    dialog: Dialog, method: str, *, via: str, fields: Iterable[Field] = (), body: bytes = b""
) -> tuple[Dialog, Request]:
    """The next request of ours in it (§12.2.1.1)."""
    following = replace(dialog, cseq=(dialog.cseq + 1) % MAX_SEQUENCE)
    return following, _made(following, method, following.cseq, via, fields, body)


def acknowledge(
    dialog: Dialog, cseq: int, *, via: str, fields: Iterable[Field] = (), body: bytes = b""
) -> Request:
    """The ACK to a 2xx to the INVITE of that number (§13.2.2.4): a transaction of its own."""
    return _made(dialog, "ACK", cseq, via, fields, body)


def next_hop(target: str, routes: Sequence[str]) -> str:
    """The URI of where a request goes: the first route, or its target (§8.1.2)."""
    return read_address(routes[0]).uri.text if routes else target


def _made(
    dialog: Dialog, method: str, cseq: int, via: str, fields: Iterable[Field], body: bytes
) -> Request:
    target, routes = dialog.target, list(dialog.routes)
    if routes and "lr" not in read_address(routes[0]).uri.params:
        # A strict router of RFC 2543 wants to be the target itself.
        target, routes = _without_headers(read_address(routes[0]).uri.text), routes[1:]
        routes.append(f"<{dialog.target}>")
    made: list[Field] = [("via", via), ("max-forwards", "70")]
    made += [("route", route) for route in routes]
    made += [("from", dialog.local), ("to", dialog.remote), ("call-id", dialog.call_id)]
    made.append(("cseq", f"{cseq} {method}"))
    if method not in {"ACK", "BYE", "PRACK"}:
        made.append(("contact", f"<{dialog.contact}>"))
    return Request(method=method, target=target, fields=(*made, *fields), body=body)


def _without_headers(uri: str) -> str:
    read = read_uri(uri)
    return uri.partition("?")[0] if read.headers else uri

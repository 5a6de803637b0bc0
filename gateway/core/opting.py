"""A customer writes STOP, or START: the list changes at once, and they are told so. Pure.

Nobody has to answer it: it makes no work. Whoever is at work with the customer just now sees it.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.ids import Context, MessageId
from gateway.core.inbound import Decided, Inbound
from gateway.core.messages import add_message, outgoing_of, preview_of
from gateway.core.model import TEXTED, Author, Case, CustomerBrief, Item, Message
from gateway.core.parties import author_of
from gateway.core.returning import open_item
from gateway.core.silence import own_addresses
from gateway.core.state import NodeState
from gateway.core.stopping import NOTICE, resumed, stop_of, stopped
from gateway.core.stopwords import Wish, confirmation, wish_of

CONFIRMED = "opt_out_confirmed"
"""An inbound's attribute: the customer has been told already, or is not to be."""
SYSTEM = Author(kind="system")


def about_texts(
    state: NodeState,
    ctx: Context,
    inbound: Inbound,
    customer: CustomerBrief | None,
    case: Case | None,
) -> tuple[Decided, list[e.Change]] | None:
    """What becomes of a text that is no word for an agent; ``None``: it is one.

    ``case`` is where it would go.
    """
    if inbound.kind not in TEXTED:
        return None
    if "bounce_action" in inbound.attributes:
        return Decided(status="ignored", reason="a report on nothing that we know"), []
    wish = wished(state, inbound)
    if wish is None:
        return None
    item = open_item(state, case, inbound, customer)
    changes, message, why = _heed(state, ctx, inbound, wish, case, item)
    if message is None or case is None:
        return Decided(status="ignored", reason=why), changes
    decided = Decided(
        status="processed",
        case=case.id,
        item=message.item,
        number=case.number,
        message=message.id,
        seq=message.seq,
        reason=why,
    )
    return decided, changes


def wished(state: NodeState, inbound: Inbound) -> tuple[Wish, str] | None:
    """Whether it is nothing but STOP or START, and the language of the word.

    START is a word like others for whom nothing was stopped.
    """
    if not inbound.address or inbound.machine or inbound.files:
        return None
    if inbound.address in own_addresses(state):
        return None
    found = wish_of(inbound.body)
    if found is None or found[0] == "stop":
        return found
    return found if stop_of(state, inbound.kind, inbound.address) is not None else None


def _heed(
    state: NodeState,
    ctx: Context,
    inbound: Inbound,
    wish: tuple[Wish, str],
    case: Case | None,
    item: Item | None,
) -> tuple[list[e.Change], Message | None, str]:
    """The changes, the message if there is work that it joins, and what has happened, in words."""
    what, language = wish
    known = stop_of(state, inbound.kind, inbound.address) is not None
    said, message = _said(ctx, inbound, case, item)
    changes = [*said]
    if what == "start":
        why = f"they want messages again ({_word(inbound)})"
        changes += resumed(state, inbound.kind, inbound.address, why)
    else:
        why = f"they want no more messages ({_word(inbound)})"
        if not known:
            changes += stopped(state, inbound.kind, inbound.address, _word(inbound), ctx.now)
    if (what == "start" or not known) and not inbound.attributes.get(CONFIRMED):
        text = confirmation(what, (item.language if item is not None else "") or language)
        changes += _told(ctx, inbound, case, item, text, message)
    return changes, message, why


def _word(inbound: Inbound) -> str:
    return " ".join(inbound.body.split()).upper()


def _said(
    ctx: Context, inbound: Inbound, case: Case | None, item: Item | None
) -> tuple[Sequence[e.Change], Message | None]:
    if case is None or item is None:
        return (), None
    message = Message(
        id=MessageId(ctx.new_id()),
        case=case.id,
        seq=case.last_seq + 1,
        direction="in",
        author=author_of(inbound),
        at=inbound.at,
        channel=inbound.channel,
        kind=inbound.kind,
        item=item.id,
        body=inbound.body,
        to=inbound.to,
        external_id=inbound.external_id,
    )
    added = e.MessageAdded(
        message=message.id,
        case=case.id,
        seq=message.seq,
        direction="in",
        item=item.id,
        customer=case.customer.id if case.customer else None,
        preview=preview_of(inbound.body),
        reason="it is about being written to",
    )
    return [e.Change(added, (message,))], message


def _told(
    ctx: Context,
    inbound: Inbound,
    case: Case | None,
    item: Item | None,
    text: str,
    said: Message | None,
) -> list[e.Change]:
    """The confirmation, the one message that leaves for who has just said stop."""
    if case is None or item is None or said is None:
        order = outgoing_of(ctx, inbound.channel, inbound.kind, inbound.address)
        payload = {NOTICE: True, "text": text, "from": inbound.to[0] if inbound.to else ""}
        return [e.Change(e.OutboundQueued(outbound=replace(order, payload=payload)))]
    way = replace(item, channel=inbound.channel, kind=inbound.kind, address=inbound.address)
    later = replace(case, last_seq=said.seq)
    _, changes = add_message(
        ctx,
        later,
        way,
        direction="out",
        author=SYSTEM,
        body=text,
        to=(inbound.address,),
        automatic=True,
    )
    return [_marked(one) for one in changes]


def _marked(change: e.Change) -> e.Change:
    if type(change.event) is not e.OutboundQueued:
        return change
    order = change.event.outbound
    marked = replace(order, payload=order.payload | {NOTICE: True})
    return e.Change(e.OutboundQueued(outbound=marked), change.rows)

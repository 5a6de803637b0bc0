"""What the outcome of an attempt to deliver means."""

from datetime import timedelta

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.backoff import outbound_delay
from gateway.core.errors import OutcomeUnknown, Refused, SendError
from gateway.core.ids import Context
from gateway.core.model import (
    Delivery,
    DeliveryUpdate,
    Item,
    ItemState,
    OutboundState,
    Outgoing,
)
from gateway.core.state import NodeState
from gateway.core.times import OUTBOUND_EXPIRES_SECONDS
from gateway.core.waking import reopened


def attempt(outgoing: Outgoing) -> e.Change:
    """Said in the journal before the outside is touched."""
    unsettled = outgoing.unsettled or outgoing.state is OutboundState.ATTEMPTING
    return e.Change(
        e.OutboundAttempted(outbound=outgoing.id, attempt=outgoing.attempts + 1, repeat=unsettled)
    )


def sent(outgoing: Outgoing, external_id: str, delivery: Delivery) -> list[e.Change]:
    """The outside took it."""
    settled = e.OutboundSettled(outbound=outgoing.id, state=OutboundState.SENT, receipt=external_id)
    return [e.Change(settled), *_tell(outgoing, delivery, "", external_id)]


def failed(state: NodeState, outgoing: Outgoing, error: Exception, ctx: Context) -> list[e.Change]:
    """It did not work: again later, or given up. What is not a ``SendError`` is unknown."""
    reason = f"{type(error).__name__}: {error}"[:500]
    permanent = isinstance(error, SendError) and error.permanent
    next_at = ctx.now + timedelta(seconds=outbound_delay(outgoing.attempts))
    if not permanent and next_at < outgoing.expires_at:
        later = e.OutboundSettled(
            outbound=outgoing.id,
            state=OutboundState.PENDING,
            reason=reason,
            next_at=next_at,
            # What an earlier attempt may have done is not undone by one that failed for sure.
            unsettled=outgoing.unsettled or _unknown(error),
        )
        return [e.Change(later)]
    given_up = e.OutboundSettled(outbound=outgoing.id, state=OutboundState.FAILED, reason=reason)
    changes = [e.Change(given_up), *_tell(outgoing, Delivery.FAILED, reason, "")]
    item = state.items.get(outgoing.item) if outgoing.item else None
    if item is not None and outgoing.purpose == "message":
        changes += _back_to_work(state, item, reason)
    return changes


def _unknown(error: Exception) -> bool:
    return not isinstance(error, SendError) or isinstance(error, OutcomeUnknown)


def _tell(outgoing: Outgoing, delivery: Delivery, reason: str, external_id: str) -> list[e.Change]:
    if outgoing.message is None or outgoing.case is None:
        return []
    changed = e.DeliveryChanged(
        message=outgoing.message,
        case=outgoing.case,
        item=outgoing.item,
        state=delivery,
        reason=reason,
    )
    update = DeliveryUpdate(
        message=outgoing.message, delivery=delivery, reason=reason, external_id=external_id
    )
    return [e.Change(changed, (update,))]


def _back_to_work(state: NodeState, item: Item, reason: str) -> list[e.Change]:
    """Whoever waits for an answer to a message that never left waits in vain."""
    if item.state is not ItemState.HELD:
        return []
    why = f"the answer could not be delivered: {reason}"
    queued = e.ItemQueued(item=item.id, queue=item.queue, reason=why, restart=True)
    return [e.Change(queued), *reopened(state.cases[item.case], why)]


def retry(outgoing: Outgoing, ctx: Context) -> list[e.Change]:
    """A person wants it tried now, with as much time as a new one. Raises ``Refused``."""
    _check_idle(outgoing)
    revived = _revived(outgoing, ctx)
    return [
        e.Change(e.OutboundQueued(outbound=revived)),
        *_tell(revived, Delivery.QUEUED, "", ""),
    ]


def drop(outgoing: Outgoing, ctx: Context, reason: str) -> list[e.Change]:
    """A person gives it up. Raises ``Refused``."""
    _check_idle(outgoing)
    dropped = e.OutboundSettled(outbound=outgoing.id, state=OutboundState.DROPPED, reason=reason)
    changes = [e.Change(dropped), *_tell(outgoing, Delivery.FAILED, reason, "")]
    if outgoing.state is OutboundState.FAILED:
        # One that failed is no longer in memory: it comes back for the moment of its end.
        changes.insert(0, e.Change(e.OutboundQueued(outbound=_revived(outgoing, ctx))))
    return changes


def _revived(outgoing: Outgoing, ctx: Context) -> Outgoing:
    return replace(
        outgoing,
        state=OutboundState.PENDING,
        version=outgoing.version + 1,
        next_at=ctx.now,
        expires_at=ctx.now + timedelta(seconds=OUTBOUND_EXPIRES_SECONDS),
    )


def _check_idle(outgoing: Outgoing) -> None:
    match outgoing.state:
        case OutboundState.ATTEMPTING:
            raise Refused("busy", "an attempt is under way; look again in a moment", "id")
        case OutboundState.SENT | OutboundState.DROPPED:
            raise Refused("wrong_state", f"it is {outgoing.state.value} already", "id")
        case _:
            pass

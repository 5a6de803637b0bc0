"""What the outcome of an attempt to deliver means."""

from datetime import timedelta

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.backoff import outbound_delay
from gateway.core.bounces import failed_for_good
from gateway.core.errors import (
    Deferred,
    OutcomeUnknown,
    Refused,
    SendError,
    TryAgain,
    WantsNone,
)
from gateway.core.ids import Context
from gateway.core.model import (
    ChannelKind,
    Delivery,
    DeliveryUpdate,
    Item,
    ItemState,
    OutboundState,
    Outgoing,
)
from gateway.core.state import NodeState
from gateway.core.stopping import stopped
from gateway.core.times import OUTBOUND_EXPIRES_SECONDS
from gateway.core.waking import reopened

MOST = 500
"""Characters of a reason."""


def attempt(outgoing: Outgoing) -> e.Change:
    """Said in the journal before the outside is touched."""
    unsettled = outgoing.unsettled or outgoing.state is OutboundState.ATTEMPTING
    return e.Change(
        e.OutboundAttempted(outbound=outgoing.id, attempt=outgoing.attempts + 1, repeat=unsettled)
    )


def sent(
    outgoing: Outgoing,
    external_id: str,
    delivery: Delivery,
    ctx: Context | None = None,
    *,
    reason: str = "",
    later: tuple[str, ...] = (),
) -> list[e.Change]:
    """The outside took it; who is in ``later`` was refused for now and is tried again."""
    told = _tell(outgoing, delivery, reason, external_id)
    if later and ctx is not None:
        next_at = ctx.now + timedelta(seconds=outbound_delay(outgoing.attempts, deferred=True))
        if next_at < outgoing.expires_at:
            left = e.OutboundSettled(
                outbound=outgoing.id,
                state=OutboundState.PENDING,
                reason=reason,
                receipt=external_id,
                next_at=next_at,
                only=later,
            )
            return [e.Change(left), *told]
    settled = e.OutboundSettled(
        outbound=outgoing.id, state=OutboundState.SENT, reason=reason, receipt=external_id
    )
    return [e.Change(settled), *told]


def failed(state: NodeState, outgoing: Outgoing, error: Exception, ctx: Context) -> list[e.Change]:
    """It did not work: again later, or given up. What is not a ``SendError`` is unknown."""
    reason = _words(error)
    permanent = isinstance(error, SendError) and error.permanent
    seconds = outbound_delay(outgoing.attempts, deferred=isinstance(error, Deferred))
    if isinstance(error, TryAgain):
        seconds = max(seconds, error.after)
    next_at = ctx.now + timedelta(seconds=seconds)
    if not permanent and next_at < outgoing.expires_at:
        later = e.OutboundSettled(
            outbound=outgoing.id,
            state=OutboundState.PENDING,
            reason=reason,
            receipt=outgoing.receipt,
            next_at=next_at,
            # What an earlier attempt may have done is not undone by one that failed for sure.
            unsettled=outgoing.unsettled or _unknown(error),
        )
        return [e.Change(later), *_delayed(outgoing, error, reason)]
    if not permanent:
        reason = _given_up(outgoing, reason, ctx)
    given_up = e.OutboundSettled(
        outbound=outgoing.id,
        state=OutboundState.FAILED,
        reason=reason,
        receipt=outgoing.receipt,
    )
    if outgoing.only:
        return [e.Change(given_up), *_told_given_up(outgoing, reason)]
    changes = [e.Change(given_up), *_told_given_up(outgoing, reason)]
    if isinstance(error, WantsNone):
        changes += stopped(state, outgoing.kind, outgoing.address, "STOP", ctx.now)
    item = state.items.get(outgoing.item) if outgoing.item else None
    if permanent and outgoing.kind is ChannelKind.EMAIL and outgoing.purpose == "message":
        changes += failed_for_good(outgoing.address, reason, item, ctx)
    if item is not None and outgoing.purpose == "message":
        changes += _back_to_work(state, item, reason)
    return changes


def _told_given_up(outgoing: Outgoing, reason: str) -> list[e.Change]:
    """The message failed; or, where others have it, whom it did not reach."""
    if not outgoing.only:
        return _tell(outgoing, Delivery.FAILED, reason, "")
    whom = ", ".join(outgoing.only)
    return _tell(outgoing, Delivery.SENT, f"not delivered to {whom}: {reason}"[:MOST], "")


def _words(error: Exception) -> str:
    """Why, as a person reads it; of what nobody foresaw its kind as well."""
    if isinstance(error, SendError):
        return str(error)[:MOST] or "no reason was given"
    return f"{type(error).__name__}: {error}"[:MOST]


def _given_up(outgoing: Outgoing, reason: str, ctx: Context) -> str:
    tried = "once" if outgoing.attempts == 1 else f"{outgoing.attempts} times"
    days = max(1, round((ctx.now - outgoing.created_at).total_seconds() / 86_400))
    length = "a day" if days == 1 else f"{days} days"
    return f"given up after {length}, tried {tried}; last: {reason}"[:MOST]


def _delayed(outgoing: Outgoing, error: Exception, reason: str) -> list[e.Change]:
    """Whoever wrote it sees that it has not left, and why; told again when that changes.

    What may have arrived is being sent (nobody knows), what has not waits.
    """
    if outgoing.only or (outgoing.attempts > 1 and outgoing.reason == reason):
        return []
    unknown = outgoing.unsettled or _unknown(error)
    return _tell(outgoing, Delivery.SENDING if unknown else Delivery.QUEUED, reason, "")


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
    changes = [e.Change(dropped), *_told_given_up(outgoing, reason)]
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

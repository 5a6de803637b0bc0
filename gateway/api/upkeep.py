"""What needs a person: what could not be understood, and what could not be sent."""

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from gateway.api.base import Done, Listed, Paged, asked, by, page
from gateway.api.needs import ChannelRoom, Listing, Rereads
from gateway.api.once import Once
from gateway.core import events as e
from gateway.core import outbox
from gateway.core.errors import Refused
from gateway.core.ids import InboundId, MessageId, OutboundId
from gateway.core.inbound import Decided
from gateway.core.model import OutboundState, Outgoing
from gateway.flow.node import Node
from gateway.flow.tasks import KeyedLocks
from gateway.flow.whose import Elsewhere
from gateway.ports import Accepted, HttpAnswer, HttpRequest, HttpRoute
from gateway.store.views import OutboxCard, QuarantineCard, RawInbound


class OutboxQuery(Paged, frozen=True, kw_only=True):
    """No ``state``: all that is on its way or failed."""

    state: OutboundState | None = None


class Retried(Struct, frozen=True, kw_only=True):
    """What became of a quarantined inbound at the second look."""

    status: str
    reason: str = ""
    number: int | None = None


class Quarantine:
    """Inbounds kept aside with their raw bytes, until a person decides."""

    def __init__(self, node: Node, listing: Listing, channels: ChannelRoom) -> None:
        self._node = node
        self._listing = listing
        self._channels = channels

    def routes(self) -> list[HttpRoute]:
        one = "/api/v1/quarantine/{id}"
        return [
            HttpRoute(
                method="GET",
                path="/api/v1/quarantine",
                handle=self._list,
                summary="Inbounds that could not be understood",
                access="supervisor",
                asks=Paged,
                gives=Listed[QuarantineCard],
                tag="quarantine",
            ),
            HttpRoute(
                method="GET",
                path=f"{one}/raw",
                handle=self._raw,
                summary="The bytes as they came",
                access="supervisor",
                gives=bytes,
                produces="text/plain",
                tag="quarantine",
            ),
            HttpRoute(
                method="POST",
                path=f"{one}/retry",
                handle=self._retry,
                summary="Look at it once more",
                access="supervisor",
                gives=Retried,
                tag="quarantine",
            ),
            HttpRoute(
                method="POST",
                path=f"{one}/drop",
                handle=self._drop,
                summary="Give it up for good",
                access="supervisor",
                gives=Done,
                tag="quarantine",
            ),
        ]

    async def _list(self, request: HttpRequest) -> HttpAnswer:
        query = asked(request, Paged)
        return page(await self._listing.quarantined(query.cursor, query.limit))

    async def _find(self, request: HttpRequest) -> RawInbound:
        found = await self._listing.raw(InboundId(request.params["id"]))
        if found is None:
            raise _nothing("quarantined inbound")
        return found

    async def _raw(self, request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(
            body=(await self._find(request)).data,
            type="text/plain; charset=utf-8",
            headers={
                "Content-Disposition": 'attachment; filename="raw.txt"',
                "Content-Security-Policy": "sandbox; default-src 'none'",
            },
        )

    async def _retry(self, request: HttpRequest) -> HttpAnswer:
        self._node.ledger.check_open()
        inbound = InboundId(request.params["id"])
        decided = await self._read_again(inbound, await self._find(request))
        if decided is None:
            received = await self._listing.retry(inbound)
            if received is None:
                raise _nothing("quarantined inbound")
            self._node.intake.again(received)
            accepted = Accepted(id=received.stored.id, fresh=False)
            decided = await self._node.intake.decided(accepted)
        return HttpAnswer(
            body=Retried(status=decided.status, reason=decided.reason, number=decided.number)
        )

    async def _read_again(self, inbound: InboundId, raw: RawInbound) -> Decided | None:
        """Parse the bytes anew; ``None`` if there are none, or nobody understands them yet.

        What is understood now comes in under a key that follows from the old row's id, so a
        repeat after a crash has no second effect; then the old row is given up.
        """
        channel = self._channels.channel(raw.channel)
        if not raw.data or not isinstance(channel, Rereads):
            return None
        again = await asyncio.to_thread(channel.read_again, raw.data, f"again:{inbound}", raw.at)
        if again.problem:
            return None
        (accepted,) = await self._node.intake.receive([again])
        decided = await self._node.intake.decided(accepted)
        if decided.status != "quarantined":
            await self._listing.drop(inbound)
        return decided

    async def _drop(self, request: HttpRequest) -> HttpAnswer:
        if not await self._listing.drop(InboundId(request.params["id"])):
            raise _nothing("quarantined inbound")
        return HttpAnswer(body=Done())


class Outbox:
    """What is on its way to the outside, or could not be brought there."""

    def __init__(self, node: Node, listing: Listing, once: Once) -> None:
        self._ledger = node.ledger
        self._lookup = node.lookup
        self._listing = listing
        self._once = once
        self._one_at_a_time = KeyedLocks()

    def routes(self) -> list[HttpRoute]:
        one = "/api/v1/outbox/{id}"
        return [
            HttpRoute(
                method="GET",
                path="/api/v1/outbox",
                handle=self._list,
                summary="What is on its way, or could not be sent",
                access="supervisor",
                asks=OutboxQuery,
                gives=Listed[OutboxCard],
                tag="outbox",
            ),
            HttpRoute(
                method="POST",
                path=f"{one}/retry",
                handle=self._retry,
                summary="Try it now",
                access="supervisor",
                gives=Done,
                tag="outbox",
                once=True,
            ),
            HttpRoute(
                method="POST",
                path=f"{one}/drop",
                handle=self._drop,
                summary="Give it up",
                access="supervisor",
                gives=Done,
                tag="outbox",
                once=True,
            ),
            HttpRoute(
                method="POST",
                path="/api/v1/messages/{id}/retry",
                handle=self._retry_message,
                summary="Try now to send a message that has not left, or has failed",
                gives=Done,
                tag="outbox",
                once=True,
            ),
        ]

    async def _list(self, request: HttpRequest) -> HttpAnswer:
        query = asked(request, OutboxQuery)
        return page(await self._listing.outbox(query.state or "", query.cursor, query.limit))

    async def _retry(self, request: HttpRequest) -> HttpAnswer:
        return await self._try_now(request, OutboundId(request.params["id"]))

    async def _retry_message(self, request: HttpRequest) -> HttpAnswer:
        """By who reads the case: an answer that did not leave is no secret of supervisors."""
        await self._ledger.committed(self._ledger.position)
        message = await self._lookup.message(MessageId(request.params["id"]))
        if message is None or message.direction != "out":
            raise _nothing("message of ours")
        outbound = await self._listing.outbound_of(message.id, message.case)
        if outbound is None:
            raise Refused("wrong_state", "it is not sent by the outbox", "id")
        return await self._try_now(request, outbound)

    async def _try_now(self, request: HttpRequest, outbound: OutboundId) -> HttpAnswer:
        def decide(row: Outgoing) -> Sequence[e.Change]:
            return outbox.retry(row, self._ledger.context())

        return await self._act(request, outbound, decide)

    async def _drop(self, request: HttpRequest) -> HttpAnswer:
        reason = f"dropped by {by(request)}"
        outbound = OutboundId(request.params["id"])
        return await self._act(
            request, outbound, lambda row: outbox.drop(row, self._ledger.context(), reason)
        )

    async def _act(
        self,
        request: HttpRequest,
        outbound: OutboundId,
        decide: Callable[[Outgoing], Sequence[e.Change]],
    ) -> HttpAnswer:
        async with self._one_at_a_time.hold(outbound):
            # Whose it is comes first: who had it before wrote down what was done, and let go then.
            await self._find(outbound)
            if (before := await self._once.before(request)) is not None:
                return before
            row = await self._placed(await self._find(outbound))
            return await self._once.record(request, decide(row), lambda _entries: Done())

    async def _placed(self, row: Outgoing) -> Outgoing:
        """The row as of the case that its message stands in by now: that may have been split."""
        message = await self._lookup.message(row.message) if row.message is not None else None
        if message is None or message.case == row.case:
            return row
        items = self._ledger.state.items_of_case(message.case)
        return replace(row, case=message.case, item=items[-1].id if items else None)

    async def _find(self, outbound: OutboundId) -> Outgoing:
        """The row as it is now: memory knows the open ones, the disk the settled ones.

        One that is in neither has just been settled, and its commit is awaited.
        """
        held = self._ledger.state.outbox
        if outbound not in held:
            await self._ledger.committed(self._ledger.position)
            stored = await self._listing.outgoing(outbound)
            if outbound not in held:
                if stored is None:
                    raise _nothing("row in the outbox")
                await self._check_ours(outbound, stored)
                return stored
        return held[outbound]

    async def _check_ours(self, outbound: OutboundId, stored: Outgoing) -> None:
        """Raises ``Elsewhere``; ``Refused`` for one that changes hands just now."""
        carrier = await self._listing.carrier_of(outbound)
        if carrier is not None and carrier != self._ledger.state.node:
            raise Elsewhere(carrier)
        if stored.state in (OutboundState.PENDING, OutboundState.ATTEMPTING):
            raise Refused("busy", "it changes hands just now; look again in a moment", "id")


def _nothing(what: str) -> Refused:
    return Refused("not_found", f"there is no such {what}", "id")

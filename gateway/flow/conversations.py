"""What channels may read of their conversations: committed facts, and places in the queue."""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from gateway.core import events as e
from gateway.core.duties import DutyTerm
from gateway.core.errors import Refused, StoodDown
from gateway.core.ids import AttachmentId, CaseId, ChannelName, CustomerId
from gateway.core.lifecycle import ENDED
from gateway.core.model import Attachment, Case, Item, ItemState, Message
from gateway.flow.ledger import Ledger
from gateway.flow.router import Router
from gateway.ports import File, Memory
from gateway.store.contract import DutyLost, Fenced, Lookup, Term, Unavailable

Place = tuple[int, float]
"""In the queue, 1 is next; and the expected wait in seconds."""
Elsewhere = Callable[[Sequence[CaseId]], Awaitable[dict[CaseId, Place]]]


async def _nowhere(_cases: Sequence[CaseId]) -> dict[CaseId, Place]:
    return {}


class CaseReader:
    """Implements ``ports.Conversations``; ``elsewhere`` says how items of other nodes stand."""

    def __init__(self, ledger: Ledger, lookup: Lookup, router: Router) -> None:
        self._ledger = ledger
        self._lookup = lookup
        self._router = router
        self.elsewhere: Elsewhere = _nowhere

    async def case(self, case: CaseId) -> Case | None:
        return await self._lookup.case(case)

    async def item_of(self, case: CaseId) -> Item | None:
        items = [i for i in self._ledger.state.items_of_case(case) if i.promise is None]
        # The state runs ahead of the journal; what is told must be on disk.
        await self._ledger.committed(self._ledger.position)
        if items:
            return items[-1]
        last = await self._lookup.last_item(case)
        return last if last is not None and last.state not in ENDED else None  # another node's

    async def promises_of(self, case: CaseId) -> list[Item]:
        await self._ledger.committed(self._ledger.position)
        return await self._lookup.promises_of(case)

    async def messages(
        self, case: CaseId, after_seq: int, *, customer_view: bool, limit: int = 200
    ) -> list[Message]:
        return await self._lookup.messages(case, after_seq, limit, customer_view=customer_view)

    async def known_as(self, customer: CustomerId) -> frozenset[str]:
        return await self._lookup.known_as(customer)

    async def open_case_of(self, kind: str, value: str, channel: ChannelName) -> Case | None:
        return await self._lookup.open_case_of(kind, value, channel)

    async def file(
        self, attachment: AttachmentId, kind: str, value: str, channel: ChannelName
    ) -> tuple[Attachment, bytes] | None:
        return await self._lookup.file_of_identity(attachment, kind, value, channel)

    async def waiting(self, cases: Iterable[CaseId]) -> dict[CaseId, Place]:
        asked = list(cases)
        found = await self.waiting_here(asked)
        has = self._ledger.state.items_of_case
        return found | await self.elsewhere([case for case in asked if not has(case)])

    async def waiting_here(self, cases: Iterable[CaseId]) -> dict[CaseId, Place]:
        """The same of what this node decides about."""
        found: dict[CaseId, Place] = {}
        first: list[e.Change] = []
        now = self._ledger.clock.now()
        for case in cases:
            item = self._waiting_item(case)
            if item is None:
                continue
            place, seconds = found[case] = self._router.engine.expectation.of(item, now)
            if item.told is None and item.state is ItemState.QUEUED:
                told = e.WaitTold(item=item.id, place=place, seconds=round(seconds, 1))
                first.append(e.Change(told))
        if first:
            self._ledger.record(first)
        # Who stands before them may not be on disk yet.
        await self._ledger.committed(self._ledger.position)
        return found

    def _waiting_item(self, case: CaseId) -> Item | None:
        for item in self._ledger.state.items_of_case(case):
            if item.promise is None and item.state in (ItemState.QUEUED, ItemState.OFFERED):
                return item
        return None


async def _unscanned(_data: bytes) -> str:
    return ""


class FileShelf:
    """Implements ``ports.Files``. ``scan`` names what is bad in it; empty: nothing."""

    def __init__(self, lookup: Lookup) -> None:
        self.scan: Callable[[bytes], Awaitable[str]] = _unscanned
        self._lookup = lookup

    async def put(self, file: File, owner: str) -> Attachment:
        if found := await self.scan(file.data):
            raise Refused("infected", f"the file is not taken: it holds {found}", "file")
        return await self._lookup.save_file(file, owner)

    async def get(self, attachment: AttachmentId) -> tuple[Attachment, bytes] | None:
        return await self._lookup.file(attachment)


class MemoryShelf:
    """Implements ``ports.ChannelMemory``; ``term`` gives what this node may write under."""

    def __init__(self, lookup: Lookup, term: Callable[[], Awaitable[Term]]) -> None:
        self._lookup = lookup
        self._term = term

    async def load(self, channel: ChannelName, key: str) -> bytes | None:
        try:
            return await self._lookup.load_memory(channel, key)
        except Unavailable as error:
            raise Refused("unavailable", "the database does not answer; try again") from error

    async def save(
        self, channel: ChannelName, memory: Memory, duty: DutyTerm | None = None
    ) -> None:
        """``duty``: raises ``StoodDown`` if it is not held any more."""
        try:
            await self._save(channel, memory, duty)
        except Unavailable as error:
            raise Refused("unavailable", "the database does not answer; try again") from error
        except DutyLost as error:
            raise StoodDown(str(error)) from error

    async def swap(self, channel: ChannelName, key: str, known: bytes | None, value: bytes) -> bool:
        try:
            return await self._lookup.swap_memory(channel, key, known, value)
        except Unavailable as error:
            raise Refused("unavailable", "the database does not answer; try again") from error

    async def _save(self, channel: ChannelName, memory: Memory, duty: DutyTerm | None) -> None:
        if duty is None:
            await self._lookup.save_memory(channel, memory)
            return
        while True:
            term = await self._term()
            try:
                await self._lookup.save_memory(channel, memory, (term, duty))
            except Fenced as error:
                if term == await self._term():
                    raise StoodDown(str(error)) from error
            else:
                return

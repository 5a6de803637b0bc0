"""What channels may read of their conversations: committed facts, and places in the queue."""

from gateway.core.errors import Refused
from gateway.core.ids import AttachmentId, CaseId, ChannelName
from gateway.core.model import Attachment, Case, Item, ItemState, Message
from gateway.core.routing.fit import lacks
from gateway.core.routing.need import need_of
from gateway.flow.ledger import Ledger
from gateway.flow.router import Router
from gateway.ports import File, Memory
from gateway.store.contract import Lookup, Unavailable

HANDLING_SECONDS = 240.0
"""Handling time assumed for the expected wait until it is measured."""


class CaseReader:
    """Implements ``ports.Conversations``."""

    def __init__(self, ledger: Ledger, lookup: Lookup, router: Router) -> None:
        self._ledger = ledger
        self._lookup = lookup
        self._router = router

    async def case(self, case: CaseId) -> Case | None:
        return await self._lookup.case(case)

    async def item_of(self, case: CaseId) -> Item | None:
        items = self._ledger.state.items_of_case(case)
        return items[-1] if items else None

    async def messages(
        self, case: CaseId, after_seq: int, *, customer_view: bool, limit: int = 200
    ) -> list[Message]:
        return await self._lookup.messages(case, after_seq, limit, customer_view=customer_view)

    async def open_case_of(self, kind: str, value: str, channel: ChannelName) -> Case | None:
        return await self._lookup.open_case_of(kind, value, channel)

    def waiting(self, case: CaseId) -> tuple[int, float] | None:
        state = self._ledger.state
        for item in state.items_of_case(case):
            if item.state in (ItemState.QUEUED, ItemState.OFFERED):
                place = self._router.engine.pool.place_of(item)
                need = need_of(item, state.queues.get(item.queue))
                staff = sum(
                    1
                    for name, status in state.statuses.items()
                    if status.tabs
                    and (profile := state.profiles.get(name)) is not None
                    and lacks(profile, need) is None
                )
                return place, place * HANDLING_SECONDS / max(staff, 1)
        return None


class FileShelf:
    """Implements ``ports.Files``."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    async def put(self, file: File, owner: str) -> Attachment:
        return await self._lookup.save_file(file, owner)

    async def get(self, attachment: AttachmentId) -> tuple[Attachment, bytes] | None:
        return await self._lookup.file(attachment)


class MemoryShelf:
    """Implements ``ports.ChannelMemory``."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    async def load(self, channel: ChannelName, key: str) -> bytes | None:
        try:
            return await self._lookup.load_memory(channel, key)
        except Unavailable as error:
            raise Refused("unavailable", "the database does not answer; try again") from error

    async def save(self, channel: ChannelName, memory: Memory) -> None:
        try:
            await self._lookup.save_memory(channel, memory)
        except Unavailable as error:
            raise Refused("unavailable", "the database does not answer; try again") from error

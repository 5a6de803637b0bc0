"""What channels may read of their conversations: committed facts, and places in the queue."""

from collections.abc import Awaitable, Callable, Iterable

from gateway.core.duties import DutyTerm
from gateway.core.errors import Refused, StoodDown
from gateway.core.ids import AttachmentId, CaseId, ChannelName
from gateway.core.lifecycle import ENDED
from gateway.core.model import Attachment, Case, Item, ItemState, Message
from gateway.core.routing.fit import lacks
from gateway.core.routing.need import Need, need_of
from gateway.flow.ledger import Ledger
from gateway.flow.router import Router
from gateway.ports import File, Memory
from gateway.store.contract import DutyLost, Fenced, Lookup, Term, Unavailable

HANDLING_SECONDS = 240.0
"""Handling time assumed for the expected wait until it is measured."""
COUNTED_SECONDS = 1.0
"""How long a count of agents is good for: thousands may ask between two changes."""
MOST_COUNTS = 1_000


class CaseReader:
    """Implements ``ports.Conversations``."""

    def __init__(self, ledger: Ledger, lookup: Lookup, router: Router) -> None:
        self._ledger = ledger
        self._lookup = lookup
        self._router = router
        self._staff: dict[Need, tuple[float, int]] = {}

    async def case(self, case: CaseId) -> Case | None:
        return await self._lookup.case(case)

    async def item_of(self, case: CaseId) -> Item | None:
        items = self._ledger.state.items_of_case(case)
        # The state runs ahead of the journal; what is told must be on disk.
        await self._ledger.committed(self._ledger.position)
        if items:
            return items[-1]
        last = await self._lookup.last_item(case)
        return last if last is not None and last.state not in ENDED else None  # another node's

    async def messages(
        self, case: CaseId, after_seq: int, *, customer_view: bool, limit: int = 200
    ) -> list[Message]:
        return await self._lookup.messages(case, after_seq, limit, customer_view=customer_view)

    async def open_case_of(self, kind: str, value: str, channel: ChannelName) -> Case | None:
        return await self._lookup.open_case_of(kind, value, channel)

    async def waiting(self, cases: Iterable[CaseId]) -> dict[CaseId, tuple[int, float]]:
        found = {case: told for case in cases if (told := self._place_of(case)) is not None}
        # Who stands before them may not be on disk yet.
        await self._ledger.committed(self._ledger.position)
        return found

    def _place_of(self, case: CaseId) -> tuple[int, float] | None:
        state = self._ledger.state
        for item in state.items_of_case(case):
            if item.state in (ItemState.QUEUED, ItemState.OFFERED):
                place = self._router.engine.pool.place_of(item)
                need = need_of(item, state.queues.get(item.queue))
                staff = self._staff_for(need)
                return place, place * HANDLING_SECONDS / max(staff, 1)
        return None

    def _staff_for(self, need: Need) -> int:
        """How many who are connected could serve this need, at most a second ago."""
        now = self._ledger.clock.monotonic()
        known = self._staff.get(need)
        if known is not None and now - known[0] < COUNTED_SECONDS:
            return known[1]
        state = self._ledger.state
        pools = [state.skill_holders.get(skill, {}) for skill, _ in need.skills]
        count = sum(
            1
            for name in min(pools, key=len, default=state.profiles)
            if (status := state.statuses.get(name)) is not None
            and status.tabs
            and lacks(state.profiles[name], need) is None
        )
        if len(self._staff) >= MOST_COUNTS:
            self._staff.clear()
        self._staff[need] = (now, count)
        return count


class FileShelf:
    """Implements ``ports.Files``."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    async def put(self, file: File, owner: str) -> Attachment:
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

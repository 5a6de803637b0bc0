"""Getting mails' bytes out of a mailbox, whatever the server does meanwhile.

A mail that cannot be had is no mail that cannot be read: nothing of it is known, so there is
nothing to quarantine. It is asked for again; if it is gone from the mailbox (somebody deleted it
between our search and our fetch) it is passed by; if the server still has it and keeps it back,
the reader goes on with the next one and comes back to it.
"""

from collections import deque
from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from channels.email import wire
from channels.email.imap import Refusal
from channels.email.mailbox import Info, Mailbox
from gateway.core.errors import Unreachable

MAX_BATCH = 50
MAX_BATCH_BYTES = 4_000_000
PARTIAL_BYTES = 262_144
"""What is read of a mail over the size limit."""
PART_BYTES = 1_000_000
"""A larger mail is fetched in parts of it, and goes on where a line broke."""
MAX_DROPS = 3
"""How often a single mail may take the connection down before it is left for later."""


class Loaded(Struct):
    """What came of a batch, by UID: bytes, or in words why the server keeps a mail back.

    A UID in neither is gone from the mailbox.
    """

    bodies: dict[int, bytes] = field(default_factory=dict)
    withheld: dict[int, str] = field(default_factory=dict)

    def add(self, other: "Loaded") -> None:
        self.bodies |= other.bodies
        self.withheld |= other.withheld


class Fetcher:
    """Loads batches of mails; remembers over many connections which of them broke one."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._limit = MAX_BATCH
        self._drops: dict[str, int] = {}
        self._part: tuple[str, bytearray] = ("", bytearray())
        self.came = False
        """Whether part of a large mail has come, since somebody set this to false."""

    async def infos(self, box: Mailbox, uids: list[int]) -> list[Info]:
        """What is known of each; a mail that is there yet not described is described as nothing."""
        infos = await box.infos(uids)
        missing = sorted(set(uids) - {info.uid for info in infos})
        there = await self._still_there(box, missing)
        return sorted(
            [*infos, *(Info(uid, 0, None, seen=False) for uid in there)], key=lambda info: info.uid
        )

    def batches(self, infos: Sequence[Info]) -> Iterator[list[Info]]:
        """In order, few enough to hold at once; the limit may change from batch to batch."""
        waiting = deque(infos)
        while waiting:
            batch, size = [waiting.popleft()], 0
            while waiting and len(batch) < self._limit:
                size += min(batch[-1].size, self.max_bytes)
                if size + waiting[0].size > MAX_BATCH_BYTES:
                    break
                batch.append(waiting.popleft())
            yield batch

    async def load(self, box: Mailbox, batch: list[Info]) -> Loaded:
        """The mails' bytes. Raises ``Unreachable`` when the connection is lost."""
        out = Loaded()
        small: list[int] = []
        for info in batch:
            if self._drops.get(f"{box.validity}:{info.uid}", 0) >= MAX_DROPS:
                out.withheld[info.uid] = f"reading it broke the connection {MAX_DROPS} times"
            elif info.size <= min(PART_BYTES, self.max_bytes):
                small.append(info.uid)
            elif info.size <= self.max_bytes:
                out.add(await self._in_parts(box, info.uid))
            else:
                out.add(await self.bodies(box, [info.uid], PARTIAL_BYTES))
        out.add(await self.bodies(box, small))
        for info in batch:
            self._drops.pop(f"{box.validity}:{info.uid}", None)
        self._limit = min(MAX_BATCH, self._limit * 2)
        return out

    async def _in_parts(self, box: Mailbox, uid: int) -> Loaded:
        """A large mail, part by part: no answer of the server is larger than one.

        What has come stays over a line that breaks; only the part that broke it comes again.
        """
        name = f"{box.validity}:{uid}"
        if self._part[0] != name:
            self._part = (name, bytearray())
        so_far = self._part[1]
        while True:
            loaded = await self.bodies(box, [uid], PART_BYTES, len(so_far))
            piece = loaded.bodies.get(uid)
            if piece is None:
                return loaded  # gone, or kept back
            so_far += piece
            if len(piece) != PART_BYTES or len(so_far) > self.max_bytes + PART_BYTES:
                break
            self.came = True
            self._drops.pop(name, None)
        self._part = ("", bytearray())
        return Loaded({uid: bytes(so_far)})

    async def bodies(
        self, box: Mailbox, uids: list[int], first: int | None = None, start: int = 0
    ) -> Loaded:
        """Whole mails or ``first`` bytes of them; what did not come is asked for a second time.

        So is what came without a byte: that is how Dovecot answers for a mail that somebody
        deletes while it is being read. One that is empty and stays is an empty mail.
        """
        out = await self._fetch(box, uids, first, start)
        missing = [uid for uid in uids if not out.bodies.get(uid)]
        if not missing:
            return out
        for uid in missing:
            out.bodies.pop(uid, None)
        there = await self._told_there(box, missing)
        again = Loaded()
        for uid in there:
            again.add(await self._fetch(box, [uid], first, start))
        doubtful = [uid for uid in there if not again.bodies.get(uid)]
        left = await self._told_there(box, doubtful)
        for uid in set(doubtful) - set(left):
            again.bodies.pop(uid, None)
        why = out.withheld | again.withheld
        out.bodies |= again.bodies
        out.withheld = {
            uid: why.get(uid, "the server does not hand it out")
            for uid in left
            if uid not in again.bodies
        }
        return out

    async def _told_there(self, box: Mailbox, uids: list[int]) -> list[int]:
        """Which are there, once the server may tell what was deleted: not during a FETCH."""
        if uids:
            await box.noop()
        return await self._still_there(box, uids)

    async def _still_there(self, box: Mailbox, uids: list[int]) -> list[int]:
        if not uids:
            return []
        wanted = set(uids)
        found = await box.search(f"UID {wire.number_set(uids)}")
        return [uid for uid in found if uid in wanted]

    async def _fetch(
        self, box: Mailbox, uids: list[int], first: int | None = None, start: int = 0
    ) -> Loaded:
        """One attempt, in smaller ones if the server refuses them together."""
        if not uids:
            return Loaded()
        try:
            return Loaded(dict(await box.bodies(uids, first, start)))
        except Refusal as refusal:
            if len(uids) == 1:
                why = f"the server refuses to hand it out: {refusal}"
                return Loaded(withheld={uids[0]: why})
            out = Loaded()
            for uid in uids:
                out.add(await self._fetch(box, [uid], first, start))
            return out
        except Unreachable:
            # Perhaps one of them kills the connection: next time in smaller batches, and once
            # it is found out, without it.
            self._limit = max(1, len(uids) // 2)
            if len(uids) == 1:
                suspect = f"{box.validity}:{uids[0]}"
                self._drops[suspect] = self._drops.get(suspect, 0) + 1
            raise

"""What colleagues say, in memory, with the semantics of ``commit_colleagues``."""

from collections.abc import Sequence

from gateway.core.colleagues import ColleagueMark, ColleagueMessage, chat_of
from gateway.core.ids import AgentName, ItemId, MessageId


class Talk:
    """The tables: ``said`` in the order in which it can be read."""

    def __init__(self) -> None:
        self.said: dict[MessageId, ColleagueMessage] = {}
        self.marks: dict[tuple[AgentName, str], int] = {}
        self._places: dict[MessageId, int] = {}
        self._next = 0

    def take(self, row: ColleagueMessage | ColleagueMark) -> None:
        if isinstance(row, ColleagueMessage):
            self.put(row)
        else:
            self.mark(row)

    def put(self, message: ColleagueMessage) -> None:
        known = self.said.get(message.id)
        if known is not None and not known.open:
            return
        self.said[message.id] = message
        if known is None or (known.state, message.state) == ("held", "sent"):
            self._next += 1
            self._places[message.id] = self._next

    def mark(self, mark: ColleagueMark) -> None:
        message = self.said.get(mark.message)
        if message is not None and message.chat == mark.chat:
            key = mark.reader, mark.chat
            self.marks[key] = max(self.marks.get(key, 0), self._places[message.id])

    def spoken_of(self, item: ItemId, chat: str) -> bool:
        said = self.said.values()
        return any(m.item == item and m.chat == chat and m.state == "sent" for m in said)

    def shown(self, reader: AgentName, groups: Sequence[str]) -> list[ColleagueMessage]:
        """What somebody sees, oldest first."""
        chats = {chat_of(reader, None, group) for group in groups}
        seen = [
            m
            for m in self.said.values()
            if (m.by == reader and m.state != "barred")
            or (m.state == "sent" and (m.agent == reader or m.chat in chats))
        ]
        return sorted(seen, key=lambda m: self._places[m.id])

    def of(self, chat: str, reader: AgentName, *, whole: bool) -> list[ColleagueMessage]:
        """A chat, newest first."""
        found = [m for m in self.said.values() if m.chat == chat]
        seen = [
            m
            for m in found
            if (m.by == reader and m.state != "barred") or (whole and m.state == "sent")
        ]
        return self.newest(seen)

    def newest(self, found: list[ColleagueMessage]) -> list[ColleagueMessage]:
        return sorted(found, key=lambda m: -self._places[m.id])

    def unread(self, reader: AgentName, groups: Sequence[str]) -> dict[str, int]:
        """How many by chat that somebody sees."""
        counts: dict[str, int] = {}
        for m in self.shown(reader, groups):
            new = m.by != reader and self._places[m.id] > self.marks.get((reader, m.chat), 0)
            counts[m.chat] = counts.get(m.chat, 0) + new
        return counts

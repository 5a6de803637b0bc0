"""What was said in cases, as decisions and pages read it: a part of ``contract.Lookup``."""

from collections.abc import Sequence
from typing import Protocol

from gateway.core.ids import CaseId, CustomerId, MessageId
from gateway.core.model import Message


class Said(Protocol):
    """Committed messages. Everything raises ``Unavailable`` while there is no database."""

    async def messages(
        self, case: CaseId, after_seq: int, limit: int, *, customer_view: bool
    ) -> list[Message]: ...

    async def conversation(
        self, case: CaseId, after: int, limit: int, *, customer: CustomerId | None = None
    ) -> list[tuple[int, Message]]:
        """What a case shows that others were merged with or split from, oldest first.

        Each with its place, from 1 on; ``after`` is the last place known. What was split from it
        is there without its words (``left_behind``). ``customer``: as that customer may see it.
        """
        ...

    async def length(self, case: CaseId, *, customer: CustomerId) -> int:
        """How many messages ``conversation`` has for this customer."""
        ...

    async def chosen(
        self, case: CaseId, messages: Sequence[MessageId]
    ) -> tuple[list[Message], int]:
        """Those of ``messages`` that the case shows, and how many others were said or heard."""
        ...

"""Mails that are being decided about, by Message-ID: an answer to one of them comes after it.

After an outage a mail and somebody's answer to it lie in one batch. Which case the answer belongs
to is known once the mail has one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from gateway.core.errors import Refused
from gateway.core.ids import InboundId
from gateway.core.inbound import Inbound

PATIENCE_SECONDS = 30.0
"""So long it waits at the most; what was never decided must hold up nothing else for ever."""


class Underway:
    """See the module's docstring. Of mails with one Message-ID the first is the one answered."""

    def __init__(self) -> None:
        self._mails: dict[str, InboundId] = {}

    def begin(self, inbound: Inbound, id_: InboundId) -> None:
        """It is being decided about."""
        if inbound.external_id:
            self._mails.setdefault(inbound.external_id, id_)

    def end(self, inbound: Inbound, id_: InboundId) -> None:
        """It has been, or is another's."""
        if self._mails.get(inbound.external_id) == id_:
            del self._mails[inbound.external_id]

    async def after_what_it_answers(
        self, inbound: Inbound, id_: InboundId, verdict: Callable[[InboundId], Awaitable[Any]]
    ) -> None:
        """Return once nothing that it refers to and that came before it is undecided here."""
        for reference in inbound.references:
            before = self._mails.get(reference)
            if before is None or before >= id_:
                continue
            with suppress(TimeoutError, Refused):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await verdict(before)

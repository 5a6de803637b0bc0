"""Whether anybody is there: who waits and closes the last window has left, until one is back."""

import logging
from datetime import datetime
from typing import Literal
from uuid import uuid4

from channels.webchat.house import House
from channels.webchat.session import Session
from channels.webchat.translate import Person, sign_of
from gateway.core.errors import GatewayError
from gateway.core.ids import CaseId
from gateway.core.leaving import waits

log = logging.getLogger(__name__)


class Presence:
    """What one connection lets the node know of that."""

    def __init__(self, house: House, session: Session) -> None:
        self._house = house
        self._session = session
        self._answered: datetime | None = None  # to which leaving it was said that they are here

    def gone(self, person: Person | None) -> None:
        """The connection has ended; who waits and has no other window here has left."""
        item, conversation = self._session.item, self._session.conversation
        if item is None or conversation is None or person is None or not waits(item):
            return
        if not self._house.hub.tabs(person.visitor.id):
            about = f"{item.id}:{uuid4()}"
            self._house.spawn(self._sign("left", person, conversation, about))

    def here(self, person: Person | None) -> None:
        """Somebody has said that this visitor has left: they have not."""
        item, conversation = self._session.item, self._session.conversation
        gone = item.gone if item is not None else None
        if item is None or gone is None or conversation is None or person is None:
            return
        if self._answered != gone.since:
            self._answered = gone.since
            about = f"{item.id}:{gone.since.isoformat()}"
            self._house.spawn(self._sign("back", person, conversation, about))

    async def _sign(
        self, sign: Literal["left", "back"], person: Person, conversation: CaseId, about: str
    ) -> None:
        services = self._house.services
        now = services.clock.now()
        inbound = sign_of(self._house.settings, person, sign, conversation, about, now)
        try:
            await services.intake.receive([inbound])
        except GatewayError as problem:  # told again while the window is there; else it waits on
            self._answered = None
            log.info("whether a visitor is there is not told: %s", problem)

"""One attempt to bring a text to somebody, by a provider."""

from msgspec.structs import replace

from channels.texting.links import Links
from channels.texting.numbers import countries_of, number_of
from channels.texting.settings import ProviderSettings
from channels.texting.wire import Finds, Provider, Text
from gateway.core.errors import SendError, TryAgain, Undeliverable
from gateway.core.model import Delivery, Message
from gateway.core.stopping import NOTICE
from gateway.ports import Outbound, Receipt, Services

_HAS_IT = (Delivery.SENT, Delivery.DELIVERED, Delivery.READ)
LATEST = 200
"""Messages of a case that are looked at."""


class Sending:
    """What every kind of text has in common; a kind says how a message becomes a ``Text``.

    ``looks_back``: it has to be known what was said in the case.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        services: Services,
        provider: Provider,
        links: Links,
        status_url: str,
        *,
        looks_back: bool = False,
    ) -> None:
        self._said, self._services, self._provider = settings, services, provider
        self._links, self._status_url = links, status_url
        self._looks_back = looks_back or bool(settings.numbers)

    async def text_of(self, out: Outbound) -> Text:
        """What is to be sent. Raises ``Undeliverable``."""
        message = out.message
        body = message.body if message is not None else str(out.payload.get("text") or "")
        files = message.attachments if message is not None else ()
        if not body and not files:
            raise Undeliverable("there is nothing to send")
        to = number_of(out.address)
        if not to:
            raise Undeliverable(f"{out.address[:60]!r} is no telephone number")
        said = await self._said_here(out)
        return Text(
            order=out.id,
            message=message.id if message is not None else "",
            sender=self._sender(out, to, said),
            to=to,
            body=body,
            media=tuple(self._links.url(file.id) for file in files),
            media_types=tuple(file.type for file in files),
            status_url=self._status_url if message is not None else "",
            since=out.created_at,
            heard_at=max((one.at for one in said if one.direction == "in"), default=None),
            notice=NOTICE in out.payload,
            others=frozenset(
                one.external_id for one in said if message is None or one.id != message.id
            ),
        )

    async def send(self, out: Outbound, text: Text) -> Receipt:
        """Raises ``SendError``."""
        if out.repeat:
            earlier = await self._earlier(out, text)
            if earlier is not None:
                return earlier
        return Receipt(external_id=await self._provider.send(text))

    async def _said_here(self, out: Outbound) -> list[Message]:
        """What was said in the case, where that has to be known."""
        if out.case is None or not (out.repeat or self._looks_back):
            return []
        seq = out.message.seq if out.message is not None else 0
        after = max(0, seq - LATEST)
        return await self._services.conversations.messages(
            out.case, after, customer_view=True, limit=LATEST + 1
        )

    def _sender(self, out: Outbound, to: str, said: list[Message]) -> str:
        """The number of ours that was written to; else that of the country; else the channel's."""
        ours = {self._said.number, *self._said.numbers.values()}
        written = [str(out.payload.get("from") or "")]
        written += [one for m in reversed(said) if m.direction == "in" for one in m.to]
        found = next((one for one in written if one in ours), "")
        by_country = (self._said.numbers.get(country) for country in countries_of(to))
        return found or next(filter(None, by_country), self._said.number)

    async def _earlier(self, out: Outbound, text: Text) -> Receipt | None:
        """What became of an attempt whose outcome is unknown; ``None``: send it again."""
        message = out.message
        if message is not None and message.delivery in _HAS_IT:
            return Receipt(external_id=message.external_id, delivery=message.delivery)
        if isinstance(self._provider, Finds):
            try:
                found = await self._provider.find(text)
            except SendError as error:
                raise TryAgain(f"nobody knows yet whether it has left: {error}") from error
            return Receipt(external_id=found) if found is not None else None
        if self._said.unsettled == "hold":
            raise Undeliverable(
                "nobody knows whether it has left, and the provider cannot be asked: look there,"
                " then try it again or drop it"
            )
        return None


def with_links(text: Text) -> Text:
    """The same, with its files as addresses in the words."""
    if not text.media:
        return text
    body = "\n".join(filter(None, (text.body, *text.media)))
    return replace(text, body=body, media=(), media_types=())

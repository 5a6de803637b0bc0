"""One call back to whoever filed a task: what it says, and what its outcome means."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from channels.calling import Asked, exchange
from gateway.core.errors import TryAgain, Undeliverable
from gateway.core.model import Attributes
from gateway.ports import Outbound

_LATER = frozenset({408, 425, 429})
_encoder = msgspec.json.Encoder()


class _Said(Struct, frozen=True, kw_only=True):
    """A message from our side, as the filer's system gets it."""

    event: str
    item: str | None
    number: int | None
    message: str
    at: str
    author: str
    body: str
    attachments: list[Attributes]


def body_of(out: Outbound) -> bytes:
    """The same bytes at every attempt, so that a repeat can be recognised."""
    if out.message is None:
        return _encoder.encode(out.payload)
    message = out.message
    return _encoder.encode(
        _Said(
            event="item.message",
            item=out.item,
            number=out.number,
            message=message.id,
            at=message.at.isoformat(),
            author=message.author.name,
            body=message.body,
            attachments=[
                {"id": a.id, "name": a.name, "type": a.type, "size": a.size}
                for a in message.attachments
            ],
        )
    )


async def post(url: str, body: bytes, headers: Mapping[str, str], *, private: bool) -> None:
    """One attempt, no redirects. Raises ``SendError`` by what is known of its effect."""
    asked = Asked(url=url, body=body, headers=headers, private=private, max_answer=0)
    judge((await exchange(asked)).status)


def judge(status: int) -> None:
    """What an answer's status means for us."""
    if status < 300:
        return
    if status >= 500 or status in _LATER:
        raise TryAgain(f"the callback answered {status}")
    if status < 400:
        raise Undeliverable(f"the callback answered {status}; redirects are not followed")
    raise Undeliverable(f"the callback refused with {status}")

"""Second thoughts: what was just said in a chat is said otherwise, or taken back. Pure.

The journal keeps what it was before; everybody else is shown what it is now.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import CaseId
from gateway.core.messages import preview_of
from gateway.core.model import Amended, ChannelKind, Message

WITHIN = timedelta(seconds=60)


def amended(
    message: Message | None, case: CaseId, writer: str, body: str | None, at: datetime
) -> e.Change:
    """``writer``'s message with another ``body``, or without any (``None``). Raises ``Refused``."""
    theirs = message is not None and message.case == case and message.author.id == writer
    if message is None or not theirs or message.direction not in ("in", "out"):
        raise Refused("not_found", "you have said no such thing here", "message")
    if message.kind is not ChannelKind.WEBCHAT:
        raise Refused("not_allowed", "only what is said in a chat can be changed", "message")
    if message.deleted_at:
        raise Refused("wrong_state", "it was taken back already", "message")
    if at - message.at > WITHIN:
        seconds = WITHIN.total_seconds()
        raise Refused("wrong_state", f"that is possible for {seconds:.0f} seconds", "message")
    if body is None:
        taken = replace(message, body="", html=None, deleted_at=at)
        deleted = e.MessageDeleted(
            message=message.id,
            case=case,
            seq=message.seq,
            item=message.item,
            by=message.author.kind,
            was=message.body,
        )
        return e.Change(deleted, (Amended(message=taken),))
    other = replace(message, body=body, html=None, edited_at=at)
    edited = e.MessageEdited(
        message=message.id,
        case=case,
        seq=message.seq,
        item=message.item,
        by=message.author.kind,
        was=message.body,
        preview=preview_of(body),
    )
    return e.Change(edited, (Amended(message=other),))

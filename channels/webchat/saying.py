"""What is said, in either direction: what a visitor may say, and a message as they see it."""

from msgspec import UNSET

from channels.webchat.effects import Entered
from channels.webchat.protocol import (
    MAX_BODY,
    VERSION,
    AttachmentCard,
    Author,
    Delete,
    Edit,
    Error,
    Hello,
    MessageFrame,
    Send,
    State,
    Welcome,
)
from gateway.core.model import Message


def unsayable(frame: Send | Edit | Delete, most_files: int) -> Error | None:
    """Why it cannot be said; ``most_files`` may come with one message."""
    if isinstance(frame, Delete):
        return None
    files = frame.attachments if isinstance(frame, Send) else ()
    code, field = "bad_frame", "body"
    if len(frame.body) > MAX_BODY:
        code, detail = "too_long", f"at most {MAX_BODY:,} characters"
    elif not frame.body.strip() and not files:
        detail = "the message is empty"
    elif len(files) > most_files:
        code, field = "not_available", "attachments"
        detail = f"at most {most_files} files with one message"
    else:
        return None
    return Error(re=frame.id, code=code, detail=detail, field=field)


def frame_of(message: Message) -> MessageFrame:
    """A committed message as the visitor sees it."""
    mine = message.direction == "in" and bool(message.client_id)
    return MessageFrame(
        seq=message.seq,
        id=message.id,
        author=Author(kind=message.author.kind, name=message.author.name),
        body=message.body,
        at=message.at,
        attachments=tuple(
            AttachmentCard(id=a.id, name=a.name, type=a.type, size=a.size)
            for a in (() if message.deleted_at else message.attachments)
        ),
        client_id=message.client_id if mine else UNSET,
        quick_replies=message.quick_replies,
        edited=bool(message.edited_at) and not message.deleted_at,
        deleted=bool(message.deleted_at),
    )


def resume_point(hello: Hello | None, now: Entered) -> int:
    """Where to go on; from the start if the client's memory is of something else."""
    case = now.case
    resume = hello.resume if hello else None
    if resume is None or case is None or now.anew or resume.seq > case.last_seq:
        return 0
    return resume.seq if resume.conversation in (None, case.id) else 0


def welcome_of(now: Entered, state: State) -> Welcome:
    """Who the visitor is, and where the conversation stands that begins to be followed."""
    case = now.case
    return Welcome(
        version=VERSION,
        visitor=now.token,
        conversation=case.id if case else None,
        number=case.number if case else None,
        seq=case.last_seq if case else 0,
        state=state.state,
        heartbeat=now.heartbeat,
        site=now.site,
        anew=now.anew,
        peers=now.peers,
        opens_at=state.opens_at,
    )

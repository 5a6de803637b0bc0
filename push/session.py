"""One tab's conversation, without a socket, a clock or a task.

    hello → (the caller checks the token, attaches, welcomes) → commands

``Session`` decides what a frame means and what to answer; ``push/server.py`` performs it. A
wrong frame after the hello is answered with the field at fault and the connection lives; a
wrong hello ends it with a code that tells the client what to do.
"""

import re
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from gateway.core.commands import Command
from gateway.core.errors import Refused
from gateway.core.ids import CommandId
from push.protocol import VERSION, Close, Error, Hello, Ok, Watching, decode_client, encoder

COMMANDS_PER_SECOND = 50.0
COMMANDS_AT_ONCE = 200.0
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
_MISSING = re.compile(r"missing required field `([^`]+)`")
_PATH = re.compile(r"at `\$\.?([^`]*)`")
_INDEX = re.compile(r"\[[^\]]*\]")


class Rejected(Struct, frozen=True):
    """The connection cannot go on: tell ``frame`` if there is one, close with ``code``."""

    code: Close
    reason: str
    frame: str = ""


class Job(Struct, frozen=True):
    """A command to perform. ``maybe_repeated``: it may have been done before, elsewhere."""

    command: Command | Watching
    maybe_repeated: bool


class _Named(Struct, frozen=True):
    """As much of a bad frame as is needed to answer it."""

    id: Any = None


_named = msgspec.json.Decoder(_Named)


class Session:
    """See the module's docstring."""

    __slots__ = ("_pending", "_tokens", "_topped_up")

    def __init__(self, now: float) -> None:
        self._pending: frozenset[CommandId] | None = None
        self._tokens = COMMANDS_AT_ONCE
        self._topped_up = now

    def greet(self, text: str) -> Hello | Rejected:
        """The first frame, which must be ``hello`` in a version that we speak."""
        try:
            frame = decode_client.decode(text)
        except _UNREADABLE as fault:
            answer = bad_frame(text, fault)
            reason = f"bad hello: {answer.detail}"
            return Rejected(Close.BAD_HELLO, reason, encode(answer))
        if not isinstance(frame, Hello):
            answer = Error(
                re=frame.id, code="bad_frame", detail="the first frame is `hello`", field="t"
            )
            return Rejected(Close.BAD_HELLO, answer.detail, encode(answer))
        if VERSION not in frame.versions:
            return Rejected(Close.BAD_VERSION, f"this node speaks version {VERSION}")
        self._pending = None if frame.pending is None else frozenset(frame.pending)
        return frame

    def receive(self, text: str, now: float) -> Job | str:
        """A command to perform, or the answer to a frame that is none. ``now`` in seconds."""
        if not self._allowed(now):
            return encode(
                Error(
                    re=_id_of(text),
                    code="too_many",
                    detail=f"more than {COMMANDS_PER_SECOND:.0f} frames a second",
                )
            )
        try:
            frame = decode_client.decode(text)
        except _UNREADABLE as fault:
            return encode(bad_frame(text, fault))
        if isinstance(frame, Hello):
            return encode(
                Error(re=None, code="bad_frame", detail="`hello` comes once, first", field="t")
            )
        repeated = self._pending is None or frame.id in self._pending
        return Job(frame, repeated)

    def _allowed(self, now: float) -> bool:
        gained = (now - self._topped_up) * COMMANDS_PER_SECOND
        self._topped_up = now
        self._tokens = min(COMMANDS_AT_ONCE, self._tokens + gained)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


# -- answers --------------------------------------------------------------------------------


def encode(frame: Struct) -> str:
    """Any frame as text."""
    return encoder.encode(frame).decode()


def done(command: CommandId, seq: int, body: dict[str, Any]) -> str:
    """``ok``: it is on disk, and the frames up to ``seq`` show what it did."""
    return encode(Ok(re=command, seq=seq, body=body))


def refused(command: CommandId | None, why: Refused) -> str:
    """``error``, for a command that cannot be done."""
    return encode(Error(re=command, code=why.code, detail=why.detail, field=why.field or UNSET))


def bad_frame(text: str, fault: Exception) -> Error:
    """What is wrong with a frame, and where, as far as it can be told."""
    detail = str(fault)
    field = field_of(detail) if isinstance(fault, msgspec.ValidationError) else ""
    return Error(re=_id_of(text), code="bad_frame", detail=detail, field=field or UNSET)


def field_of(detail: str) -> str:
    """The field that a validation message is about: ``$.to[1]`` → ``to``; ``""`` for none."""
    path = _PATH.search(detail)
    inside = _INDEX.sub("", path[1]) if path else ""
    missing = _MISSING.search(detail)
    return ".".join(filter(None, (inside, missing[1] if missing else "")))


def _id_of(text: str) -> CommandId | None:
    try:
        found = _named.decode(text).id
    except _UNREADABLE:
        return None
    return CommandId(found) if isinstance(found, str) and len(found) <= 64 else None

"""One agent's stream of frames: numbers, and a window of the last ones for replay. Pure.

``epoch`` is one claim of the agent by a node, ``seq`` counts within it from 1; a snapshot
stands for everything up to its ``seq``. A frame is encoded once, without its numbers, which
are then put in front: the same few bytes in front of every frame of a kind.
"""

from collections import deque
from enum import Enum
from typing import get_args

from gateway.core.ids import AgentName
from push.protocol import (
    NumberedFrame,
    ResumeFrom,
    encoder,
)

KEPT_FRAMES = 256
KEPT_BYTES = 128 * 1024
_KINDS = get_args(NumberedFrame)


def _head(kind: type) -> tuple[bytes, int]:
    """What every frame of a kind begins with, and how long that is with both numbers at 0."""
    tag = kind.__struct_config__.tag  # type: ignore[attr-defined]
    head = b'{"t":"%b","epoch":' % tag.encode()
    return head, len(b'%b0,"seq":0' % head)


_HEADS = {kind: _head(kind) for kind in _KINDS}


def encode_at(frame: NumberedFrame, epoch: int, seq: int) -> bytes:
    """The frame as text in UTF-8 at this place. ``frame`` must carry 0 and 0."""
    head, cut = _HEADS[type(frame)]
    return b'%b%d,"seq":%d%b' % (head, epoch, seq, encoder.encode(frame)[cut:])


class Why(Enum):
    """Why a desktop gets a snapshot and not a replay."""

    FRESH = "it has nothing to build on"
    EPOCH = "its frames are of another claim"
    TRIMMED = "what it missed is no longer kept"
    AHEAD = "it has seen more than was sent"


class AgentStream:
    """See the module's docstring. The window takes no memory until there is a frame."""

    __slots__ = ("_window", "agent", "epoch", "kept_bytes", "seq")

    def __init__(self, agent: AgentName, epoch: int, seq: int = 0) -> None:
        self.agent = agent
        self.epoch = epoch
        self.seq = seq
        self.kept_bytes = 0
        self._window: deque[bytes] | None = None

    @property
    def oldest(self) -> int:
        """The first frame that can be replayed; ``seq + 1`` when none can."""
        return self.seq + 1 - (len(self._window) if self._window else 0)

    def restart(self, epoch: int) -> None:
        """A new claim counts from its own snapshot."""
        self.epoch = epoch
        self.seq = 0
        self.forget()

    def append(self, frame: NumberedFrame) -> bytes:
        """Number the frame, keep it for replay, and give what goes on the wire."""
        self.seq += 1
        text = encode_at(frame, self.epoch, self.seq)
        window = self._window
        if window is None:
            window = self._window = deque()
        window.append(text)
        self.kept_bytes += len(text)
        if len(window) > KEPT_FRAMES or self.kept_bytes > KEPT_BYTES:
            self.trim(KEPT_BYTES)
        return text

    def trim(self, size: int) -> None:
        """Keep no more than this for replay."""
        window = self._window
        while window and (len(window) > KEPT_FRAMES or self.kept_bytes > size):
            self.kept_bytes -= len(window.popleft())

    def forget(self) -> None:
        """Give back the window's memory; a client that has missed something gets a snapshot."""
        self._window = None
        self.kept_bytes = 0

    def break_off(self) -> None:
        """Something could not be told: whoever has seen all up to here needs a snapshot too."""
        self.seq += 1
        self.forget()

    def resume(self, seen: ResumeFrom | None) -> list[bytes] | Why:
        """One decision on two positions: the frames after ``seen``, or why a snapshot."""
        if seen is None:
            return Why.FRESH
        if seen.epoch != self.epoch:
            return Why.EPOCH
        if seen.seq > self.seq:
            return Why.AHEAD
        if seen.seq < self.oldest - 1:
            return Why.TRIMMED
        if seen.seq == self.seq or self._window is None:
            return []
        missed = self.seq - seen.seq
        return list(self._window)[-missed:]

"""One agent's stream of frames: numbers, and a window of the last ones for replay. Pure.

``epoch`` is one claim of the agent by a node, ``seq`` counts within it from 1; a snapshot
stands for everything up to its ``seq``. A frame is encoded once, without its numbers, which
are then put in front: the same few bytes in front of every frame of a kind.
"""

from collections import deque
from enum import Enum

from gateway.core.ids import AgentName
from push.protocol import (
    DeliveryFrame,
    ItemFrame,
    MessageFrame,
    NumberedFrame,
    OfferFrame,
    OfferGone,
    ResumeFrom,
    StateFrame,
    encoder,
)

KEPT_FRAMES = 256
KEPT_CHARS = 128 * 1024
_KINDS = (OfferFrame, OfferGone, ItemFrame, MessageFrame, DeliveryFrame, StateFrame)


def _head(kind: type) -> tuple[str, int]:
    """What every frame of a kind begins with, and how long that is with both numbers at 0."""
    tag = kind.__struct_config__.tag  # type: ignore[attr-defined]
    head = f'{{"t":"{tag}","epoch":'
    return head, len(f'{head}0,"seq":0')


_HEADS = {kind: _head(kind) for kind in _KINDS}


def encode_at(frame: NumberedFrame, epoch: int, seq: int) -> str:
    """The frame as text at this place. ``frame`` must carry 0 and 0."""
    head, cut = _HEADS[type(frame)]
    return f'{head}{epoch},"seq":{seq}{encoder.encode(frame).decode()[cut:]}'


class Why(Enum):
    """Why a desktop gets a snapshot and not a replay."""

    FRESH = "it has nothing to build on"
    EPOCH = "its frames are of another claim"
    TRIMMED = "what it missed is no longer kept"
    AHEAD = "it has seen more than was sent"


class AgentStream:
    """See the module's docstring. The window takes no memory until there is a frame."""

    __slots__ = ("_chars", "_window", "agent", "epoch", "seq")

    def __init__(self, agent: AgentName, epoch: int, seq: int = 0) -> None:
        self.agent = agent
        self.epoch = epoch
        self.seq = seq
        self._window: deque[str] | None = None
        self._chars = 0

    @property
    def oldest(self) -> int:
        """The first frame that can be replayed; ``seq + 1`` when none can."""
        return self.seq + 1 - (len(self._window) if self._window else 0)

    @property
    def kept_chars(self) -> int:
        return self._chars

    def restart(self, epoch: int) -> None:
        """A new claim counts from its own snapshot."""
        self.epoch = epoch
        self.seq = 0
        self.forget()

    def append(self, frame: NumberedFrame) -> str:
        """Number the frame, keep it for replay, and give what goes on the wire."""
        self.seq += 1
        text = encode_at(frame, self.epoch, self.seq)
        if self._window is None:
            self._window = deque()
        self._window.append(text)
        self._chars += len(text)
        while len(self._window) > KEPT_FRAMES or self._chars > KEPT_CHARS:
            self.drop_oldest()
        return text

    def drop_oldest(self) -> int:
        """Give up the oldest frame of the window; returns how many characters that freed."""
        if not self._window:
            return 0
        freed = len(self._window.popleft())
        self._chars -= freed
        return freed

    def trim(self, chars: int) -> None:
        """Keep no more than this for replay."""
        while self._window and self._chars > chars:
            self.drop_oldest()

    def forget(self) -> None:
        """Give back the window's memory; a client that has missed something gets a snapshot."""
        self._window = None
        self._chars = 0

    def break_off(self) -> None:
        """Something could not be told: whoever has seen all up to here needs a snapshot too."""
        self.seq += 1
        self.forget()

    def resume(self, seen: ResumeFrom | None) -> list[str] | Why:
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

"""Answers that wait for the message that they are about: whoever sees them has seen it."""

from channels.webchat.protocol import Ok
from gateway.core.ids import CaseId


class Answers:
    """Those of one connection, by the ``id`` that they answer."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[CaseId, int]] = {}

    def hold(self, re: str, conversation: CaseId, seq: int) -> None:
        """What ``re`` said is the message ``seq`` of this conversation, and on disk."""
        self._held[re] = (conversation, seq)

    def due(self, here: str, position: int | None) -> list[Ok]:
        """Those whose message has been posted: up to ``position`` of the conversation ``here``.

        ``None``: everything has just been read, so a message that is not there will not come (it
        belongs to an older conversation by now); its answer is true all the same.
        """
        due = [
            re
            for re, (case, seq) in self._held.items()
            if case < here or (case == here and (position is None or seq <= position))
        ]
        return [self._ok(re, *self._held.pop(re)) for re in due]

    def _ok(self, re: str, conversation: CaseId, seq: int) -> Ok:
        return Ok(re=re, seq=seq, conversation=conversation)

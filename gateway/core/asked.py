"""What the front door has asked a customer, or given to help them on. See ``core.asking``.

``core.model`` has it on a work item. While it is open the item sleeps; whoever takes the item
elsewhere, a supervisor say, ends that without another word.
"""

from datetime import datetime
from typing import Literal

from gateway.core.ids import RuleName
from gateway.core.value import Kept

What = Literal["question", "help"]
Ended = Literal["answered", "unclear", "person", "solved", "silent", "left", "late"]
"""How it ended. ``unclear``: what was said fits no answer; ``solved``: the customer said that it
helped; ``left``: the customer went; ``late``: answered when the item had gone on already."""


class Asked(Kept, frozen=True, kw_only=True):
    """``labels`` are the answers as the customer was shown them; who wants a person takes the last.

    ``since`` is the place of the item: it waits as if it had come then. At ``until`` it goes on
    without an answer, or is ``settled`` by that. ``said`` is the answer.
    """

    rule: RuleName
    what: What
    labels: tuple[str, ...]
    at: datetime
    since: datetime
    until: datetime
    settled: bool = False
    ended: Ended | None = None
    said: str = ""

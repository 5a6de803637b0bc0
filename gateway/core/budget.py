"""How many mails our machines may send: to one address, and from one mailbox."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

Of = Literal["sender", "mailbox"]
DAY, HOUR = 86_400.0, 3_600.0


class Budget(Struct, frozen=True, kw_only=True):
    """Automatic mails to one address and from one mailbox, in an hour and in a day.

    The windows slide by a twentieth of their length. 0: none at all.
    """

    sender_hour: int = 3
    sender_day: int = 8
    mailbox_hour: int = 500
    mailbox_day: int = 5_000

    def windows(self) -> Iterator[tuple[Of, float, int]]:
        """Of whom, within how many seconds, how many."""
        yield "sender", HOUR, self.sender_hour
        yield "sender", DAY, self.sender_day
        yield "mailbox", HOUR, self.mailbox_hour
        yield "mailbox", DAY, self.mailbox_day

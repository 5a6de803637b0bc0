"""What all values have in common. See ``core.model``."""

from enum import StrEnum

from msgspec import Struct

Attributes = dict[str, str | int | float | bool | None]


class Value(Struct, frozen=True, kw_only=True, gc=False):
    """Base of all values. Being frozen they form no cycles, so the collector need not look."""


class Kept(Value, frozen=True, kw_only=True, omit_defaults=True):
    """Base of values that are written with every change: what is as by default is left out."""


class Word(StrEnum):
    """Base of closed sets of words, hashed as the text that each is.

    ``Enum`` hashes by a function written in Python, and these are keys on every path.
    """

    __hash__ = str.__hash__


class ChannelKind(Word):
    """What sort of contact it is; decides default deadlines, costs and the composer's manner."""

    EMAIL = "email"
    WEBCHAT = "webchat"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    VOICE = "voice"
    TASK = "task"
    CALLBACK = "callback"


TEXTED = frozenset({ChannelKind.SMS, ChannelKind.WHATSAPP, ChannelKind.TELEGRAM})
"""Short messages to a number or an account, in one thread that never ends."""
ADDRESSED = TEXTED | {ChannelKind.EMAIL}
"""What is written to an address, whether or not anybody is there."""

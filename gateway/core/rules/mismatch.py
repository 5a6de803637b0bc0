"""Who claims to be somebody else: the ways in which that shows."""

from typing import Literal, get_args

from msgspec import Struct

Mismatched = Literal["own", "name", "reply_to", "form", "signed", "sender", "recipient"]
"""Ours, by name or domain; another address in the name; answers go to another's; another's address
or number in a form; not whom the site has signed; another than has written so far; what we write
goes to somebody who has not written."""
MISMATCHES: tuple[Mismatched, ...] = get_args(Mismatched)


class Mismatch(Struct, frozen=True, kw_only=True):
    """One of them; ``detail`` says what does not go with what."""

    kind: Mismatched
    detail: str

"""What a mail's header says of who sent it, and of how it is wrapped. Pure values.

It is judged when the mail comes, by what the channel was told of our own mail server then, and
stands beside the mail on a desktop.
"""

from typing import Literal

from gateway.core.value import Kept

Proof = Literal["", "verified", "no_server", "no_result", "weak", "failed", "unclear"]
"""Whether our own mail server vouches for the sender, or what is in the way of that.

``no_server``: the channel names no server whose word counts; ``no_result``: that server said
nothing; ``weak``: what it found proves no From (SPF alone, another domain's signature);
``failed``: it says that the mail is not from there; ``unclear``: there is no From, or not one.
"""
Seal = Literal[
    "smime_signed", "smime_opaque", "smime_encrypted", "pgp_signed", "pgp_encrypted", "tnef"
]
"""Wrapped so that it is kept as an attachment, unread."""


class Signs(Kept, frozen=True, kw_only=True):
    """``checks`` is what our server said, method by method (``spf=pass example.org``).

    ``reply_to`` is where the sender wants answers, if not at the address they write from;
    ``seems`` is an address or domain that they look like and are not; ``list`` the address of the
    mailing list that brought it.
    """

    proof: Proof = ""
    checks: tuple[str, ...] = ()
    reply_to: str = ""
    seems: str = ""
    sealed: tuple[Seal, ...] = ()
    list: str = ""

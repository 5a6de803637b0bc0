"""E-mail: fetched by IMAP or brought by mail servers, answered by SMTP.

What is read goes settings → ``imap`` (connection) → ``mailbox`` (folder) → ``reader`` (the loop:
fetch, store, mark) → ``parse`` (bytes to ``Inbound``). What is brought comes through a ``door``
(``serving`` talks SMTP and LMTP) to ``direct``, which stores it before the answer. What is
sent goes ``compose`` (``Outbound`` to bytes) → ``send``. ``wire``, ``cursor``, ``parse`` with its
parts and ``compose`` are pure.
``docs/protocols/email.md`` says what outsiders may rely on.
"""

from channels.email.channel import EmailChannel, EmailOpener
from channels.email.guessing import guess
from channels.email.settings import Settings
from channels.email.show import MailShow
from gateway.core.model import ChannelKind
from gateway.ports import ChannelType

open_email = EmailOpener()

TYPE = ChannelType(
    kind=ChannelKind.EMAIL,
    settings=Settings,
    open=open_email,
    duty=lambda said: said.duty(),
    guess=guess,
    shows=MailShow(),
)

__all__ = ["TYPE", "EmailChannel", "EmailOpener", "Settings", "open_email"]

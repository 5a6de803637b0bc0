"""E-mail: one mailbox read by IMAP, answered by SMTP.

What is read goes settings → ``imap`` (connection) → ``mailbox`` (folder) → ``reader`` (the loop:
fetch, store, mark) → ``parse`` (bytes to ``Inbound``). What is sent goes ``compose`` (``Outbound``
to bytes) → ``send``. ``wire``, ``cursor``, ``parse`` with its parts and ``compose`` are pure.
``docs/protocols/email.md`` says what outsiders may rely on.
"""

from channels.email.channel import EmailChannel, EmailOpener
from channels.email.settings import Settings
from gateway.core.model import ChannelKind
from gateway.ports import ChannelType

open_email = EmailOpener()

TYPE = ChannelType(
    kind=ChannelKind.EMAIL, settings=Settings, open=open_email, duty=lambda said: said.imap.duty()
)

__all__ = ["TYPE", "EmailChannel", "EmailOpener", "Settings", "open_email"]

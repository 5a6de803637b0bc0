"""Telegram: a bot that customers write to, read by long polling or by a webhook.

``wire`` has what Telegram says, ``api`` asks it, ``channel`` is the whole of it. It shares the
fetching of files and the stop list with the other messengers; see docs/protocols/messengers.md.
"""

from channels.telegram.channel import open_telegram
from channels.telegram.settings import Settings
from gateway.core.model import ChannelKind
from gateway.ports import ChannelType

TYPE = ChannelType(
    kind=ChannelKind.TELEGRAM, settings=Settings, open=open_telegram, duty=Settings.duty
)

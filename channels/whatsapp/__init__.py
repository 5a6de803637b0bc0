"""WhatsApp by the same providers as SMS: with its window of 24 hours, and templates after that.

All but the kind itself is ``channels.texting``; see docs/protocols/messengers.md.
"""

from channels.whatsapp.channel import open_whatsapp
from channels.whatsapp.settings import Settings
from gateway.core.model import ChannelKind
from gateway.ports import ChannelType

TYPE = ChannelType(kind=ChannelKind.WHATSAPP, settings=Settings, open=open_whatsapp)

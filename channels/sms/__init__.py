"""Text messages by Twilio, Vonage, Telnyx, or any gateway that speaks the generic form.

All but the kind itself is ``channels.texting``; see docs/protocols/sms.md.
"""

from channels.sms.channel import open_sms
from channels.sms.settings import Settings
from gateway.core.model import ChannelKind
from gateway.ports import ChannelType

TYPE = ChannelType(kind=ChannelKind.SMS, settings=Settings, open=open_sms)

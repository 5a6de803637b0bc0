"""Web chat: visitors of web sites, by websocket.

``protocol`` has the frames, ``session`` decides (pure), ``connection`` carries out for one
socket, ``channel`` joins them to the node. The journal owns the truth: a window that comes back
names the last ``seq`` it has, and gets what follows.
"""

from channels.webchat.channel import open_webchat
from channels.webchat.settings import Settings
from gateway.core.model import ChannelKind
from gateway.ports import ChannelType

TYPE = ChannelType(kind=ChannelKind.WEBCHAT, settings=Settings, open=open_webchat)

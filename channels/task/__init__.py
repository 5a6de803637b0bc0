"""Back-office work: other systems file tasks by REST and are told how they go.

``schema`` has what a task may say, ``filing`` turns it into an ``Inbound``, ``channel`` serves the
resources and makes one attempt to call back, ``callback`` writes and signs the call, ``guard``
keeps it away from addresses that a stranger must not reach through us.
"""

from channels.task.channel import open_task
from channels.task.settings import Settings
from gateway.core.model import ChannelKind
from gateway.ports import ChannelType

TYPE = ChannelType(kind=ChannelKind.TASK, settings=Settings, open=open_task)

"""The channels, and the one table of their kinds.

A channel is a package with one class that satisfies ``gateway.ports.Channel``; it translates and
nothing more. Third parties add theirs by an entry point in the group ``switchroom.channels`` whose
object is a ``ChannelType``, without touching this file.
"""

from collections.abc import Mapping
from importlib.metadata import entry_points

from gateway.ports import ChannelType

ENTRY_POINTS = "switchroom.channels"


def table() -> Mapping[str, ChannelType]:
    """Every kind of channel that can be configured, by its name in ``[[channel]] kind``."""
    # Here, not above: whoever imports one channel need not import the libraries of all.
    from channels.email import TYPE as EMAIL  # noqa: PLC0415
    from channels.sms import TYPE as SMS  # noqa: PLC0415
    from channels.task import TYPE as TASK  # noqa: PLC0415
    from channels.telegram import TYPE as TELEGRAM  # noqa: PLC0415
    from channels.webchat import TYPE as WEBCHAT  # noqa: PLC0415
    from channels.whatsapp import TYPE as WHATSAPP  # noqa: PLC0415

    ours = {t.kind.value: t for t in (EMAIL, WEBCHAT, SMS, WHATSAPP, TELEGRAM, TASK)}
    theirs: dict[str, ChannelType] = {
        point.name: point.load() for point in entry_points(group=ENTRY_POINTS)
    }
    return {**theirs, **ours}

"""What an agent's command does: pure decisions, one small function per command.

``decide`` answers with the changes to record and the body of the ``ok`` frame, or raises
``Refused``. Nothing is half done: a refused command changes nothing.
"""

from collections.abc import Callable
from typing import Any

from gateway.core import commands as c
from gateway.core.desk import amend, colleagues, macros, moves, offers, owed, talk
from gateway.core.desk.hand import Decision as Decision
from gateway.core.desk.hand import Desk as Desk
from gateway.core.desk.hand import RefusedOnRecord as RefusedOnRecord
from gateway.core.desk.hand import Resolved as Resolved

_ACTS: dict[type[Any], Callable[[Desk, Any], Decision]] = {
    c.State: offers.state,
    c.Accept: offers.accept,
    c.Decline: offers.decline,
    c.Take: offers.take,
    c.Send: talk.send,
    c.Note: talk.note,
    c.Read: talk.read,
    c.Edit: amend.edit,
    c.Delete: amend.delete,
    c.Compose: talk.compose,
    c.Park: moves.park,
    c.Resume: moves.resume,
    c.Reopen: moves.reopen,
    c.TagCase: moves.tag,
    c.RunMacro: macros.run,
    c.Transfer: moves.transfer,
    c.AskCallback: owed.callback,
    c.MakePromise: owed.promise,
    c.Peer: colleagues.say,
    c.PeerRead: colleagues.read,
    c.Wrapup: moves.wrapup,
}


def decide(desk: Desk, command: c.Command) -> Decision:
    """What ``command`` does and what it answers. Raises ``Refused``."""
    return _ACTS[type(command)](desk, command)

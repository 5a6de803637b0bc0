"""Who is told of what colleagues say to each other: the one, the group, and whoever said it.

From a committed entry of this node, which has the message among its rows; or from a message that
was committed at another node and read from the database. Nothing that was said is kept here but
what stands in the streams' windows.
"""

from collections.abc import Iterable

from msgspec import UNSET

from gateway.core import events as e
from gateway.core.colleagues import ColleagueMessage, view_of
from gateway.core.ids import AgentName
from gateway.core.model import AgentProfile
from push.protocol import NumberedFrame, PeerFrame, PeerReadFrame

COLLEAGUES = frozenset({e.ColleagueWrote, e.ColleagueReviewed, e.ColleagueMarked})
Told = list[tuple[AgentName, NumberedFrame]]


class Colleagues:
    """See the module's docstring; it knows who is in which group."""

    __slots__ = ("_groups", "_members")

    def __init__(self) -> None:
        self._groups: dict[AgentName, tuple[str, ...]] = {}
        self._members: dict[str, dict[AgentName, None]] = {}

    def load(self, profiles: Iterable[AgentProfile]) -> None:
        for profile in profiles:
            self.put(profile)

    def put(self, profile: AgentProfile) -> None:
        """An agent is in these groups from now on."""
        self.drop(profile.name)
        if profile.active and profile.groups:
            self._groups[profile.name] = profile.groups
            for group in profile.groups:
                self._members.setdefault(group, {})[profile.name] = None

    def drop(self, agent: AgentName) -> None:
        """An agent is in no group any more."""
        for group in self._groups.pop(agent, ()):
            members = self._members[group]
            members.pop(agent, None)
            if not members:
                del self._members[group]

    def concerned(self, event: e.ColleagueWrote | e.ColleagueReviewed) -> set[AgentName]:
        """Whom a message may be shown to."""
        whom = {event.agent} if event.agent is not None else {*self._members.get(event.group, ())}
        return {event.by, *whom}

    def told(self, entry: e.Entry) -> Told:
        """Who sees what of an entry of this node."""
        event = entry.event
        if type(event) is e.ColleagueMarked:
            return [(event.reader, _mark(event))]
        if type(event) is e.ColleagueReviewed and event.verdict == "seen":
            return []
        frames: Told = []
        for row in entry.rows:
            if type(row) is ColleagueMessage:
                frames += self.shown(row)
        return frames

    def shown(self, message: ColleagueMessage) -> Told:
        """Who sees a message as it is now; what is held or refused only its writer does.

        Whoever was not let say something was told so by the answer to the command.
        """
        if message.state == "barred":
            return []
        view = view_of(message)
        fields = {name: getattr(view, name) for name in view.__struct_fields__}
        frame = PeerFrame(epoch=0, seq=0, **fields)
        whom = {message.by}
        if message.state == "sent":
            if message.agent is not None:
                whom.add(message.agent)
            else:
                whom.update(self._members.get(message.group, ()))
        return [(agent, frame) for agent in sorted(whom)]


def _mark(event: e.ColleagueMarked) -> PeerReadFrame:
    return PeerReadFrame(
        epoch=0,
        seq=0,
        agent=UNSET if event.agent is None else event.agent,
        group=event.group or UNSET,
        message=event.message,
    )

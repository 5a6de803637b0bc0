"""Who is connected, and who follows which conversation."""

from collections import Counter
from collections.abc import Hashable, Iterator
from ipaddress import ip_address
from typing import Generic, TypeVar

from gateway.core.ids import CaseId

Member = TypeVar("Member", bound=Hashable)
Key = TypeVar("Key", bound=Hashable)


class Hub(Generic[Member]):
    """The channel's connections on this node; says no to more than it can carry."""

    def __init__(self, per_address: int, most: int) -> None:
        self._per_address = per_address
        self._most = most
        self._remotes: dict[Member, str] = {}
        self._from: Counter[str] = Counter()
        self._follows: dict[Member, CaseId] = {}
        self._followers: dict[CaseId, set[Member]] = {}
        self._visitors: dict[Member, str] = {}
        self._tabs: dict[str, set[Member]] = {}

    def __len__(self) -> int:
        return len(self._remotes)

    def __iter__(self) -> Iterator[Member]:
        return iter(tuple(self._remotes))

    def refusal(self, remote: str) -> str:
        """Why one more from this address cannot be taken; empty if it can."""
        if len(self._remotes) >= self._most:
            return "too many visitors at once"
        if self._from[remote] >= self._per_address and not is_loopback(remote):
            return "too many connections from this address"
        return ""

    def add(self, member: Member, remote: str) -> None:
        self._remotes[member] = remote
        self._from[remote] += 1

    def remove(self, member: Member) -> None:
        remote = self._remotes.pop(member)
        self._from[remote] -= 1
        if not self._from[remote]:
            del self._from[remote]
        _drop(self._followers, self._follows.pop(member, None), member)
        _drop(self._tabs, self._visitors.pop(member, None), member)

    def follow(self, member: Member, conversation: CaseId) -> None:
        """From now on the member is told what happens in this conversation, and no other."""
        _drop(self._followers, self._follows.get(member), member)
        self._followers.setdefault(conversation, set()).add(member)
        self._follows[member] = conversation

    def know(self, member: Member, visitor: str) -> None:
        """Whose connection it is."""
        self._tabs.setdefault(visitor, set()).add(member)
        self._visitors[member] = visitor

    def watched(self, conversation: CaseId) -> bool:
        """Whether anybody follows it."""
        return conversation in self._followers

    def followers(self, conversation: CaseId) -> tuple[Member, ...]:
        """Who is to be told; a copy, for telling may end a connection."""
        return tuple(self._followers.get(conversation, ()))

    def tabs(self, visitor: str) -> tuple[Member, ...]:
        """All connections of one visitor."""
        return tuple(self._tabs.get(visitor, ()))


def _drop(table: dict[Key, set[Member]], key: Key | None, member: Member) -> None:
    if key is None or (members := table.get(key)) is None:
        return
    members.discard(member)
    if not members:
        del table[key]


def is_loopback(remote: str) -> bool:
    try:
        return ip_address(remote).is_loopback
    except ValueError:
        return False

"""How often somebody writes: by address, domain, block of numbers and network address. Pure.

Only what a rule asks about is counted, in steps of a twentieth of the time that it looks back; so
what is counted may be a twentieth older. Who looks back a minute and who looks back a month count
each in steps of their own, or a month would be millions of short ones to be added up for a mail.
Keys are hashes: nobody's address is kept here.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import blake2b
from ipaddress import ip_address
from math import inf

from msgspec import Struct

from gateway.core.ids import NodeName
from gateway.core.rules.velocity import By, Velocity, velocity_key

MOST_KEYS = 50_000
"""Whoever wrote longest ago is forgotten first."""
STEPS = 20
_BLOCK = 4
"""The last digits of a telephone number, which one caller can change at will."""

Keys = Mapping[By, str]


class Step(Struct, frozen=True):
    """So many came within one step of time, at one node. ``start`` is in seconds since 1970."""

    what: str
    key: str
    node: NodeName
    start: int
    count: int


class Paces:
    """The counters of a node, with what others have counted."""

    def __init__(self, node: NodeName, most: int = MOST_KEYS) -> None:
        self._node = node
        self._most = most
        self._steps: OrderedDict[tuple[str, str], dict[tuple[int, NodeName], int]] = OrderedDict()
        self._news: dict[Step, None] = {}

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def places(self) -> int:
        """Steps in memory."""
        return sum(len(steps) for steps in self._steps.values())

    def count(
        self, asked: Iterable[Velocity], side: str, of: str, keys: Keys, at: datetime
    ) -> None:
        """One more; ``of`` is what it is, a message or a matter."""
        wanted = [one for one in asked if one.of == of]
        for by, width in dict.fromkeys((one.by, _width(one)) for one in wanted):
            if not (key := keys.get(by, "")):
                continue
            self.note(_what(side, by, of, width), hashed(by, key), width, at)

    def note(self, what: str, key: str, width: float, at: datetime, *, shared: bool = True) -> None:
        """One more of ``what``, under a key that is ``hashed``; steps are of ``width`` seconds.

        What is not ``shared`` no other node is told, and it is not stored.
        """
        start = int(at.timestamp() // width * width)
        self._tidy(what, key, at.timestamp() - 2 * STEPS * width)
        had = self._steps.get((what, key), {}).get((start, self._node), 0)
        step = Step(what, key, self._node, start, had + 1)
        self._news.pop(Step(what, key, self._node, start, had), None)
        if shared:
            self._news[step] = None
        self.put(step)

    def total(self, what: str, key: str, since: float, until: float = inf) -> int:
        """How many there were in steps that began after ``since`` (seconds since 1970)."""
        steps = self._steps.get((what, key), {})
        return sum(count for (start, _), count in steps.items() if since < start <= until)

    def put(self, step: Step) -> None:
        """What was counted, here or elsewhere; the same again changes nothing."""
        steps = self._steps.setdefault((step.what, step.key), {})
        place = (step.start, step.node)
        steps[place] = max(step.count, steps.get(place, 0))
        self._steps.move_to_end((step.what, step.key))
        while len(self._steps) > self._most:
            self._steps.popitem(last=False)

    def counted(
        self, asked: Iterable[Velocity], side: str, keys: Keys, at: datetime
    ) -> dict[str, int]:
        """How many there were for each of ``asked``, the one that is just looked at among them."""
        found = {}
        for one in asked:
            if key := keys.get(one.by, ""):
                width = _width(one)
                what = _what(side, one.by, one.of, width)
                # The beginning of a step is kept in whole seconds: it may be that much earlier.
                since = at.timestamp() - one.seconds - width - 1
                found[velocity_key(one)] = self.total(what, hashed(one.by, key), since) + 1
        return found

    def _tidy(self, what: str, key: str, before: float) -> None:
        """Forget what nobody looks back to, once there is a good deal of it."""
        steps = self._steps.get((what, key), {})
        if len(steps) > 4 * STEPS:
            for place in [place for place in steps if place[0] < before]:
                del steps[place]

    def news(self) -> list[Step]:
        """What was counted here since this was asked last."""
        news, self._news = list(self._news), {}
        return news

    def again(self, steps: Iterable[Step]) -> None:
        """They could not be stored: they are news as before, where nothing newer is."""
        newer = {(one.what, one.key, one.start) for one in self._news}
        for step in steps:
            if (step.what, step.key, step.start) not in newer:
                self._news[step] = None

    def forget(self, before: datetime) -> None:
        """What nobody looks back to."""
        limit = before.timestamp()
        for key, steps in list(self._steps.items()):
            for place in [place for place in steps if place[0] < limit]:
                del steps[place]
            if not steps:
                del self._steps[key]


def hashed(by: str, key: str) -> str:
    """Under which it is counted."""
    return blake2b(f"{by}\0{key}".encode(), digest_size=12).hexdigest()


def keys_of(kind: str, value: str, origin: str = "") -> Keys:
    """By what somebody is counted: ``kind`` and ``value`` of an identity, and whence it came."""
    keys: dict[By, str] = {}
    if value:
        keys["sender"] = f"{kind}:{value}"
    if kind == "email" and "@" in value:
        keys["domain"] = value.rpartition("@")[2].lower()
    if kind == "phone" and len(value) > _BLOCK:
        keys["prefix"] = value[:-_BLOCK]
    if origin and (net := network(origin)):
        keys["ip"] = net
    return keys


def network(address: str) -> str:
    """The address, of IPv6 its /64: one customer has all of that. Empty: it is none."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if found.version == 6:
        if (inner := getattr(found, "ipv4_mapped", None)) is not None:
            return str(inner)
        return f"{ip_address(int(found) >> 64 << 64)}/64"
    return str(found)


def _width(one: Velocity) -> float:
    """The length of a step, in seconds."""
    return max(1.0, one.seconds / STEPS)


def _what(side: str, by: By, of: str, width: float) -> str:
    return f"{side}:{by}:{of}:{width:g}"

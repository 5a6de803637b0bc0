"""Reports over a period. The routing report: what came to the wrong person, and what had led it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Protocol

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from gateway.api.base import Listed, asked, whole
from gateway.api.needs import Labels
from gateway.core.errors import Refused
from gateway.core.misrouted import REASONS
from gateway.ports import Clock, HttpAnswer, HttpRequest, HttpRoute
from gateway.store.views import Misrouting, Named, Withheld

TAG = "reports"
USUAL = timedelta(days=7)
LONGEST = timedelta(days=366)
BY = ("rule", "queue", "reason", "right_queue", "right_skill")
"""What the report can be read by."""
LATEST = 10
"""Items named in each line."""


class Reported(Protocol):
    """What happened, counted."""

    async def misrouted(self, since: datetime, until: datetime) -> list[Misrouting]: ...

    async def withheld(self, since: datetime, until: datetime) -> list[Withheld]: ...


Moment = Annotated[datetime, Meta(tz=True)]


class Period(Struct, frozen=True, kw_only=True):
    """A period, at most a year: ``from`` on and before ``to``; the last seven days unless given."""

    since: Moment | None = field(default=None, name="from")
    until: Moment | None = field(default=None, name="to")

    def within(self, now: datetime) -> tuple[datetime, datetime]:
        """From when and until when. Raises ``Refused``."""
        until = (self.until or now).astimezone(UTC)
        since = (self.since or until - USUAL).astimezone(UTC)
        if since >= until:
            raise Refused("bad_field", "the period ends before it begins", "from")
        if until - since > LONGEST:
            raise Refused("bad_field", "a period has a year at most", "from")
        return since, until


class RoutingQuery(Period, frozen=True, kw_only=True):
    """``by``: what the lines are about, with commas; all unless given."""

    by: Annotated[str, Meta(max_length=200)] = ""


class RoutingReport(Struct, frozen=True, kw_only=True):
    """How often agents ``told`` that an item was not for them. What is not asked for is empty."""

    since: datetime = field(name="from")
    until: datetime = field(name="to")
    told: int
    lines: list[Misrouting]


class WithheldReport(Struct, frozen=True, kw_only=True):
    """How many mails budgets (``[automatic]``) kept machines of ours from writing."""

    since: datetime = field(name="from")
    until: datetime = field(name="to")
    withheld: int
    lines: list[Withheld]


class Reports:
    """See the module's docstring."""

    def __init__(self, reported: Reported, codes: Labels, clock: Clock) -> None:
        self._reported = reported
        self._codes = codes
        self._clock = clock

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="GET",
                path="/api/v1/reports/routing",
                handle=self._routing,
                summary="What came to the wrong person: by rule, queue, reason, and what is right",
                access="supervisor",
                asks=RoutingQuery,
                gives=RoutingReport,
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path="/api/v1/reports/withheld",
                handle=self._withheld,
                summary="What was not written by itself, its budget being used up: by mailbox",
                access="supervisor",
                asks=Period,
                gives=WithheldReport,
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path="/api/v1/misrouted/reasons",
                handle=self._reasons,
                summary="What can be said of an item that came to the wrong person",
                gives=Listed[Named],
                tag=TAG,
            ),
        ]

    async def _routing(self, request: HttpRequest) -> HttpAnswer:
        query = asked(request, RoutingQuery)
        since, until = query.within(self._clock.now())
        lines = folded(await self._reported.misrouted(since, until), _by(query.by))
        told = sum(line.told for line in lines)
        return HttpAnswer(body=RoutingReport(since=since, until=until, told=told, lines=lines))

    async def _withheld(self, request: HttpRequest) -> HttpAnswer:
        since, until = asked(request, Period).within(self._clock.now())
        lines = await self._reported.withheld(since, until)
        number = sum(line.withheld for line in lines)
        report = WithheldReport(since=since, until=until, withheld=number, lines=lines)
        return HttpAnswer(body=report)

    async def _reasons(self, _request: HttpRequest) -> HttpAnswer:
        return whole(reasons(await self._codes.listed()))


def reasons(codes: Iterable[Named]) -> list[Named]:
    """The house's own, or ours while it has declared none."""
    own = [code for code in codes if code.uses and "misrouted" in code.uses]
    return own or [Named(name=name, uses=("misrouted",)) for name in REASONS]


def folded(lines: Iterable[Misrouting], by: tuple[str, ...]) -> list[Misrouting]:
    """The same numbers by fewer words, the most frequent first."""

    def key(line: Misrouting) -> tuple[str, ...]:
        return tuple(getattr(line, name) if name in by else "" for name in BY)

    sums: dict[tuple[str, ...], Misrouting] = {}
    for line in lines:
        words = key(line)
        known = sums.get(words)
        if known is None:
            sums[words] = replace(line, **dict(zip(BY, words, strict=True)))
            continue
        latest = sorted((*known.latest, *line.latest), key=lambda one: one.at, reverse=True)
        sums[words] = replace(known, told=known.told + line.told, latest=latest[:LATEST])
    return sorted(sums.values(), key=lambda line: (-line.told, key(line)))


def _by(words: str) -> tuple[str, ...]:
    named = tuple(word for word in (one.strip() for one in words.split(",")) if word)
    if strange := [word for word in named if word not in BY]:
        known = ", ".join(BY)
        raise Refused("bad_field", f"{strange[0]!r} is none of {known}", "by")
    return named or BY

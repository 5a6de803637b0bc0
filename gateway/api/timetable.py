"""Opening hours and service-level policies: what the directory takes, and their resources."""

import asyncio
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict, replace

from gateway.api.base import Done, by, read, record, whole
from gateway.api.directory_types import Name, Seconds, Text, check_name
from gateway.api.entry_routes import entry_routes
from gateway.core import events as e
from gateway.core.calendars import Calendar, Holiday, Opening, Weekday, hours_of
from gateway.core.clocks import ServicePolicy
from gateway.core.entries import check_policy, remove_calendar, remove_policy
from gateway.core.errors import Refused
from gateway.core.ids import CalendarName, PolicyName, QueueName
from gateway.core.model import ChannelKind
from gateway.flow.feasts import with_holidays
from gateway.flow.ledger import Ledger
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute

Periods = Annotated[tuple[Annotated[str, Meta(max_length=20)], ...], Meta(max_length=24)]
Open = Annotated[float, Meta(ge=1, le=7_776_000)]
"""Open seconds: up to ninety days of them."""
Reply = Annotated[str, Meta(max_length=4_000)]
Language = Annotated[str, Meta(max_length=35)]


class HolidayEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``closed``: periods of that date; left out: the whole date."""

    date: date
    label: Text = ""
    closed: Periods = ()


class OpeningEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Open on that date, though the week or a holiday say otherwise."""

    date: date
    open: Periods
    label: Text = ""


class HoursEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is.

    ``week`` has periods like "09:00-12:30" by day; one whose end is not after its start goes on
    until the next morning. ``country`` (ISO 3166-1, with ``subdivision`` ISO 3166-2) and ``ical``
    (the text of an iCal file) are where more holidays come from. ``closed_replies``: by channel
    ("email", "webchat", …) and language ("" for all others) what is answered while closed.
    """

    name: Name | UnsetType = UNSET
    zone: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET
    week: dict[Weekday, Periods] | UnsetType = UNSET
    holidays: Annotated[tuple[HolidayEntry, ...], Meta(max_length=1_000)] | UnsetType = UNSET
    extra: Annotated[tuple[OpeningEntry, ...], Meta(max_length=1_000)] | UnsetType = UNSET
    country: Annotated[str, Meta(max_length=10)] | UnsetType = UNSET
    subdivision: Annotated[str, Meta(max_length=20)] | UnsetType = UNSET
    ical: Annotated[str, Meta(max_length=100_000)] | UnsetType = UNSET
    closed_replies: dict[ChannelKind, dict[Language, Reply]] | UnsetType = UNSET


class PolicyEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is. Times are open seconds of ``calendar``.

    ``calendar``: the hours that count; empty: the queue's own. ``first_reply``, ``next_reply``,
    ``resolution``: null is not measured. ``warn_share`` of a target: a warning; 0: none. When it is
    over: ``raise_points`` of priority at once, ``notify_after`` a note in the case (null: none),
    and each ``escalate_after`` (null: never) one level more, whose work waits in the queue that
    ``level_queues`` names.
    """

    name: Name | UnsetType = UNSET
    calendar: Annotated[CalendarName, Meta(max_length=100)] | UnsetType = UNSET
    first_reply: Open | UnsetType | None = UNSET
    next_reply: Open | UnsetType | None = UNSET
    resolution: Open | UnsetType | None = UNSET
    warn_share: Annotated[float, Meta(ge=0, lt=1)] | UnsetType = UNSET
    raise_points: Annotated[int, Meta(ge=0, le=100)] | UnsetType = UNSET
    notify_after: Seconds | UnsetType | None = UNSET
    escalate_after: Open | UnsetType | None = UNSET
    level_queues: dict[Literal["2", "3", "4"], QueueName] | UnsetType = UNSET


class HoursNow(Struct, frozen=True, kw_only=True):
    """Hours as they are declared, and how they stand at this moment.

    ``holidays_found`` come from the country and the file, until ``found_until``.
    """

    name: CalendarName
    zone: str
    week: Mapping[Weekday, tuple[str, ...]]
    holidays: tuple[Holiday, ...]
    extra: tuple[Opening, ...]
    country: str
    subdivision: str
    ical: str
    closed_replies: Mapping[str, Mapping[str, str]]
    holidays_found: tuple[Holiday, ...]
    found_until: date | None
    open: bool
    changes_at: datetime | None


async def calendar_from(
    name: str, entry: HoursEntry, old: Calendar | None, now: datetime, where: str = ""
) -> Calendar:
    """The calendar after the change, its holidays found. Raises ``Refused``."""
    given = _given(entry)
    if entry.holidays is not UNSET:
        given["holidays"] = tuple(Holiday(**asdict(one)) for one in entry.holidays)
    if entry.extra is not UNSET:
        given["extra"] = tuple(Opening(**asdict(one)) for one in entry.extra)
    if entry.closed_replies is not UNSET:
        given["closed_replies"] = {k.value: v for k, v in entry.closed_replies.items()}
    new = replace(old or Calendar(name=CalendarName(name)), **given)
    hours_of(new, where)
    # Reading a long file takes longer than the loop may stand still.
    return await asyncio.to_thread(with_holidays, new, now, where)


def policy_from(name: str, entry: PolicyEntry, old: ServicePolicy | None) -> ServicePolicy:
    """The policy after the change."""
    return replace(old or ServicePolicy(name=PolicyName(name)), **_given(entry))


def _given(entry: HoursEntry | PolicyEntry) -> dict[str, Any]:
    return {f: v for f, v in asdict(entry).items() if v is not UNSET and f != "name"}


def _named(request: HttpRequest, entry: HoursEntry | PolicyEntry) -> str:
    name = request.params["name"]
    if entry.name is not UNSET and entry.name != name:
        raise Refused("bad_field", "a name cannot be changed; make a new entry", "name")
    check_name(name)
    return name


class HoursResource:
    """Changes are journaled; the answer comes after their commit."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def routes(self) -> list[HttpRoute]:
        return entry_routes("hours", self, HoursEntry, HoursNow)

    async def list(self, _request: HttpRequest) -> HttpAnswer:
        position = self._ledger.position
        calendars = self._ledger.state.timetable.calendars
        answer = whole([self._now(calendars[name]) for name in sorted(calendars)])
        await self._ledger.committed(position)
        return answer

    async def one(self, request: HttpRequest) -> HttpAnswer:
        position = self._ledger.position
        name = CalendarName(request.params["name"])
        calendar = self._ledger.state.timetable.calendars.get(name)
        if calendar is None:
            raise Refused("not_found", f"there are no hours {name!r}", "name")
        answer = HttpAnswer(body=self._now(calendar))
        await self._ledger.committed(position)
        return answer

    async def put(self, request: HttpRequest) -> HttpAnswer:
        entry = read(request, HoursEntry)
        name = CalendarName(_named(request, entry))
        known = self._ledger.state.timetable.calendars
        while True:
            old = known.get(name)
            calendar = await calendar_from(name, entry, old, self._ledger.clock.now())
            if known.get(name) == old:  # nobody else has changed it meanwhile
                break
        if calendar != old:
            defined = e.CalendarDefined(calendar=calendar, by=by(request))
            await record(self._ledger, [e.Change(defined)])
        return HttpAnswer(body=self._now(calendar))

    async def remove(self, request: HttpRequest) -> HttpAnswer:
        name = CalendarName(request.params["name"])
        await record(self._ledger, [remove_calendar(self._ledger.state, name, by(request))])
        return HttpAnswer(body=Done())

    def _now(self, calendar: Calendar) -> HoursNow:
        hours, now = hours_of(calendar), self._ledger.clock.now()
        return HoursNow(
            name=calendar.name,
            zone=calendar.zone,
            week=calendar.week,
            holidays=calendar.holidays,
            extra=calendar.extra,
            country=calendar.country,
            subdivision=calendar.subdivision,
            ical=calendar.ical,
            closed_replies=calendar.closed_replies,
            holidays_found=calendar.found,
            found_until=calendar.found_until,
            open=hours.is_open(now),
            changes_at=hours.next_change(now),
        )


class PolicyResource:
    """Changes are journaled; the answer comes after their commit, clocks follow at once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def routes(self) -> list[HttpRoute]:
        return entry_routes("service_policies", self, PolicyEntry, ServicePolicy)

    async def list(self, _request: HttpRequest) -> HttpAnswer:
        position = self._ledger.position
        policies = self._ledger.state.timetable.policies
        answer = whole([policies[name] for name in sorted(policies)])
        await self._ledger.committed(position)
        return answer

    async def one(self, request: HttpRequest) -> HttpAnswer:
        position = self._ledger.position
        name = PolicyName(request.params["name"])
        policy = self._ledger.state.timetable.policies.get(name)
        if policy is None:
            raise Refused("not_found", f"there is no service policy {name!r}", "name")
        await self._ledger.committed(position)
        return HttpAnswer(body=policy)

    async def put(self, request: HttpRequest) -> HttpAnswer:
        entry = read(request, PolicyEntry)
        state = self._ledger.state
        name = PolicyName(_named(request, entry))
        old = state.timetable.policies.get(name)
        policy = policy_from(name, entry, old)
        check_policy(policy, state.timetable.calendars, state.queues)
        if policy != old:
            defined = e.ServicePolicyDefined(policy=policy, by=by(request))
            await record(self._ledger, [e.Change(defined)])
        return HttpAnswer(body=policy)

    async def remove(self, request: HttpRequest) -> HttpAnswer:
        name = PolicyName(request.params["name"])
        await record(self._ledger, [remove_policy(self._ledger.state, name, by(request))])
        return HttpAnswer(body=Done())

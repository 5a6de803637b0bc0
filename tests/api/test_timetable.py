"""Opening hours and service-level policies over REST and in whole declarations."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.apply import read
from gateway.core import events as e
from gateway.failures import Failed
from tests.support.apiworld import api_world

WEEK = {"monday": ["09:00-12:30", "13:30-18:00"], "friday": ["22:00-06:00"]}
DECLARED: dict[str, Any] = {
    "hours": [
        {
            "name": "berlin",
            "zone": "Europe/Berlin",
            "week": WEEK,
            "country": "DE",
            "subdivision": "BE",
            "holidays": [{"date": "2026-12-24", "closed": ["12:00-24:00"]}],
            "closed_replies": {"email": {"de": "Morgen!", "": "Tomorrow!"}},
        }
    ],
    "service_policies": [
        {
            "name": "gold",
            "calendar": "berlin",
            "first_reply": 3600,
            "level_queues": {"2": "second"},
        }
    ],
    "queues": [{"name": "second"}, {"name": "first", "hours": "berlin", "service_policy": "gold"}],
}


async def test_hours_policies_and_the_queues_that_name_them_come_in_one_declaration() -> None:
    async with api_world() as world:
        status, applied = await world.call("PUT", "/api/v1/directory", DECLARED)
        assert (status, len(applied["differences"])) == (200, 4), applied
        queue = world.rig.node.ledger.state.queues["first"]  # type: ignore[index]
        assert (queue.hours, queue.service_policy) == ("berlin", "gold")
        _, again = await world.call("PUT", "/api/v1/directory", DECLARED)
        assert (again["differences"], again["unchanged"]) == ([], 4)
        _, one = await world.call("GET", "/api/v1/hours/berlin")
        assert len(one["holidays_found"]) > 20
        assert one["week"] == WEEK
        _, listed = await world.call("GET", "/api/v1/service_policies")
        assert [policy["name"] for policy in listed["items"]] == ["gold"]


async def test_hours_say_whether_they_are_open_and_when_that_changes() -> None:
    async with api_world() as world:
        now = world.rig.node.ledger.clock.now()
        day = now.strftime("%A").lower()
        week = {"week": {day: ["00:00-24:00"]}}
        status, one = await world.call("PUT", "/api/v1/hours/today", week)
        assert (status, one["open"]) == (200, True)
        changes = datetime.fromisoformat(one["changes_at"])
        assert changes.date() != now.astimezone(UTC).date()


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"hours": [{"name": "x", "week": {"monday": ["9 to 5"]}}]}, "hours[0].week.monday"),
        ({"hours": [{"name": "x", "zone": "Mars/Base"}]}, "hours[0].zone"),
        ({"hours": [{"name": "x", "country": "XX"}]}, "hours[0].country"),
        ({"hours": [{"name": "x", "ical": "nonsense"}]}, "hours[0].ical"),
        ({"hours": [{"zone": "UTC"}]}, "hours[0].name"),
        ({"service_policies": [{"name": "p", "calendar": "x"}]}, "service_policies[0].calendar"),
        (
            {"service_policies": [{"name": "p", "level_queues": {"2": "x"}}]},
            "service_policies[0].level_queues.2",
        ),
        ({"queues": [{"name": "q", "hours": "x"}]}, "queues[0].hours"),
        ({"queues": [{"name": "q", "service_policy": "x"}]}, "queues[0].service_policy"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_applied(
    wish: dict[str, Any], field: str
) -> None:
    async with api_world() as world:
        entries = len(world.rig.tables.journal)
        status, problem = await world.call("PUT", "/api/v1/directory", wish)
        assert (status, problem["errors"][0]["field"]) == (400, field)
        assert len(world.rig.tables.journal) == entries


async def test_what_something_goes_by_cannot_be_removed() -> None:
    async with api_world() as world:
        await world.call("PUT", "/api/v1/directory", DECLARED)
        for path, word in (("hours/berlin", "queue 'first'"), ("service_policies/gold", "'first'")):
            status, problem = await world.call("DELETE", f"/api/v1/{path}")
            assert status == 409
            assert word in problem["detail"]
        gone = {"remove": {"hours": ["berlin"], "service_policies": ["gold"]}}
        status, _ = await world.call("PUT", "/api/v1/directory", gone)
        assert status == 409
        free = {**gone, "queues": [{"name": "first", "hours": "", "service_policy": ""}]}
        status, applied = await world.call("PUT", "/api/v1/directory", free)
        assert (status, len(applied["differences"])) == (200, 3)
        assert not world.rig.node.ledger.state.timetable.calendars
        assert (await world.call("GET", "/api/v1/hours/berlin"))[0] == 404


async def test_a_policy_that_is_given_to_a_queue_starts_the_clocks_of_what_waits() -> None:
    async with api_world() as world:
        _, item = await world.call("POST", "/api/v1/tasks", {"title": "Check"})
        await world.call("PUT", "/api/v1/service_policies/slow", {"resolution": 7200})
        queue = {"service_policy": "slow"}
        await world.call("PUT", f"/api/v1/queues/{item['queue']}", queue)
        state = world.rig.node.ledger.state

        def counted() -> bool:
            return state.items[item["id"]].due_at is not None

        await world.until(counted)

        def breached() -> bool:
            journal = world.rig.tables.journal.values()
            return any(isinstance(entry.event, e.ServiceLevelBreached) for entry in journal)

        await world.call("PUT", "/api/v1/service_policies/slow", {"resolution": 1})
        await world.until(breached)
        metrics = await (await world.raw("GET", "/metrics", token="")).text()
        assert f'switchroom_items_overdue{{queue="{item["queue"]}"}} 1.0' in metrics
        assert any(
            isinstance(entry.event, e.ClocksSet) for entry in world.rig.tables.journal.values()
        )


async def test_two_who_change_the_same_hours_at_once_both_have_their_way() -> None:
    async with api_world() as world:
        async with asyncio.TaskGroup() as both:
            both.create_task(world.call("PUT", "/api/v1/hours/x", {"zone": "Asia/Tokyo"}))
            both.create_task(world.call("PUT", "/api/v1/hours/x", {"country": "JP"}))
        _, one = await world.call("GET", "/api/v1/hours/x")
        assert (one["zone"], one["country"]) == ("Asia/Tokyo", "JP")
        assert one["holidays_found"]


def test_a_file_of_holidays_is_read_beside_the_declaration(tmp_path: Path) -> None:
    (tmp_path / "off.ics").write_text("BEGIN:VCALENDAR", encoding="utf-8")
    file = tmp_path / "house.toml"
    file.write_text(
        '[[hours]]\nname = "x"\nical_file = "off.ics"\nholidays = [{ date = 2026-12-24 }]\n',
        encoding="utf-8",
    )
    (entry,) = read(file)["hours"]
    assert entry == {
        "name": "x",
        "ical": "BEGIN:VCALENDAR",
        "holidays": [{"date": "2026-12-24"}],
    }
    file.write_text('[[hours]]\nname = "x"\nical_file = "none.ics"\n', encoding="utf-8")
    with pytest.raises(Failed, match=r"none\.ics"):
        read(file)

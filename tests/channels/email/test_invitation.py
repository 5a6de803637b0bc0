"""Invitations as people read them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.invitation import MAX_BYTES, invitations
from gateway.core.shown import Guest, Invitation

ZONE = """BEGIN:VTIMEZONE
TZID:{name}
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:{rule}
END:STANDARD
END:VTIMEZONE
"""
TWO_RULES = """BEGIN:VTIMEZONE
TZID:{name}
BEGIN:STANDARD
DTSTART:20150101T000000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
{rule}
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:20150101T000000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""


def calendar(event: str, *, method: str = "REQUEST", zone: str = "") -> bytes:
    text = (
        f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nMETHOD:{method}\n{zone}"
        f"BEGIN:VEVENT\nUID:1\n{event}END:VEVENT\nEND:VCALENDAR\n"
    )
    return text.replace("\n", "\r\n").encode()


def one(event: str, **more: str) -> Invitation:
    (found,) = invitations(calendar(event, **more))
    return found


def test_an_invitation_says_what_when_where_and_who() -> None:
    found = one(
        "SUMMARY;LANGUAGE=de:Lampen\\, zwei\nLOCATION:Raum 1\nDESCRIPTION:Bis dann:\\n"
        "https://meet.example/abc\nSEQUENCE:2\nSTATUS:CONFIRMED\n"
        "DTSTART;TZID=Europe/Berlin:20261125T100000\nDURATION:PT90M\n"
        "ORGANIZER;CN=Ada Example:mailto:Ada@example.org\n"
        'ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;CN="Bob, B.":mailto:b@example.com\n'
        "ATTENDEE;CN=c@example.com;PARTSTAT=ACCEPTED:mailto:c@example.com\n"
    )
    assert (found.title, found.where, found.method) == ("Lampen, zwei", "Raum 1", "request")
    assert (found.status, found.revision) == ("confirmed", 2)
    assert found.begins == datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
    assert found.ends == datetime(2026, 11, 25, 10, 30, tzinfo=UTC)
    assert (found.local_begins, found.zone) == ("2026-11-25T10:00:00", "Europe/Berlin")
    assert found.link == "https://meet.example/abc"
    assert found.organiser == Guest(address="ada@example.org", name="Ada Example")
    assert found.guests == (
        Guest(
            address="b@example.com", name="Bob, B.", role="req-participant", answer="needs-action"
        ),
        Guest(address="c@example.com", answer="accepted"),
    )


def test_whole_days_end_on_the_day_that_people_mean() -> None:
    found = one("SUMMARY:Fair\nDTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227\n")
    assert (found.all_day, found.begins) == (True, None)
    assert (found.local_begins, found.local_ends) == ("2026-12-24", "2026-12-26")


def test_zones_of_outlook_are_known_by_name_and_by_what_the_file_says() -> None:
    event = "DTSTART;TZID={}:20260725T100000\nDTEND;TZID={}:20260725T110000\n"
    windows = "W. Europe Standard Time"
    assert one(event.format(windows, windows)).begins == datetime(2026, 7, 25, 8, tzinfo=UTC)
    zone = ZONE.format(name="Office", rule="FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10")
    found = one(event.format("Office", "Office"), zone=zone)
    assert found.begins == datetime(2026, 7, 25, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "rule",
    [
        "RRULE:FREQ=SECONDLY",
        "rrule:FREQ=SECONDLY",
        "RR\n ULE:FREQ=SECONDLY",
        "RRULE:FREQ=YEARLY\n ;FREQ=SECONDLY",
        "TZNAME:x\u2028RRULE:FREQ=SECONDLY",
        "RRULE:FREQ=YEARLY\nEXRULE:FREQ=SECONDLY",
        "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=1;BYDAY=-1SU",
        "RRULE:FREQ=YEARLY;BYMONTH=13",
    ],
)
def test_a_zone_that_would_take_for_ever_is_not_worked_out(rule: str) -> None:
    zone = TWO_RULES.format(name="Office", rule=rule)
    found = one("DTSTART;TZID=Office:20260725T100000\n", zone=zone)
    assert (found.begins, found.local_begins) == (None, "2026-07-25T10:00:00")


def test_a_zone_changes_on_the_days_that_its_rule_names() -> None:
    rule = "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=SU;BYMONTHDAY=25,26,27,28,29,30,31"
    zone = TWO_RULES.format(name="Office", rule=rule)
    for day, hour in (("1024", 8), ("1026", 9)):
        found = one(f"DTSTART;TZID=Office:2026{day}T100000\n", zone=zone)
        assert found.begins == datetime(2026, 10, int(day[2:]), hour, tzinfo=UTC)


@pytest.mark.parametrize("begin", ["BEGIN:VTIME\n ZONE", "BEGIN;X=1:VTIMEZONE"])
def test_a_zone_of_one_file_is_not_remembered_for_the_next(begin: str) -> None:
    event, name = "DTSTART;TZID={0}:20260725T100000\n", f"Hidden {len(begin)}"
    zone = ZONE.format(name=name, rule="FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10")
    invitations(calendar(event.format(name), zone=zone.replace("BEGIN:VTIMEZONE", begin)))
    assert one(event.format(name)).begins is None


def test_a_time_of_no_zone_is_a_time_wherever_one_is() -> None:
    found = one("DTSTART:20260725T100000\n")
    assert (found.begins, found.local_begins, found.zone) == (None, "2026-07-25T10:00:00", "")


def test_how_it_repeats_is_told_as_far_as_words_go() -> None:
    found = one(
        "DTSTART:20261125T100000Z\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;UNTIL=20270101T000000Z\n"
    ).recurs
    assert found is not None
    assert (found.plain, found.every, found.interval) == (True, "weekly", 2)
    assert (found.days, found.until) == (("MO", "WE"), "2027-01-01T00:00:00")
    odd = one("DTSTART:20261125T100000Z\nRRULE:FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1\n").recurs
    assert odd is not None
    assert (odd.plain, odd.rule) == (False, "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1")


def test_a_cancelled_occurrence_says_which_it_is() -> None:
    found = one(
        "DTSTART:20261125T100000Z\nRECURRENCE-ID:20261125T100000Z\nSTATUS:CANCELLED\n",
        method="CANCEL",
    )
    assert (found.method, found.status) == ("cancel", "cancelled")
    assert found.occurrence == "2026-11-25T10:00:00"


def test_what_is_no_calendar_is_none() -> None:
    for data in (b"", b"BEGIN:VCALENDAR", b"\xff\xfe\x00", b"x" * (MAX_BYTES + 1)):
        assert invitations(data) == ()


def test_many_guests_are_counted() -> None:
    found = one("".join(f"ATTENDEE:mailto:g{n}@example.org\n" for n in range(60)))
    assert (len(found.guests), found.more_guests) == (50, 10)


LINES = st.lists(
    st.tuples(
        st.sampled_from(
            ["DTSTART", "DTEND;TZID=X", "DURATION", "RRULE", "ATTENDEE;CN=a", "SEQUENCE", "SUMMARY"]
        ),
        st.one_of(
            st.text(max_size=30), st.sampled_from(["20261125T100000Z", "PT1H", "FREQ=DAILY"])
        ),
    ),
    max_size=6,
)


@settings(max_examples=60)
@given(LINES)
def test_nothing_that_stands_in_a_file_is_raised(lines: list[tuple[str, str]]) -> None:
    invitations(calendar("".join(f"{name}:{value}\n" for name, value in lines)))

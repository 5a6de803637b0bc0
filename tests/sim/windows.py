"""Visitors who close their window while they wait, and come back, or do not: who has given up."""

from datetime import timedelta

from gateway.core import events as e
from gateway.core.ids import CaseId, ItemId
from tests.sim.outside import Outside
from tests.sim.promises import need
from tests.support.memory_tables import Tables
from tests.support.virtual import START

SHORT, LONG = 4.0, 90.0
"""After so long the house gives up who has gone; ``LONG`` outlasts every trouble of a day."""
GIVEN_UP = "the customer's window has gone and not come back"


def who_is_there_is_not_given_up(tables: Tables, outside: Outside, gone_after: float) -> None:
    """Who is given up had gone, for so long; where that outlasts all trouble, nobody else is."""
    whose = {x.case: x.author.id for x in tables.messages.values() if x.direction == "in"}
    gone: dict[ItemId, e.CustomerLeft] = {}
    for entry in tables.journal.values():
        match entry.event:
            case e.CustomerLeft(item=item) as left:
                gone[item] = left
            case e.CustomerBack(item=item):
                gone.pop(item, None)
            case e.ItemAbandoned(item=item, reason=reason) if reason == GIVEN_UP:
                need(item in gone, f"{item} was given up though its customer was there")
                need(entry.at >= gone[item].gone.until, f"{item} was given up too soon")
                if gone_after == LONG:
                    _had_gone(outside, whose, gone[item].case, entry)
            case _:
                pass


def _had_gone(outside: Outside, whose: dict[CaseId, str], case: CaseId, entry: e.Entry) -> None:
    """At some time within the last so many seconds there was no window."""
    visitor = outside.visitors[whose[case]]
    until = (entry.at - START).total_seconds()
    since = until - timedelta(seconds=LONG).total_seconds()
    away = any(left <= until and back >= since for left, back in visitor.away)
    need(away, f"{visitor.name} was given up, and there was a window all the time")

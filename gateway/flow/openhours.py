"""When a queue is open and how it calls back, as of what is on disk: channels tell customers."""

from collections.abc import Sequence
from datetime import timedelta

from gateway.core import events as e
from gateway.core.calendars import Closed, Period, periods
from gateway.core.ids import CalendarName, QueueName
from gateway.core.owed import Callbacks
from gateway.core.timetable import Timetable
from gateway.flow.ledger import Ledger

AHEAD = timedelta(days=14)
"""How far customers are told when it is open."""
MOST_PERIODS = 60


class OpenHours:
    """Follows the directory as it commits; the ledger's own state may be ahead of the disk."""

    def __init__(self, ledger: Ledger) -> None:
        self._clock = ledger.clock
        self._timetable = Timetable()
        for calendar in ledger.state.timetable.calendars.values():
            self._timetable.put(calendar)
        self._hours: dict[QueueName, CalendarName] = {
            queue.name: queue.hours for queue in ledger.state.queues.values()
        }
        self._rules: dict[QueueName, Callbacks] = {
            queue.name: queue.callbacks for queue in ledger.state.queues.values()
        }
        ledger.subscribe(self._note)

    def closed(self, queue: QueueName) -> Closed | None:
        """Until when it is closed; ``None``: it is open, or has no hours."""
        name = self._hours.get(queue)
        if not name:
            return None
        hours, now = self._timetable.hours(name), self._clock.now()
        if hours.is_open(now):
            return None
        return Closed(hours.next_change(now))

    def openings(self, queue: QueueName) -> tuple[Period, ...]:
        """When it is open in the next two weeks, from now on."""
        now = self._clock.now()
        name = self._hours.get(queue)
        if not name:
            return ((now, now + AHEAD),)
        return periods(self._timetable.hours(name), now, now + AHEAD, MOST_PERIODS)

    def callbacks(self, queue: QueueName) -> Callbacks:
        """How it treats call-backs."""
        return self._rules.get(queue) or Callbacks()

    def _note(self, entries: Sequence[e.Entry]) -> None:
        for entry in entries:
            match entry.event:
                case e.CalendarDefined(calendar=calendar):
                    self._timetable.put(calendar)
                case e.CalendarRemoved(calendar=name):
                    self._timetable.forget(name)
                case e.QueueDefined(queue=queue):
                    self._rules[queue.name] = queue.callbacks
                    self._hours[queue.name] = queue.hours
                case e.QueueRemoved(queue=name):
                    self._rules.pop(name, None)
                    self._hours.pop(name, None)
                case _:
                    pass

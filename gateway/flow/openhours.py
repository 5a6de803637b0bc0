"""Whether a queue is open, as of what is on disk: channels tell it to customers."""

from collections.abc import Sequence

from gateway.core import events as e
from gateway.core.calendars import Closed
from gateway.core.ids import CalendarName, QueueName
from gateway.core.timetable import Timetable
from gateway.flow.ledger import Ledger


class OpenHours:
    """Follows the directory as it commits; the ledger's own state may be ahead of the disk."""

    def __init__(self, ledger: Ledger) -> None:
        self._clock = ledger.clock
        self._timetable = Timetable()
        for calendar in ledger.state.timetable.calendars.values():
            self._timetable.put(calendar)
        self._hours: dict[QueueName, CalendarName] = {
            queue.name: queue.hours for queue in ledger.state.queues.values() if queue.hours
        }
        ledger.subscribe(self._note)

    def closed(self, queue: QueueName) -> Closed | None:
        """Until when it is closed; ``None``: it is open, or has no hours."""
        name = self._hours.get(queue)
        if name is None:
            return None
        hours, now = self._timetable.hours(name), self._clock.now()
        if hours.is_open(now):
            return None
        return Closed(hours.next_change(now))

    def _note(self, entries: Sequence[e.Entry]) -> None:
        for entry in entries:
            match entry.event:
                case e.CalendarDefined(calendar=calendar):
                    self._timetable.put(calendar)
                case e.CalendarRemoved(calendar=name):
                    self._timetable.forget(name)
                case e.QueueDefined(queue=queue) if queue.hours:
                    self._hours[queue.name] = queue.hours
                case e.QueueDefined(queue=queue):
                    self._hours.pop(queue.name, None)
                case e.QueueRemoved(queue=name):
                    self._hours.pop(name, None)
                case _:
                    pass

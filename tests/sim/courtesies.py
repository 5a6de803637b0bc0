"""What the simulated house writes by itself: once where it must be once, and to no machine."""

from collections import Counter

from gateway.core.courtesy import MOST_NOTICES
from gateway.core.house_mail import Part, paragraph
from gateway.core.model import Message
from tests.sim.outside import Outside
from tests.sim.promises import need
from tests.support.memory_tables import Tables


def _says(message: Message, *parts: Part) -> bool:
    """Whether one of these stands in it; what is filled in does not."""
    return any(paragraph(part, "en").partition("{")[0] in message.body for part in parts)


def told_once(tables: Tables, outside: Outside) -> None:
    """One acknowledgement of a case, two late notices after it, and none once it was answered."""
    machines = {mail.message_id for mail in outside.mails if mail.machine}
    said = sorted(tables.messages.values(), key=lambda one: (one.case, one.seq))
    acknowledged, notices = Counter[str](), Counter[str]()
    answered, machine = set[str](), set[str | None]()
    for one in said:
        if one.direction == "in":
            (machine.add if one.external_id in machines else machine.discard)(one.item)
        if one.direction != "out":
            continue
        if one.author.kind == "agent":
            answered.add(one.case)
        if _says(one, "received"):
            acknowledged[one.case] += 1
            need(one.case not in answered, f"{one.case} acknowledged after an answer")
        if _says(one, "later_by", "later_soon"):
            notices[one.case] += 1
            need(acknowledged[one.case], f"{one.case}: later than nothing")
        automatic = one.author.kind == "system"
        need(not automatic or one.item not in machine, f"{one.case}: written to a machine")
    need(max(acknowledged.values(), default=1) == 1, f"acknowledged twice: {acknowledged}")
    need(max(notices.values(), default=0) <= MOST_NOTICES, f"told too often: {notices}")

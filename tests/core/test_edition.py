"""What a version may write while a node of the version before is still there."""

import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from gateway.core import events as e
from gateway.core.edition import (
    EDITION,
    FIRST,
    NEW,
    Since,
    TooOld,
    refuse_newer,
    refuse_unknown,
    require_known,
)
from gateway.core.errors import Refused
from gateway.core.events.base import Happened
from gateway.core.ids import AgentName, ItemId, QueueName
from gateway.core.model import Presence, Queue
from gateway.store.handover import Handed, Wish
from tests.support.editions import SAID, by_name, kinds, names, recorded

ROOT = Path(__file__).parents[2]

QUEUE = Queue(name=QueueName("general"), display_name="General", overflow_after=5)
DEFINED = e.Change(e.QueueDefined(queue=QUEUE, by="ana"))
READY = e.Change(
    e.AgentStateChanged(agent=AgentName("ana"), presence=Presence.READY, reason="", by="ana")
)


def test_every_event_is_in_the_closed_list() -> None:
    assert set(Happened.__subclasses__()) == set(get_args(e.Event))


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("QueueDefined", DEFINED),
        ("Queue", DEFINED),
        ("Queue.overflow_after", DEFINED),
        ("Queue.display_name", DEFINED),
        ("Presence=ready", READY),
    ],
)
def test_what_an_older_node_does_not_know_waits_until_none_is_left(
    what: str, change: e.Change
) -> None:
    new = {what: Since(2)}
    with pytest.raises(Refused, match="every node runs the new version") as refused:
        refuse_newer([change], 1, new)
    assert refused.value.code == "wrong_state"
    refuse_newer([change], 2, new)


def test_what_does_no_harm_is_written_at_once() -> None:
    refuse_newer([DEFINED], 1, {"Queue.overflow_after": Since(2, harmless=True)})


def test_a_new_field_that_is_as_by_default_is_not_written_at_all() -> None:
    plain = msgspec.structs.replace(QUEUE, overflow_after=None)
    change = e.Change(e.QueueDefined(queue=plain, by="ana"))
    refuse_newer([change], 1, {"Queue.overflow_after": Since(2)})


@pytest.mark.parametrize("what", ["Wish", "Wish.reason", "Handed.wish"])
def test_what_another_node_would_misunderstand_is_not_said_to_it_either(what: str) -> None:
    wish = Wish(item=ItemId("i"), agent=AgentName("ana"), by=AgentName("sue"), reason="she knows")
    said = Handed(id="q", reason="better there", wish=wish)
    with pytest.raises(Refused, match="every node runs the new version"):
        refuse_unknown(said, 1, {what: Since(2)})
    refuse_unknown(said, 2, {what: Since(2)})
    refuse_unknown(said, 1, {what: Since(2, harmless=True)})


def test_rows_that_travel_with_an_event_are_looked_at_too() -> None:
    change = e.Change(e.QueueRemoved(queue=QueueName("old"), by="ana"), (QUEUE,))
    with pytest.raises(Refused):
        refuse_newer([change], 1, {"Queue.overflow_after": Since(2)})


def test_a_database_of_the_next_edition_is_worked_with_and_one_further_on_is_not() -> None:
    require_known(EDITION, EDITION)
    require_known(EDITION + 1, EDITION)
    with pytest.raises(TooOld, match="start the version that the other nodes run"):
        require_known(EDITION + 1, EDITION + 1)
    with pytest.raises(TooOld, match="only adjacent editions run side by side"):
        require_known(EDITION + 2, EDITION)


# -- against what was recorded ----------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(recorded(FIRST, "samples")))
def test_what_the_first_edition_wrote_is_read_and_loses_nothing(name: str) -> None:
    told = recorded(FIRST, "samples")[name]
    kind = e.Event if name.startswith("event.") else kinds()[name]
    read = msgspec.json.decode(msgspec.json.encode(told), type=kind)
    again = msgspec.json.decode(msgspec.json.encode(read))
    assert set(leaves(told)) <= set(leaves(again))


def test_no_two_kinds_that_are_stored_have_one_name() -> None:
    assert not [name for name, kinds_of in by_name().items() if len(kinds_of) > 1]


def test_nothing_that_was_ever_stored_has_another_name_now() -> None:
    assert set(recorded(FIRST, "names")) <= names()


def test_all_that_is_new_since_the_first_edition_says_so() -> None:
    """A new kind of event, field or value: declare it in ``NEW`` (docs/decisions/0010)."""
    new = names(closed=NEW) - set(recorded(FIRST, "names"))
    assert new == set(NEW)
    assert all(FIRST < since.edition <= EDITION for since in NEW.values())


def test_an_entry_with_fields_of_a_later_edition_is_read_without_them() -> None:
    told = {"kind": "queue_removed", "queue": "old", "by": "ana", "because": {"of": 1}}
    read: Any = msgspec.json.decode(msgspec.json.encode(told), type=e.Event)
    assert read == e.QueueRemoved(queue=QueueName("old"), by="ana")


def leaves(value: Any, path: str = "") -> Iterable[tuple[str, str]]:
    match value:
        case dict():
            for key, part in value.items():
                yield from leaves(part, f"{path}.{key}")
        case list():
            for n, part in enumerate(value):
                yield from leaves(part, f"{path}[{n}]")
        case _:
            yield path, str(value)


def test_every_question_between_nodes_is_among_what_is_compared() -> None:
    asked = set()
    for folder in ("cluster", "api"):
        for file in (ROOT / "gateway" / folder).glob("*.py"):
            source = file.read_text("utf-8")
            for name in re.findall(r"ask(?:ing|s)\.serve\((\w+), ", source):
                asked.add(getattr(import_module(f"gateway.{folder}.{file.stem}"), name))
    assert {"rest", "handed_over"} <= asked
    assert {f"relay.{kind}" for kind in asked} <= set(SAID)

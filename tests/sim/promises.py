"""The promises of design.md section 2 that concern one node, as checks.

``Causes`` looks at each thing in the moment in which it leaves: is its cause on disk? ``audit``
looks at everything when the story is over.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core import hands
from gateway.core import model as m
from gateway.core.folds import apply
from gateway.core.ids import (
    AgentName,
    AlarmName,
    CaseId,
    ChannelName,
    Context,
    CustomerId,
    NodeName,
)
from gateway.core.lifecycle import ENDED
from gateway.core.state import NodeState
from gateway.core.thresholds import Alarm
from gateway.ports import Outbound
from push.protocol import (
    DeliveryFrame,
    Error,
    ItemFrame,
    MessageFrame,
    OfferFrame,
    Ok,
    PeerFrame,
    Snapshot,
    StateFrame,
    Welcome,
    decode_server,
)
from push.reducer import Desktop
from tests.sim.outside import Outside
from tests.support.builders import MAIL, OFFICE, SITE
from tests.support.memory_rows import InboxRow, Move
from tests.support.memory_tables import Tables
from tests.support.memory_ties import conversation
from tests.support.simworld import Promise

QUIET = frozenset({"unavailable", "too_many"})


def need(held: object, broken: str) -> None:
    if not held:
        raise Promise(broken)


class Causes:
    """Promise 1: nothing leaves before it is written."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @property
    def inbox(self) -> Mapping[tuple[ChannelName, str], Any]:
        return self._tables.inbox

    def stored(self, channel: ChannelName, key: str) -> None:
        need((channel, key) in self._tables.inbox, f"{channel} {key} acknowledged, not stored")

    def case(self, case: str) -> None:
        need(case in self._tables.cases, f"case {case} told before it was written")

    def item(self, item: str, version: int = 1) -> None:
        known = self._tables.items.get(item)
        need(known and known.version >= version, f"item {item} at {version} shown, not written")

    def message(self, message: str) -> None:
        need(message in self._tables.messages, f"message {message} shown, not written")

    def attempt(self, out: Outbound) -> None:
        row = self._tables.outbox.get(out.id)
        # A node that was frozen goes on where it stood; its heir may have tried again meanwhile.
        need(
            row
            and (row.state is m.OutboundState.ATTEMPTING or row.attempts > out.attempt)
            and row.attempts >= out.attempt,
            f"attempt {out.attempt} at {out.id} made, not written",
        )

    def frame(self, agent: AgentName, text: str) -> None:
        frame = decode_server.decode(text)
        match frame:
            case Welcome(epoch=epoch):
                known = self._tables.statuses.get(agent)
                need(known and known.epoch >= epoch, f"{agent} welcomed in {epoch}, not claimed")
            case Snapshot(items=items, offers=offers):
                for view in (*items, *(offer.item for offer in offers)):
                    self.item(view.id, view.version)
            case OfferFrame(item=view) | ItemFrame(item=view):
                self.item(view.id, view.version)
            case MessageFrame(message=message):
                self.message(message.id)
            case DeliveryFrame(message=message, state=state):
                said = self._tables.messages.get(message)
                need(said and said.delivery is not None, f"{message} {state}, not written")
            case PeerFrame(id=said_id):
                need(said_id in self._tables.talk.said, f"{said_id} told before it was written")
            case StateFrame(since=since):
                status = self._tables.statuses.get(agent)
                need(status and status.since >= since, f"{agent}'s state told, not written")
            case Ok(re=command) | Error(re=command):
                quiet = isinstance(frame, Error) and frame.code in QUIET
                written = (agent, command) in self._tables.commands
                need(quiet or written, f"{command} answered, not written: {text}")
            case _:
                pass


# -- when all is over -------------------------------------------------------------------------


def audit(tables: Tables, states: Sequence[NodeState], outside: Outside, now: Context) -> None:
    """Everything that must hold once nothing moves any more; ``states`` of all living nodes."""
    _journals_are_whole(tables)
    for state in states:
        _memory_is_the_disk(tables, state)
        _the_directory_is_known(tables, state)
    _everything_ended(tables)
    _each_thing_that_came_has_one_effect(tables, outside)
    _each_case_is_read_once(tables)
    _contacts_are_where_they_belong(tables, outside)
    _what_came_first_was_decided_first(tables, outside)
    _what_was_said_arrived(tables, outside)
    _visitors_saw_it_all(tables, outside)
    _filers_were_told(tables, outside)
    need(now.now is not None, "the clock")


def _journals_are_whole(tables: Tables) -> None:
    """Gap-free, nothing repaired, and folding them again gives every row that was written.

    Each node's journal by itself, in the order of the commits; cases have no owner.
    """
    states = _States()
    moves = deque(tables.moves)
    last: Counter[NodeName] = Counter()
    for n, ((node, position), entry) in enumerate(tables.journal.items()):
        while moves and moves[0].at <= n:
            _change_hands(states, moves.popleft())
        state = states[node]
        fresh = isinstance(entry.event, e.NodeStarted)
        need(position.offset == (1 if fresh else last[node] + 1), f"{node}: a gap at {position}")
        last[node] = position.offset
        need(not isinstance(entry.event, e.ItemRepaired), f"repaired: {entry.event}")
        if fresh:
            state.statuses.update({name: replace(s, tabs=0) for name, s in state.statuses.items()})
            state.claimed.clear()
            states.come_back(node)
        states.note(node, entry.event)
        folded = apply(state, entry.event, entry.at)
        states.keep_case()
        states.written(entry.rows)
        need(entry.rows[: len(folded)] == folded, f"{node}: {position} folds differently")


class _States(dict[NodeName, NodeState]):
    """Every node's picture, over the cases and the alarms of all.

    An alarm has no owner either: whoever has the duty raises it, perhaps another ends it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._cases: dict[CaseId, m.Case] = {}
        self._alarms: dict[AlarmName, Alarm] = {}
        self._limbo: dict[NodeName, dict[str, m.Item | m.AgentStatus | m.Outgoing]] = {}
        self._kept: m.Case | None = None
        self._items: dict[str, m.Item] = {}
        self._statuses: dict[str, m.AgentStatus] = {}
        self._whose: dict[str, NodeName] = {}

    def note(self, node: NodeName, event: e.Event) -> None:
        """What is let go is in nobody's hands until the statement that moves it."""
        state, limbo = self[node], self._limbo.setdefault(node, {})
        match event:
            case e.ItemHandedOver(item=item, case=case):
                limbo[item] = state.items[item]
                # Cases are those of all nodes here: none is forgotten.
                self._kept = state.cases[case]
            case e.AgentHandedOver(agent=agent):
                limbo[agent] = state.statuses[agent]
            case e.OutboundHandedOver(outbound=order):
                limbo[order] = state.outbox[order]
            case e.ItemAdopted(item=row) | e.OutboundAdopted(outbound=row):
                limbo.pop(row.id, None)
            case e.AgentAdopted(status=status):
                limbo.pop(status.name, None)
            case _:
                pass

    def written(self, rows: Iterable[e.Row]) -> None:
        """The documents as they are on disk."""
        for row in rows:
            if isinstance(row, m.Item):
                self._items[row.id] = row
            elif isinstance(row, m.AgentStatus):
                self._statuses[row.name] = row

    def keep_case(self) -> None:
        """A header that the last event let go of."""
        if self._kept is not None:
            self._cases.setdefault(self._kept.id, self._kept)
            self._kept = None

    def moved(self, node: NodeName, to: NodeName, ids: Iterable[str]) -> None:
        """They have changed hands."""
        for id_ in ids:
            self._limbo.get(node, {}).pop(id_, None)
            self._whose[id_] = to

    def come_back(self, node: NodeName) -> None:
        """What a life had let go, and no statement had moved, is loaded by the next one.

        So is what came back to it by a takeover that it did not live to tell of: the documents
        still say that it is this node's.
        """
        state = self[node]
        for item in self._items.values():
            mine = item.owner == self._whose.get(item.id) == node and item.state not in ENDED
            if mine and item.id not in state.items:
                state.put(item)
        for status in self._statuses.values():
            mine = status.home == self._whose.get(status.name) == node
            if mine and status.name not in state.statuses:
                state.statuses[status.name] = replace(status, tabs=0)
        for row in self._limbo.pop(node, {}).values():
            match row:
                case m.Item():
                    state.put(row)
                case m.AgentStatus():
                    state.statuses[row.name] = replace(row, tabs=0)
                case m.Outgoing():
                    state.outbox[row.id] = row

    def __missing__(self, node: NodeName) -> NodeState:
        state = self[node] = NodeState(node)
        state.cases, state.alarms = self._cases, self._alarms
        return state


def _change_hands(states: _States, move: Move) -> None:
    """What is in the heir's hands is in the dead node's no more; orders need no word of it."""
    old, new = states[move.dead], states[move.heir]
    rows = move.rows
    states.moved(move.dead, move.heir, [item.id for item, _ in rows.items])
    states.moved(move.dead, move.heir, [status.name for status in rows.statuses])
    states.moved(move.dead, move.heir, [order.id for order in rows.outbox])
    for item, _ in move.rows.items:
        if item.id in old.items:
            old.put(replace(old.items[item.id], state=m.ItemState.CANCELED))
    for status in move.rows.statuses:
        old.statuses.pop(status.name, None)
    for order in move.rows.outbox:
        old.outbox.pop(order.id, None)
        new.outbox[order.id] = order


def _memory_is_the_disk(tables: Tables, state: NodeState) -> None:
    opened = {i.id: i for i in tables.open_items(state.node)}
    at_home = {n: s for n, s in tables.statuses.items() if tables.homes[n] == state.node}
    need(opened == state.items, "items in memory differ from the disk")
    need(at_home == state.statuses, f"{at_home} differ from the disk: {state.statuses}")
    need(all(tables.cases[k] == c for k, c in state.cases.items()), "cases differ")
    need({i.case for i in opened.values()} == set(state.cases), "headers that nobody needs")


def _the_directory_is_known(tables: Tables, state: NodeState) -> None:
    """Wherever it was changed last."""
    node = state.node
    profiles = {name: one for name, one in tables.profiles.items() if one.active}
    queues = {name: one for name, one in tables.queues.items() if one.active}
    need(state.profiles == profiles, f"{node} does not know who works here: {state.profiles}")
    need(state.queues == queues, f"{node} does not know the queues: {state.queues}")
    need(state.sites == tables.sites, f"{node} knows {state.sites}, not {tables.sites}")
    for key, entry in tables.timetable.items():
        known = state.entry(key)
        need(known == (entry if entry.active else None), f"{node} knows {known}, not {entry}")


def _everything_ended(tables: Tables) -> None:
    for item in tables.items.values():
        need(item.state in ENDED, f"item {item.number} is {item.state} for ever: {item.reason}")
    for order in tables.outbox.values():
        need(order.state is m.OutboundState.SENT, f"order {order.id} is {order.state}")
    for row in tables.inbox.values():
        need(row.decided, f"{row.inbound.key} was never decided")
        need(row.decided and row.decided.status != "quarantined", f"put aside: {row.decided}")
    for case in tables.cases.values():
        done = case.status in (m.CaseStatus.SOLVED, m.CaseStatus.CLOSED)
        need(done, f"case {case.number} is {case.status}")


def _each_thing_that_came_has_one_effect(tables: Tables, outside: Outside) -> None:
    """Promises 2 and 3, inbound: nothing acknowledged is lost, nothing happens twice."""
    came = Counter(
        (message.channel, message.client_id or message.external_id)
        for message in tables.messages.values()
        if message.direction == "in"
    )
    twice = {key: n for key, n in came.items() if n > 1}
    need(not twice, f"duplicated: {twice}")
    for mail in outside.mails:
        need(mail.seen, f"mail {mail.uid} was never taken")
        need(came[MAIL, mail.message_id] == 1, f"mail {mail.uid} acknowledged and lost")
    for visitor in outside.visitors.values():
        need(not visitor.unsent, f"{visitor.name} was never heard")
        for client_id in visitor.acknowledged:
            key = (SITE, f"{visitor.name}:{client_id}")
            need(key in tables.inbox, f"{key} acknowledged and lost")
            ended = tables.inbox[key].inbound.attributes.get("chat") == "ended"
            ended = ended or client_id in visitor.refused
            need(ended or came[SITE, client_id] == 1, f"{key} acknowledged and lost")
    for task in outside.tasks.values():
        need(task.acknowledged in tables.items, f"{task.key} acknowledged and lost")
        need(came[OFFICE, task.key] == 1, f"{task.key} filed {came[OFFICE, task.key]} times")
    numbers = Counter(case.number for case in tables.cases.values())
    need(max(numbers.values(), default=1) == 1, "a ticket number was given twice")


def _merged(tables: Tables, case: CaseId) -> set[CaseId | None]:
    """The case, and all that it was ever merged with: a mail in between came to one of them."""
    found: set[CaseId | None] = set()
    left = [case]
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            ties = tables.cases[one].ties
            left += [link.case for link in ties.links] if ties is not None else []
    return found


def _each_case_is_read_once(tables: Tables) -> None:
    """Merged or not: no message is lost, none is read in two cases, no item is of two."""
    read: Counter[str] = Counter()
    for case in tables.cases.values():
        merged = case.ties.into if case.ties is not None else None
        need(tables.merged.get(case.id) == merged, f"case {case.number} is part of another one")
        if merged is None:
            found = conversation(tables, case.id, 0, 100_000, None)
            read.update(message.id for _, message in found)
    need(read == Counter(list(tables.messages)), "a message is read in no case, or in two")
    for item in tables.items.values():
        there = tables.cases[item.case].number == item.number
        need(there, f"item {item.id} bears {item.number}")


def _contacts_are_where_they_belong(tables: Tables, outside: Outside) -> None:
    """References join, claims alone do not, and nobody's words change their order."""
    by_external = {x.external_id: x for x in tables.messages.values() if x.direction == "in"}
    for mail in outside.mails:
        message = by_external[mail.message_id]
        case = tables.cases[message.case]
        if mail.expects_case:
            joined = bool({case.id, case.follows} & _merged(tables, CaseId(mail.expects_case)))
            need(joined, f"mail {mail.uid} answers {mail.expects_case}, came to {case.id}")
        elif not mail.verified:
            need(message.seq == 1, f"mail {mail.uid} with a mere claim joined {case.number}")
    for name in outside.visitors:
        said = [
            message
            for message in tables.messages.values()
            if message.direction == "in" and message.author.id == name
        ]
        said.sort(key=lambda x: (tables.cases[x.case].opened_at, x.seq))
        order = [int(message.client_id.rsplit("-", 1)[1]) for message in said]
        need(order == sorted(order), f"{name}'s words are out of order: {order}")
    for case_id, said_in in tables.said.items():
        last = tables.cases[case_id].last_seq
        need(sorted(said_in) == list(range(1, last + 1)), f"messages of {case_id} have gaps")


def _what_came_first_was_decided_first(tables: Tables, outside: Outside) -> None:
    """Of one customer, through every crash, wherever it is decided about.

    Who only claims to be somebody is somebody else.
    """
    place = {row.id: n for n, row in enumerate(_decisions(tables))}
    came: dict[CustomerId, list[InboxRow]] = defaultdict(list)
    for row in tables.inbox_by_id.values():
        if row.customer is not None:
            came[row.customer].append(row)
    for who, rows in came.items():
        rows.sort(key=lambda row: (row.arrival, row.id))
        places = [place[row.id] for row in rows]
        need(places == sorted(places), f"what {who} sent was decided in the order {places}")
    mails: dict[tuple[str, bool], list[int]] = defaultdict(list)
    for mail in outside.mails:
        mails[mail.sender, mail.verified].append(place[tables.inbox[MAIL, mail.key].id])
    for sender, places in mails.items():
        need(places == sorted(places), f"{sender}: mails were decided in the order {places}")


def _decisions(tables: Tables) -> Iterator[m.InboundDone]:
    for entry in tables.journal.values():
        for row in entry.rows:
            if isinstance(row, m.InboundDone):
                yield row


def _what_was_said_arrived(tables: Tables, outside: Outside) -> None:
    """Promise 3, outbound: at least once, and again only where nobody could know."""
    for message in tables.messages.values():
        ordered = message.direction == "out" and message.channel != SITE and message.to
        need(not ordered or outside.post.arrived.get(message.id), f"{message.id} never arrived")
    _in_the_order_in_which_it_was_said(tables, outside)
    for identity, arrived in outside.post.arrived.items():
        allowed = 1 + outside.post.doubts[identity]
        need(len(arrived) <= allowed, f"{identity} arrived {len(arrived)} times, not {allowed}")


def _in_the_order_in_which_it_was_said(tables: Tables, outside: Outside) -> None:
    """To each address in each case, as far as one node brought it.

    A case that has ended leaves its node; whoever opens it again at another knows nothing of what
    the first still tries to deliver.
    """
    last: dict[tuple[str, ...], int] = {}
    carriers = {o.message: tables.carriers[o.id] for o in tables.outbox.values() if o.message}
    for identity in outside.post.arrived:
        message = tables.messages.get(cast("Any", identity))
        if message is None or not message.to:
            continue
        line = (message.case, message.channel, message.to[0], carriers[message.id])
        before = last.get(line, 0)
        last[line] = message.seq
        need(before < message.seq, f"{identity} ({message.seq}) arrived after {before} of {line}")


def _visitors_saw_it_all(tables: Tables, outside: Outside) -> None:
    for visitor in outside.visitors.values():
        if visitor.conversation is None:
            continue
        said = tables.said[cast("Any", visitor.conversation)]
        public = [seq for seq in sorted(said) if tables.messages[said[seq]].direction != "note"]
        need(visitor.shown == public, f"{visitor.name} saw {visitor.shown}, not {public}")


def _filers_were_told(tables: Tables, outside: Outside) -> None:
    for task in outside.tasks.values():
        end = tables.items[cast("str", task.acknowledged)].state
        need(f"item.{end}" in task.told, f"{task.key} is {end}; its filer knows {task.told}")


def same_view(agent: AgentName, desktop: Desktop, state: NodeState, now: Context) -> None:
    """Whoever replays the frames after a snapshot holds what a fresh one would give."""
    fresh = hands.snapshot(state, agent, now)
    shown = msgspec.to_builtins(
        [desktop.state, desktop.capacity, _by_id(desktop.offers), _by_id(desktop.items)]
    )
    offers = {offer.offer: offer for offer in fresh.offers}
    items = {item.id: item for item in fresh.items}
    expected = msgspec.to_builtins([fresh.state, fresh.capacity, _by_id(offers), _by_id(items)])
    need(shown == expected, f"{agent}'s desktop shows {shown}, not {expected}")


def _by_id(views: dict[Any, Any]) -> list[Any]:
    return [views[key] for key in sorted(views)]


def commands_had_one_effect(
    tables: Tables,
    agent: AgentName,
    asked: dict[str, Any],
    answers: dict[str, Any],
    held: Mapping[str, int],
) -> None:
    """Each command was answered, and what it said was said once, or not at all if refused.

    What was ``held`` stands in the case besides, once more if it was let go.
    """
    bodies = Counter(message.body for message in tables.messages.values())
    bodies.update(message.body for message in tables.talk.said.values())
    for command_id, command in asked.items():
        answer = answers.get(command_id)
        need(answer is not None, f"{agent}'s {command_id} was never answered")
        body = getattr(command, "body", None)
        if body is not None:
            times = 1 + held.get(body, 0) if isinstance(answer, Ok) else 0
            need(bodies[body] == times, f"{body!r} said {bodies[body]} times, not {times}")
        if isinstance(command, c.Send) and isinstance(answer, Ok):
            _files_went_with(tables, command)


def _files_went_with(tables: Tables, command: c.Send) -> None:
    messages = [x for x in tables.messages.values() if x.body == command.body]
    for message in messages:
        attached = tuple(attachment.id for attachment in message.attachments)
        need(attached == command.attachments, f"{command.id} went with {attached}")
    for file in command.attachments:
        used = any(tables.files[file].message == message.id for message in messages)
        need(used, f"{file} was sent, and is good for more")

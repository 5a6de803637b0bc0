"""What the people outside were promised, against what reached them. Pure.

``missing`` was acknowledged and did not come to its end; ``duplicated`` took effect twice under
two identities; ``repeated`` came again under the same identity, as design.md's promise 3 lets it
for an attempt that was open when something died. ``disordered`` is what somebody said and finds
told in another order.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct, field

Entry = list[Any]
CHAT_GRACE_SECONDS = 30.0


class Repeat(Struct, frozen=True):
    """The same identity again: when it was first begun, and when it came again."""

    what: str
    identity: str
    first: float
    again: float


class Findings(Struct, kw_only=True):
    """See the module's docstring."""

    acknowledged: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    repeated: list[Repeat] = field(default_factory=list)
    problems: Counter[str] = field(default_factory=Counter)

    def unexplained(self, faults: Sequence[tuple[float, float]]) -> list[Repeat]:
        """Repeats that no fault (from, until) explains: none was on between the two attempts."""
        return [
            one
            for one in self.repeated
            if not any(begin <= one.again and end >= one.first for begin, end in faults)
        ]


class Logs(Struct, kw_only=True):
    """As the processes of the town answer ``log``."""

    clerks: list[dict[str, Any]]
    visitors: dict[str, Any]
    errands: dict[str, Any]
    letters: dict[str, Any]

    def of_clerks(self, name: str) -> list[Entry]:
        """All agents' lines of one kind, in order of time."""
        return sorted((line for log in self.clerks for line in log[name]), key=lambda at: at[0])


def audit(logs: Logs) -> Findings:
    """Everything that can be seen from outside."""
    found = Findings()
    _tasks(logs, found)
    _chats(logs, found)
    _mails(logs, found)
    _agents(logs, found)
    for log in (*logs.clerks, logs.visitors, logs.errands):
        found.problems.update(log["problems"])
    return found


def _twice(what: str, pairs: Iterable[tuple[str, str]], found: Findings) -> dict[str, set[str]]:
    """``pairs`` of a thing and an identity of its effect: one each, or it is doubled."""
    seen: dict[str, set[str]] = defaultdict(set)
    for thing, identity in pairs:
        seen[thing].add(identity)
    for thing, identities in seen.items():
        if len(identities) > 1:
            found.duplicated.append(f"{what} {thing}: {sorted(identities)}")
    return seen


def _again(what: str, lines: Iterable[tuple[str, Entry]], found: Findings) -> None:
    """Lines [begun, …] by identity: whatever comes after the first is a repeat."""
    last: dict[str, float] = {}
    for identity, line in lines:
        if identity in last:
            found.repeated.append(Repeat(what, identity, last[identity], line[0]))
        last[identity] = line[0]


def _tasks(logs: Logs, found: Findings) -> None:
    acked, told = logs.errands["acked"], logs.errands["told"]
    found.acknowledged["tasks"] = len(acked)
    items = {line[3] for line in acked}
    for key, first, other in logs.errands["changed"]:
        found.duplicated.append(f"task {key}: {first}, then {other}")
    if len(items) != len(acked):
        found.missing.append(f"{len(acked)} tasks got only {len(items)} items")
    done = _twice(
        "completion of task",
        ((line[4], line[2]) for line in told if line[3] == "item.completed"),
        found,
    )
    found.missing += [f"completion of task {item}" for item in items - done.keys()]
    strangers = {line[4] for line in told} - items
    found.duplicated += [f"a task that nobody was told of: {item}" for item in strangers]
    _again("callback", ((line[2], line) for line in told), found)
    answers = _twice(
        "answer to a task",
        ((line[5], line[2]) for line in told if line[3] == "item.message" and line[5]),
        found,
    )
    _answered("task", answers.keys(), logs, found)


def _answered(kind: str, arrived: Iterable[str], logs: Logs, found: Findings) -> None:
    """What agents were told is on its way must have arrived."""
    said = [line[3] for line in logs.of_clerks("answered") if line[4] == kind]
    found.acknowledged[f"answers to {kind}s"] = len(said)
    found.missing += [f"answer to a {kind}: {mark}" for mark in set(said) - set(arrived)]


def _chats(logs: Logs, found: Findings) -> None:
    arrived: set[str] = set()
    for talk in logs.visitors["talks"]:
        acked, told = talk["acked"], talk["transcript"]
        found.acknowledged["chat messages"] += len(acked)
        found.acknowledged["chats"] += 1
        if told is None:
            found.missing.append(f"the transcript of {talk['conversation']}")
            told = []
        # An earlier conversation of the same customer is known by what was shown of it.
        whole = [line for line in talk["shown"] if line[0] != talk["conversation"]] + told
        _compare(talk, told, found)
        seqs: Counter[str] = Counter()
        for mark, ids in _twice(
            "chat message", ((line[4], f"{line[0]}/{line[1]}") for line in whole if line[4]), found
        ).items():
            seqs[mark] = len(ids)
        found.missing += [f"chat message {mark}" for mark in acked.keys() - seqs.keys()]
        said = [mark for mark in sorted(acked, key=lambda mark: acked[mark][0]) if mark in seqs]
        order = [mark for mark in dict.fromkeys(line[4] for line in whole) if mark in acked]
        if said != order:
            found.disordered.append(f"chat {talk['conversation']}: {said} told as {order}")
        arrived |= seqs.keys()
    _answered("webchat", arrived, logs, found)


def _compare(talk: dict[str, Any], told: list[Entry], found: Findings) -> None:
    """What was shown as it happened is what the transcript says, message for message."""
    here = talk["conversation"]
    shown = [tuple(line[1:5]) for line in talk["shown"] if line[0] == here]
    now = [tuple(line[1:5]) for line in told]
    if shown != now[: len(shown)]:
        lost = [line for line in now[: len(shown)] if line not in shown]
        found.missing.append(f"in the window of {here}: {lost or shown}")


def _mails(logs: Logs, found: Findings) -> None:
    written, got = logs.letters["written"], logs.letters["got"]
    found.acknowledged["mails"] = len(written)
    flags = dict(logs.letters["mailbox"])
    for _, mark in written:
        if "\\Seen" not in flags.get(mark, ""):
            found.missing.append(f"mail {mark} is unread in the mailbox: {flags.get(mark)!r}")
    answers = _twice("answer to a mail", ((line[3], line[2]) for line in got), found)
    _twice("mail", ((line[4], line[3]) for line in got if line[4]), found)
    answered = {line[4] for line in got}
    found.missing += [f"an answer to mail {mark}" for _, mark in written if mark not in answered]
    _again("mail", ((line[2], line) for line in got), found)
    _answered("email", answers.keys(), logs, found)


def _agents(logs: Logs, found: Findings) -> None:
    """One item, one place: as those saw it into whose hands it was given."""
    offers = logs.of_clerks("offers")
    _twice("item of", ((line[3], line[1]) for line in offers if line[3]), found)
    wrapped = Counter(line[1] for line in logs.of_clerks("wrapped"))
    found.acknowledged["wrap-ups"] = wrapped.total()
    found.duplicated += [f"wrap-up of {item}" for item, count in wrapped.items() if count > 1]
    found.duplicated += _held_by_two(logs)


def _held_by_two(logs: Logs) -> list[str]:
    """Items that one had in hand while another did, whose desktop had not long been gone."""
    lines = [(line, True) for line in logs.of_clerks("accepted")]
    lines += [(line, False) for line in logs.of_clerks("gone")]
    outages = logs.of_clerks("outages")
    held: dict[str, Entry] = {}
    found = []
    for line, taken in sorted(lines, key=lambda one: one[0][0]):
        at, item, agent = line
        other = held.get(item)
        if not taken:
            if other is not None and other[2] == agent:
                del held[item]
        elif other is not None and other[2] != agent and not _away(outages, other[2], at):
            found.append(f"item {item}: with {other[2]} and {agent}")
        else:
            held[item] = line
    return found


def _away(outages: list[Entry], agent: str, at: float) -> bool:
    """Whether this agent's desktop was gone for the time of grace before ``at``."""
    return any(
        lost <= at - CHAT_GRACE_SECONDS + 5 and (back is None or back >= at - 5)
        for lost, back, name, _ in outages
        if name == agent
    )

"""The one gate through which every automatic message passes: why a machine keeps silent. Pure.

No machine of ours writes to a machine (RFC 3834 section 2). Most of them say what they are; of the
others some signs are read as mails arrive (``signs``): they keep us silent and nothing else, so a
person whom they mistake is served as everybody is. What no sign tells is bounded by a budget: so
many automatic mails to one address, and from one mailbox, in an hour and in a day.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.bad_addresses import key_of_address
from gateway.core.budget import DAY, HOUR
from gateway.core.ids import ChannelName
from gateway.core.inbound import Inbound
from gateway.core.model import ADDRESSED, TEXTED, Case, ChannelKind, Item
from gateway.core.paces import STEPS, hashed
from gateway.core.state import NodeState
from gateway.core.stopping import why_stopped
from gateway.core.watch import NOTHING

MOST_AUTOMATIC = 5
"""Messages that rules may send in a case until one of us has written: two machines end there."""
QUICK_SECONDS = 20.0
"""Nobody reads a mail and answers it within so long."""
SKEW_SECONDS = 5.0
"""So much the clock of a mail server may be behind ours."""
LEAST_WORDS = 30
"""Letters: who says less may well say it again."""
_NOBODY = re.compile(
    r"(?:no|do-?not|donot|never|kein|ne)[-_.]?(?:reply|answer|respond|antwort|pas-?repondre)"
    r"|noreply.*|mailer-?daemon|postmaster|bounces?(?:[-+_=].*)?"
)
_TAG = re.compile(r"[\[(](?:[^\W\d_]{0,20}[\s:_-]{0,2})?#\s?[A-Za-z]{0,6}-?\d{1,15}[\])]")


REACH = DAY
"""How far back all of this looks, in seconds."""


def why_silent(state: NodeState, case: Case, way: Item, now: datetime) -> str:
    """Why no machine of ours may write to this customer now; empty: it may.

    ``way`` is the item as what is written on it goes out (``reaching.answering``).
    """
    watch = way.watch or NOTHING
    if watch.machine and way.callback is None:  # who asks to be called waits for no reply
        return "no person would read it"
    if watch.hush:
        return watch.hush
    if case.automatic >= MOST_AUTOMATIC:
        return f"{MOST_AUTOMATIC} in a row are enough"
    if why := _unreachable(way):
        return why
    if way.kind in TEXTED:
        return _by_text(state, way, now)
    return _by_mail(state, way, now) if way.kind is ChannelKind.EMAIL else ""


def _unreachable(way: Item) -> str:
    if way.kind is ChannelKind.CALLBACK:
        return "there is only a number to call"
    return "there is no address" if way.kind in ADDRESSED and not way.address else ""


def _by_mail(state: NodeState, way: Item, now: datetime) -> str:
    address = bare(way.address)
    if address in own_addresses(state):
        return "it is an address of ours"
    if nobody_reads(address):
        return "nobody reads what is sent to that address"
    if way.undeliverable or key_of_address(address) in state.bad_addresses:
        return "what is sent there comes back"
    if state.paces.total(_MACHINE, hashed(_MACHINE, address), now.timestamp() - HOUR):
        return "a machine answers there"
    of = used_up(state, way.channel, address, now)
    return BUDGET[of] if of else ""


def _by_text(state: NodeState, way: Item, now: datetime) -> str:
    if why := why_stopped(state, way.kind, way.address):
        return why
    if bare(way.address) in own_addresses(state):
        return "it is a number of ours"
    of = used_up(state, way.channel, bare(way.address), now)
    return BUDGET[of] if of else ""


# -- the budget ---------------------------------------------------------------------------------

BUDGET: Mapping[str, str] = {
    "sender": "the budget of automatic mails to this address is used up",
    "mailbox": "the budget of automatic mails of this mailbox is used up",
}
"""Of whom it is, and what is said when it is used up."""


def used_up(state: NodeState, channel: ChannelName, address: str, now: datetime) -> str:
    """Whose budget is: of the ``sender``, of the ``mailbox``, of nobody (empty)."""
    for of, seconds, most in state.budget.windows():
        width = seconds / STEPS
        what, key = _counted(of, seconds, channel, address)
        if state.paces.total(what, key, now.timestamp() - seconds - width) >= most:
            return of
    return ""


def spend(state: NodeState, channel: ChannelName, address: str, now: datetime) -> None:
    """An automatic mail has been queued for this address."""
    address = bare(address)
    for of, seconds, _ in state.budget.windows():
        state.paces.note(*_counted(of, seconds, channel, address), seconds / STEPS, now)
    state.paces.note(_QUICK, hashed(_QUICK, address), 1.0, now)


def written(state: NodeState, address: str, now: datetime) -> None:
    """A person of ours has written there: what comes back at once, a machine wrote."""
    address = bare(address)
    state.paces.note(_QUICK, hashed(_QUICK, address), 1.0, now, shared=False)


def _counted(of: str, seconds: float, channel: ChannelName, address: str) -> tuple[str, str]:
    what = f"automatic:{of}:{seconds:g}"
    return what, hashed(what, address if of == "sender" else channel)


def note_withheld(state: NodeState, now: datetime) -> None:
    """Something was not sent, here; the other nodes are told of it as of what is sent."""
    state.paces.note(_WITHHELD, "", HOUR / STEPS, now)


def withheld_lately(state: NodeState, now: datetime) -> int:
    """How many mails the budgets have kept back in the last hour, at all nodes."""
    return state.paces.total(_WITHHELD, "", now.timestamp() - HOUR - HOUR / STEPS)


def withheld(way: Item, what: str, why: str) -> list[e.Change]:
    """On record, where the budget was what kept us silent: a supervisor is to know."""
    for of, said in BUDGET.items():
        if why == said:
            told = e.AutomaticWithheld(
                item=way.id, case=way.case, channel=way.channel, of=of, what=what
            )
            return [e.Change(told)]
    return []


# -- signs of a machine that does not say what it is --------------------------------------------

_HABITS = (
    f"it came within {QUICK_SECONDS:g} s of a mail of ours",
    "the same words came from there before",
)
_WITHHELD = "automatic:withheld"
_MACHINE = "automatic:machine"
_QUICK = "automatic:quick"
_SAME = "automatic:same"


def signs(state: NodeState, inbound: Inbound, *, fresh: bool) -> str:
    """What keeps machines of ours from answering this mail, though it does not say that one wrote.

    ``fresh``: it opens a case and refers to none.
    """
    if inbound.kind is not ChannelKind.EMAIL or inbound.machine:
        return ""
    sender = bare(inbound.identity.value if inbound.identity is not None else inbound.address)
    known = {sender, bare(inbound.address)} - {""}
    return (
        _sign_of_address(state, inbound, known)
        or _sign_of_habit(state, inbound, sender, known)
        or _sign_of_subject(inbound.subject, fresh=fresh)
    )


def _sign_of_address(state: NodeState, inbound: Inbound, known: set[str]) -> str:
    if known & own_addresses(state):
        return "it comes from an address of ours"
    if any(nobody_reads(one) for one in known):
        return "nobody reads what is sent to that address"
    where = inbound.attributes.get("in_copy")
    return f"it was not written to us: we stand only in {where}" if where else ""


def _sign_of_subject(subject: str, *, fresh: bool) -> str:
    """Numbers of tickets that are not of the case."""
    tags = {tag.lower() for tag in _TAG.findall(subject)}
    if len(tags) > 1 or (tags and fresh):
        return "its subject has the number of another desk"
    return ""


def _sign_of_habit(state: NodeState, inbound: Inbound, sender: str, known: set[str]) -> str:
    """What nobody types so fast, or twice."""
    at = inbound.at.timestamp()
    since, until = at - QUICK_SECONDS - 1, at + SKEW_SECONDS
    if any(state.paces.total(_QUICK, hashed(_QUICK, one), since, until) for one in known):
        return _HABITS[0]
    key = _same(sender, inbound)
    if key and state.paces.total(_SAME, key, at - DAY):
        return _HABITS[1]
    return ""


def note_words(state: NodeState, inbound: Inbound, hush: str) -> None:
    """Remember what this mail says, not in words: should the same come again it is a machine.

    Only of who was written to by a machine of ours lately: there nothing else can go round. One
    that ``hush`` says to have a machine's habits is written to in none of its cases for an hour.
    """
    if inbound.kind is not ChannelKind.EMAIL:
        return
    if hush in _HABITS:
        state.paces.note(_MACHINE, hashed(_MACHINE, bare(inbound.address)), 60.0, inbound.at)
    sender = bare(inbound.identity.value if inbound.identity is not None else inbound.address)
    written = _counted("sender", DAY, inbound.channel, sender)
    if state.paces.total(*written, inbound.at.timestamp() - DAY) and (
        key := _same(sender, inbound)
    ):
        state.paces.note(_SAME, key, HOUR, inbound.at)


def _same(sender: str, inbound: Inbound) -> str:
    lines = inbound.body.split("\n")
    own = lines[: inbound.fold_from] if inbound.fold_from else lines
    said = " ".join(" ".join(line for line in own if not line.startswith(">")).split()).casefold()
    return hashed(_SAME, f"{sender}\0{said}") if len(said) >= LEAST_WORDS and sender else ""


def heard(item: Item, hush: str, *, automatic: bool, guest: bool = False) -> Item:
    """The item as it will be when this has been said on it, for whoever asks ``why_silent``."""
    watch = replace(item.watch or NOTHING, machine=automatic, hush=hush, guest=guest)
    return replace(item, watch=None if watch == NOTHING else watch)


# -- addresses ----------------------------------------------------------------------------------


def bare(address: str) -> str:
    """An address without a name before it, in one case."""
    text = address.strip()
    if text.endswith(">") and "<" in text:
        text = text[text.rindex("<") + 1 : -1]
    return text.strip().casefold()


def own_addresses(state: NodeState) -> set[str]:
    """Those of all our mailboxes."""
    return {bare(one) for one in state.addresses.values() if one}


def nobody_reads(address: str) -> bool:
    """Whether the address says so itself."""
    return _NOBODY.fullmatch(address.partition("@")[0]) is not None

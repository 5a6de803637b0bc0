"""Canned replies and letters: what the directory takes, and their resources."""

from collections.abc import Collection, Iterable
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict, replace

from gateway.api.base import Done, by, read, record, who, whole
from gateway.api.directory_types import Name, Text, check_name
from gateway.api.entry_routes import entry_routes
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import CannedName, LetterName, QueueName, SkillName
from gateway.core.model import ChannelKind
from gateway.core.rules.rule import Texts
from gateway.core.wordings import (
    Canned,
    Htmls,
    Letter,
    Shortcut,
    Words,
    WordsKind,
    canned_problem,
    letter_problem,
)
from gateway.flow.ledger import Ledger
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute

QueueNames = Annotated[tuple[QueueName, ...], Meta(max_length=1_000)]


class CannedEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is; ``texts`` are replaced as a whole."""

    name: Name | UnsetType = UNSET
    label: Text | UnsetType = UNSET
    shortcut: Shortcut | UnsetType = UNSET
    texts: Texts | UnsetType = UNSET
    queues: QueueNames | UnsetType = UNSET
    skills: Annotated[tuple[SkillName, ...], Meta(max_length=200)] | UnsetType = UNSET
    kinds: tuple[ChannelKind, ...] | UnsetType = UNSET


class LetterEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is, ``null`` takes it away; texts are replaced as a whole."""

    name: Name | UnsetType = UNSET
    queues: QueueNames | UnsetType = UNSET
    opening: Texts | UnsetType | None = UNSET
    closing: Texts | UnsetType | None = UNSET
    signature: Texts | UnsetType | None = UNSET
    html: Htmls | UnsetType | None = UNSET
    quote: bool | UnsetType = UNSET


class CannedCard(Struct, frozen=True, kw_only=True):
    """A reply to put in."""

    name: CannedName
    label: str
    shortcut: str
    texts: Texts
    queues: tuple[QueueName, ...]
    skills: tuple[SkillName, ...]
    kinds: tuple[ChannelKind, ...]


class LetterCard(Struct, frozen=True, kw_only=True):
    """How mails look."""

    name: LetterName
    queues: tuple[QueueName, ...]
    opening: Texts | None
    closing: Texts | None
    signature: Texts | None
    html: Htmls | None
    quote: bool


def canned_from(name: str, entry: CannedEntry, old: Canned | None) -> Canned:
    """The reply after the change."""
    return replace(old or Canned(name=CannedName(name)), **_given(entry))


def letter_from(name: str, entry: LetterEntry, old: Letter | None) -> Letter:
    """The letter after the change."""
    return replace(old or Letter(name=LetterName(name)), **_given(entry))


def check_canned(
    canned: Canned, queues: Collection[str], others: Iterable[Canned], where: str = ""
) -> None:
    """Raises ``Refused`` for what can not be meant; ``others`` are those beside it."""
    _refuse("canned reply", canned.name, canned_problem(canned), where)
    _check_queues("canned reply", canned, queues, where)
    for other in others:
        if canned.shortcut and other.shortcut.lower() == canned.shortcut.lower():
            detail = f"canned reply {other.name!r} has the shortcut {canned.shortcut!r} already"
            _refuse("canned reply", canned.name, ("shortcut", detail), where)


def check_letter(
    letter: Letter, queues: Collection[str], others: Iterable[Letter], where: str = ""
) -> None:
    """Raises ``Refused`` for what can not be meant; ``others`` are those beside it."""
    _refuse("letter", letter.name, letter_problem(letter, [*others]), where)
    _check_queues("letter", letter, queues, where)


def check_words(
    wanted: Iterable[Words],
    canned: Iterable[Canned],
    letters: Iterable[Letter],
    queues: Collection[str],
) -> None:
    """Those of a declaration, beside all that there will be. Raises ``Refused``."""
    for one in wanted:
        if isinstance(one, Canned):
            check_canned(one, queues, [c for c in canned if c.name != one.name], "canned.")
        else:
            check_letter(one, queues, [b for b in letters if b.name != one.name], "letters.")


def refuse_used(words: Iterable[Words], queues: Collection[QueueName], field: str) -> None:
    """Raises ``Refused`` while one of them is for a queue that goes."""
    for one in words:
        if gone := [queue for queue in one.queues if queue in queues]:
            what = "canned reply" if isinstance(one, Canned) else "letter"
            detail = f"{what} {one.name!r} is for the queue {gone[0]!r}: change it first"
            raise Refused("conflict", detail, field)


def _check_queues(what: str, words: Words, queues: Collection[str], where: str) -> None:
    if strange := next((queue for queue in words.queues if queue not in queues), None):
        _refuse(what, words.name, ("queues", f"there is no queue {strange!r}"), where)


def _refuse(what: str, name: str, problem: tuple[str, str] | None, where: str) -> None:
    if problem is not None:
        field, detail = problem
        raise Refused("bad_field", f"{what} {name!r}: {detail}", f"{where}{field}")


def _given(entry: CannedEntry | LetterEntry) -> dict[str, Any]:
    return {f: v for f, v in asdict(entry).items() if v is not UNSET and f != "name"}


class _Resource:
    """What both have in common. Changes are journaled."""

    kind: WordsKind
    what: str

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def one(self, request: HttpRequest) -> HttpAnswer:
        position = self._ledger.position
        words = self._known(request)
        await self._ledger.committed(position)
        return HttpAnswer(body=_card(words))

    async def remove(self, request: HttpRequest) -> HttpAnswer:
        words = self._known(request)
        gone = e.WordsRemoved(words=self.kind, name=words.name, by=by(request))
        await record(self._ledger, [e.Change(gone)])
        return HttpAnswer(body=Done())

    def _known(self, request: HttpRequest) -> Words:
        name = request.params["name"]
        words = self._ledger.state.wordings.get(self.kind, name)
        if words is None:
            raise Refused("not_found", f"there is no {self.what} {name!r}", "name")
        return words

    async def _keep(self, request: HttpRequest, words: Words, old: Words | None) -> HttpAnswer:
        if words != old:
            await record(self._ledger, [e.Change(e.WordsDefined(words=words, by=by(request)))])
        return HttpAnswer(body=_card(words))


class CannedReplies(_Resource):
    """Replies that agents put in and change."""

    kind = "canned"
    what = "canned reply"

    def routes(self) -> list[HttpRoute]:
        return entry_routes("canned", self, CannedEntry, CannedCard)

    async def list(self, request: HttpRequest) -> HttpAnswer:
        """Those that whoever asks may use."""
        position, state = self._ledger.position, self._ledger.state
        asks = who(request)
        profile = state.profiles.get(asks.name)
        skills = profile.skills if profile is not None else {}
        known = sorted(state.wordings.canned.values(), key=lambda one: one.name)
        mine = [
            one
            for one in known
            if asks.role != "agent" or not one.skills or not skills.keys().isdisjoint(one.skills)
        ]
        await self._ledger.committed(position)
        return whole([_card(one) for one in mine])

    async def put(self, request: HttpRequest) -> HttpAnswer:
        entry = read(request, CannedEntry)
        name = _name(request, entry.name)
        state = self._ledger.state
        old = state.wordings.canned.get(CannedName(name))
        canned = canned_from(name, entry, old)
        others = [one for one in state.wordings.canned.values() if one.name != name]
        check_canned(canned, state.queues, others)
        return await self._keep(request, canned, old)


class Letters(_Resource):
    """How mails look that people write."""

    kind = "letter"
    what = "letter"

    def routes(self) -> list[HttpRoute]:
        return entry_routes("letters", self, LetterEntry, LetterCard)

    async def list(self, _request: HttpRequest) -> HttpAnswer:
        position = self._ledger.position
        known = sorted(self._ledger.state.wordings.letters.values(), key=lambda one: one.name)
        await self._ledger.committed(position)
        return whole([_card(one) for one in known])

    async def put(self, request: HttpRequest) -> HttpAnswer:
        entry = read(request, LetterEntry)
        name = _name(request, entry.name)
        state = self._ledger.state
        old = state.wordings.letters.get(LetterName(name))
        letter = letter_from(name, entry, old)
        others = [one for one in state.wordings.letters.values() if one.name != name]
        check_letter(letter, state.queues, others)
        return await self._keep(request, letter, old)


def _name(request: HttpRequest, given: str | UnsetType) -> str:
    name = request.params["name"]
    if given is not UNSET and given != name:
        raise Refused("bad_field", "a name cannot be changed; make a new entry", "name")
    check_name(name)
    return name


def _card(words: Words) -> CannedCard | LetterCard:
    fields = {f: v for f, v in asdict(words).items() if f != "active"}
    return CannedCard(**fields) if isinstance(words, Canned) else LetterCard(**fields)

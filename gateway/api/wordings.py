"""Canned replies and letters: what the directory takes, and their resources."""

from collections.abc import Collection, Iterable
from typing import Annotated, Any, Generic, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict, replace

from gateway.api.base import Done, by, read, record, who, whole
from gateway.api.directory_types import Name, Text, check_name
from gateway.api.entry_routes import entry_routes
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import CannedName, LetterName, QueueName, SkillName
from gateway.core.letters import Written, dressed
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

OneOf = TypeVar("OneOf", Canned, Letter)
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


class LetterTrial(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is ``said``, in which language, and what stands for the names in braces."""

    letter: LetterEntry
    said: Annotated[str, Meta(max_length=10_000)] = ""
    language: Annotated[str, Meta(max_length=35)] = ""
    values: dict[str, Annotated[str, Meta(max_length=500)]] = {}


class LetterShown(Struct, frozen=True, kw_only=True):
    """The whole mail; without ``html`` it leaves as text alone."""

    body: str
    html: str | None


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


class _Resource(Generic[OneOf]):
    """What both have in common. Changes are journaled."""

    kind: WordsKind
    what: str

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def list(self, request: HttpRequest) -> HttpAnswer:
        """Those that whoever asks may use, by name."""
        position = self._ledger.position
        known = sorted(self._all(), key=lambda one: one.name)
        shown = [_card(one) for one in known if self._may(request, one)]
        await self._ledger.committed(position)
        return whole(shown)

    async def one(self, request: HttpRequest) -> HttpAnswer:
        position = self._ledger.position
        words = self._known(request)
        await self._ledger.committed(position)
        return HttpAnswer(body=_card(words))

    async def put(self, request: HttpRequest) -> HttpAnswer:
        name = request.params["name"]
        old = next((one for one in self._all() if one.name == name), None)
        words = self._read(request, name, old)
        others = [one for one in self._all() if one.name != name]
        self._check(words, others)
        if words != old:
            await record(self._ledger, [e.Change(e.WordsDefined(words=words, by=by(request)))])
        return HttpAnswer(body=_card(words))

    async def remove(self, request: HttpRequest) -> HttpAnswer:
        words = self._known(request)
        gone = e.WordsRemoved(words=self.kind, name=words.name, by=by(request))
        await record(self._ledger, [e.Change(gone)])
        return HttpAnswer(body=Done())

    def _known(self, request: HttpRequest) -> OneOf:
        name = request.params["name"]
        words = next((one for one in self._all() if one.name == name), None)
        if words is None or not self._may(request, words):
            raise Refused("not_found", f"there is no {self.what} {name!r}", "name")
        return words

    def _all(self) -> Collection[OneOf]:
        raise NotImplementedError

    def _read(self, request: HttpRequest, name: str, old: OneOf | None) -> OneOf:
        raise NotImplementedError

    def _check(self, words: OneOf, others: Collection[OneOf]) -> None:
        raise NotImplementedError

    def _may(self, _request: HttpRequest, _words: OneOf) -> bool:
        return True


class CannedReplies(_Resource[Canned]):
    """Replies that agents put in and change."""

    kind = "canned"
    what = "canned reply"

    def routes(self) -> list[HttpRoute]:
        return entry_routes("canned", self, CannedEntry, CannedCard)

    def _all(self) -> Collection[Canned]:
        return self._ledger.state.wordings.canned.values()

    def _read(self, request: HttpRequest, name: str, old: Canned | None) -> Canned:
        entry = read(request, CannedEntry)
        _check_name(name, entry.name)
        return canned_from(name, entry, old)

    def _check(self, words: Canned, others: Collection[Canned]) -> None:
        check_canned(words, self._ledger.state.queues, others)

    def _may(self, request: HttpRequest, words: Canned) -> bool:
        """Agents see what is for one of their skills; who runs the house sees all."""
        asks = who(request)
        if asks.role != "agent" or not words.skills:
            return True
        profile = self._ledger.state.profiles.get(asks.name)
        return profile is not None and not profile.skills.keys().isdisjoint(words.skills)


class Letters(_Resource[Letter]):
    """How mails look that people write."""

    kind = "letter"
    what = "letter"

    def routes(self) -> list[HttpRoute]:
        return [
            *entry_routes("letters", self, LetterEntry, LetterCard),
            HttpRoute(
                method="POST",
                path="/api/v1/letters/{name}/preview",
                handle=self._preview,
                summary="A mail as it would leave with this letter, changed so; nothing is kept",
                access="admin",
                takes=LetterTrial,
                gives=LetterShown,
                tag="directory",
            ),
        ]

    def _all(self) -> Collection[Letter]:
        return self._ledger.state.wordings.letters.values()

    def _read(self, request: HttpRequest, name: str, old: Letter | None) -> Letter:
        entry = read(request, LetterEntry)
        _check_name(name, entry.name)
        return letter_from(name, entry, old)

    def _check(self, words: Letter, others: Collection[Letter]) -> None:
        check_letter(words, self._ledger.state.queues, others)

    async def _preview(self, request: HttpRequest) -> HttpAnswer:
        trial = read(request, LetterTrial)
        name = request.params["name"]
        old = self._ledger.state.wordings.letters.get(LetterName(name))
        letter = letter_from(name, trial.letter, old)
        # Whose it is does not matter for how it looks.
        _refuse("letter", name, letter_problem(replace(letter, queues=()), []), "")
        mail = dressed(Written(body=trial.said), letter, trial.values, trial.language)
        return HttpAnswer(body=LetterShown(body=mail.body, html=mail.html))


def _check_name(name: str, given: str | UnsetType) -> None:
    if given is not UNSET and given != name:
        raise Refused("bad_field", "a name cannot be changed; make a new entry", "name")
    check_name(name)


def _card(words: Words) -> CannedCard | LetterCard:
    fields = {f: v for f, v in asdict(words).items() if f != "active"}
    return CannedCard(**fields) if isinstance(words, Canned) else LetterCard(**fields)

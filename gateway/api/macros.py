"""Macros: what the directory takes, and their resource."""

from collections.abc import Collection, Mapping
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict, replace

from gateway.api.base import Done, by, read, record, who, whole
from gateway.api.directory_types import Name, Text, check_name
from gateway.api.entry_routes import entry_routes
from gateway.api.needs import Labels
from gateway.api.rules import Names, house_of
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import MacroName, RuleName
from gateway.core.macros import Macro
from gateway.core.model import ChannelKind
from gateway.core.rules.problems import House, macro_problems, problems
from gateway.core.rules.rule import Rule, Then
from gateway.flow.ledger import Ledger
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute, Role


class MacroEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is; ``then`` is replaced as a whole."""

    name: Name | UnsetType = UNSET
    label: Text | UnsetType = UNSET
    kinds: tuple[ChannelKind, ...] | UnsetType = UNSET
    roles: Annotated[tuple[Role, ...], Meta(max_length=3)] | UnsetType = UNSET
    then: Then | UnsetType = UNSET


class MacroCard(Struct, frozen=True, kw_only=True):
    """A macro, and what is odd about it."""

    name: MacroName
    label: str
    kinds: tuple[ChannelKind, ...]
    roles: tuple[Role, ...]
    then: Then
    warnings: tuple[str, ...]


def macro_from(name: str, entry: MacroEntry, old: Macro | None) -> Macro:
    """The macro after the change."""
    given = {f: v for f, v in asdict(entry).items() if v is not UNSET and f != "name"}
    return replace(old or Macro(name=MacroName(name)), **given)


def check_macro(macro: Macro, house: House, where: str = "") -> tuple[str, ...]:
    """What to warn of. Raises ``Refused`` for what can not be meant."""
    found = macro_problems(macro, house)
    for one in found:
        if one.grade == "error":
            raise Refused("bad_field", f"macro {one.rule!r}: {one.detail}", f"{where}{one.field}")
    return tuple(f"{one.field}: {one.detail}" for one in found)


def check_users(rules: Mapping[RuleName, Rule], gone: Collection[MacroName], field: str) -> None:
    """Raises ``Refused`` while a rule runs a macro that goes."""
    for rule in rules.values():
        if rule.then.macro in gone:
            detail = f"rule {rule.name!r} runs the macro {rule.then.macro!r}: change it first"
            raise Refused("conflict", detail, field)


class Macros:
    """Changes are journaled; who has an item in hand may run them at once."""

    def __init__(self, ledger: Ledger, skills: Labels, codes: Labels) -> None:
        self._ledger = ledger
        self._skills = skills
        self._codes = codes

    def routes(self) -> list[HttpRoute]:
        return entry_routes("macros", self, MacroEntry, MacroCard)

    async def list(self, request: HttpRequest) -> HttpAnswer:
        """Those that whoever asks may run."""
        house, role = await self._house(), who(request).role
        # What is read from here on is as of this position.
        position, macros = self._ledger.position, self._ledger.state.macros
        known = [macros[name] for name in sorted(macros)]
        mine = [one for one in known if role != "agent" or not one.roles or role in one.roles]
        cards = [_card(one, house) for one in mine]
        await self._ledger.committed(position)
        return whole(cards)

    async def one(self, request: HttpRequest) -> HttpAnswer:
        house = await self._house()
        position = self._ledger.position
        card = _card(self._known(request), house)
        await self._ledger.committed(position)
        return HttpAnswer(body=card)

    async def put(self, request: HttpRequest) -> HttpAnswer:
        entry = read(request, MacroEntry)
        name = request.params["name"]
        if entry.name is not UNSET and entry.name != name:
            raise Refused("bad_field", "a name cannot be changed; make a new entry", "name")
        check_name(name)
        house = await self._house()
        # From here on nothing waits: two changes at once build on each other.
        state = self._ledger.state
        old = state.macros.get(MacroName(name))
        macro = macro_from(name, entry, old)
        check_macro(macro, house)
        then = replace(house, macros={**state.macros, macro.name: macro})
        for one in problems([*state.rules.rules.values()], then):
            if one.grade == "error" and one.field == "then.tags":
                raise Refused("bad_field", f"rule {one.rule!r}: {one.detail}", "then.tags")
        if macro != old:
            await record(self._ledger, [e.Change(e.MacroDefined(macro=macro, by=by(request)))])
        return HttpAnswer(body=_card(macro, house))

    async def remove(self, request: HttpRequest) -> HttpAnswer:
        macro = self._known(request)
        check_users(self._ledger.state.rules.rules, {macro.name}, "name")
        await record(self._ledger, [e.Change(e.MacroRemoved(macro=macro.name, by=by(request)))])
        return HttpAnswer(body=Done())

    def _known(self, request: HttpRequest) -> Macro:
        name = MacroName(request.params["name"])
        macro = self._ledger.state.macros.get(name)
        if macro is None:
            raise Refused("not_found", f"there is no macro {name!r}", "name")
        return macro

    async def _house(self) -> House:
        skills = [one.name for one in await self._skills.listed()]
        codes = [one.name for one in await self._codes.listed()]
        return house_of(self._ledger.state, Names(skills=skills, codes=codes))


def _card(macro: Macro, house: House) -> MacroCard:
    fields = {f: v for f, v in asdict(macro).items() if f != "active"}
    warnings = tuple(f"{p.field}: {p.detail}" for p in macro_problems(macro, house))
    return MacroCard(**fields, warnings=warnings)

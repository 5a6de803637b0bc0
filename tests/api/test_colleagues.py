"""Colleagues over REST: who is there, who reads what, and what a supervisor decides."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.colleagues import ColleagueMessage
from gateway.core.ids import AgentName, RuleName
from gateway.core.rules.rule import Rule, Then
from gateway.core.rules.when import When
from tests.support.apiworld import ApiWorld, api_world
from tests.support.builders import agent
from tests.support.memory_colleagues import MemoryColleagues

ANA, BEN, ZOE = AgentName("ana"), AgentName("ben"), AgentName("zoe")
CREW = (agent("ana"), replace(agent("ben"), groups=("team",)), agent("zoe"))
CHATS, MESSAGES = "/api/v1/colleagues/chats", "/api/v1/colleagues/messages"


class Talkers:
    """Three agents; each may ask and say."""

    def __init__(self, world: ApiWorld) -> None:
        self.world = world
        self._count = 0

    async def say(self, by: AgentName, body: str, **whom: Any) -> dict[str, Any]:
        self._count += 1
        command = c.Peer(id=f"peer-{self._count:06}", body=body, **whom)  # type: ignore[arg-type]
        answer = await self.world.rig.node.desk.act(by, command, maybe_repeated=False)
        return answer.body

    async def read(self, who: AgentName, path: str) -> Any:
        status, body = await self.world.call("GET", path, token=await self.world.token_for(who))
        return [one.get("body", one) for one in body["items"]] if status == 200 else status


async def test_it_is_seen_who_is_there_and_what_groups_there_are() -> None:
    async with api_world(*CREW, ready=True) as world:
        ben = await world.token_for("ben")
        status, who = await world.call("GET", "/api/v1/colleagues", token=ben)
        assert status == 200
        assert [(one["name"], one["connected"]) for one in who["agents"]] == [
            ("ana", True),
            ("zoe", True),
        ]
        assert who["groups"] == [{"name": "team", "members": 1, "mine": True}]
        _, found = await world.call("GET", "/api/v1/colleagues?q=ZO&limit=1", token=ben)
        assert [one["name"] for one in found["agents"]] == ["zoe"]
        _, some = await world.call("GET", "/api/v1/colleagues?names=ana", token=ben)
        assert ([one["name"] for one in some["agents"]], some["groups"]) == (["ana"], [])


async def test_a_chat_is_read_by_those_who_are_in_it() -> None:
    async with api_world(*CREW, ready=True) as world:
        talk = Talkers(world)
        await talk.say(ANA, "are you there?", agent=BEN)
        await talk.say(ANA, "who can help?", group="team")
        assert await talk.read(BEN, f"{MESSAGES}?agent=ana") == ["are you there?"]
        assert await talk.read(ZOE, f"{MESSAGES}?agent=ana") == []
        assert await talk.read(BEN, f"{MESSAGES}?group=team") == ["who can help?"]
        assert await talk.read(ANA, f"{MESSAGES}?group=team") == ["who can help?"]
        assert await talk.read(ZOE, f"{MESSAGES}?group=team") == []
        chats = await talk.read(BEN, CHATS)
        assert {(one.get("agent"), one.get("group"), one["unread"]) for one in chats} == {
            ("ana", None, 1),
            (None, "team", 1),
        }
        for query in ("", "?agent=ana&group=team"):
            assert await talk.read(BEN, f"{MESSAGES}{query}") == 400


async def test_the_same_command_again_says_it_once() -> None:
    async with api_world(*CREW, ready=True) as world:
        command = c.Peer(id="the-same-id", agent=BEN, body="once")  # type: ignore[arg-type]
        desk = world.rig.node.desk
        answers = [await desk.act(ANA, command, maybe_repeated=True) for _ in range(3)]
        assert len({answer.body["message"] for answer in answers}) == 1
        assert await Talkers(world).read(BEN, f"{MESSAGES}?agent=ana") == ["once"]


async def test_what_is_said_about_an_item_is_read_by_whoever_has_it_and_by_supervisors() -> None:
    async with api_world(*CREW, ready=True) as world:
        filed = await world.file_task()
        items = world.rig.node.ledger.state.items
        await world.call("POST", f"/api/v1/items/{filed['id']}/assign", {"agent": "ana"})
        item = items[filed["id"]].id
        talk = Talkers(world)
        await talk.say(ANA, "may I pay this back?", agent=BEN, item=item)
        await talk.say(BEN, "yes", agent=ANA, item=item)
        path = f"{MESSAGES}?item={item}"
        assert await talk.read(ANA, path) == ["yes", "may I pay this back?"]
        assert await talk.read(ZOE, path) == 403
        boss = await world.token_for("boss", "supervisor")
        assert (await world.call("GET", path, token=boss))[0] == 200


async def test_a_supervisor_reads_a_chat_of_others_only_on_record() -> None:
    async with api_world(*CREW, ready=True) as world:
        talk = Talkers(world)
        await talk.say(ANA, "psst", agent=BEN)
        boss = await world.token_for("boss", "supervisor")
        audit = "/api/v1/colleagues/audit?agents=ana,ben"
        assert (await world.call("GET", audit, token=boss))[0] == 400
        assert await talk.read(ZOE, f"{audit}&reason=curious") == 403
        status, read = await world.call("GET", f"{audit}&reason=complaint%2012", token=boss)
        assert (status, [one["body"] for one in read["items"]]) == (200, ["psst"])
        seen = [
            entry.event
            for entry in world.rig.tables.journal.values()
            if isinstance(entry.event, e.ColleaguesOverseen)
        ]
        assert [(one.supervisor, one.reason, one.agents) for one in seen] == [
            ("boss", "complaint 12", (ANA, BEN))
        ]


async def test_what_a_rule_holds_waits_for_a_supervisors_verdict() -> None:
    async with api_world(*CREW, ready=True) as world:
        cards = Rule(
            name=RuleName("cards"),
            on=("colleague",),
            when=When(words=("card",)),
            then=Then(hold="a card number"),
        )
        ledger = world.rig.node.ledger
        await ledger.committed(ledger.record([e.Change(e.RuleDefined(rule=cards, by="test"))]))
        talk = Talkers(world)
        held = await talk.say(ANA, "card 4111", agent=BEN)
        assert held["held"] == "a card number"
        assert await talk.read(BEN, f"{MESSAGES}?agent=ana") == []
        assert await talk.read(ANA, f"{MESSAGES}?agent=ben") == ["card 4111"]

        boss = await world.token_for("boss", "supervisor")
        reviews = "/api/v1/colleagues/reviews"
        _, listed = await world.call("GET", reviews, token=boss)
        [found] = listed["items"]
        assert (found["from"], found["rule"], found["state"]) == ("ana", "cards", "held")
        one = f"{reviews}/{found['id']}"
        assert (await world.call("POST", one, {"verdict": "seen"}, token=boss))[0] == 409
        status, done = await world.call("POST", one, {"verdict": "released"}, token=boss)
        assert (status, done["state"], done["reviewed_by"]) == (200, "sent", "boss")
        assert (await world.call("POST", one, {"verdict": "refused"}, token=boss))[0] == 409
        assert await talk.read(BEN, f"{MESSAGES}?agent=ana") == ["card 4111"]
        _, listed = await world.call("GET", reviews, token=boss)
        assert listed["items"] == []


async def test_nobody_releases_what_they_wrote_themselves() -> None:
    leads = replace(agent("lea"), role="supervisor")
    cards = Rule(
        name=RuleName("cards"),
        on=("colleague",),
        when=When(words=("card",)),
        then=Then(hold="a card number"),
    )
    async with api_world(*CREW, leads, ready=True) as world:
        ledger = world.rig.node.ledger
        await ledger.committed(ledger.record([e.Change(e.RuleDefined(rule=cards, by="test"))]))
        await Talkers(world).say(AgentName("lea"), "card 4111", agent=BEN)
        lea = await world.token_for("lea", "supervisor")
        reviews = "/api/v1/colleagues/reviews"
        [found] = (await world.call("GET", reviews, token=lea))[1]["items"]
        one = f"{reviews}/{found['id']}"
        status, why = await world.call("POST", one, {"verdict": "released"}, token=lea)
        assert (status, why["title"]) == (403, "not_allowed")
        assert (await world.call("POST", one, {"verdict": "refused"}, token=lea))[0] == 200


async def test_of_two_verdicts_at_once_the_first_one_stands_and_the_other_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with api_world(*CREW, ready=True) as world:
        cards = Rule(
            name=RuleName("cards"),
            on=("colleague",),
            when=When(words=("card",)),
            then=Then(hold="a card number"),
        )
        ledger = world.rig.node.ledger
        await ledger.committed(ledger.record([e.Change(e.RuleDefined(rule=cards, by="test"))]))
        await Talkers(world).say(ANA, "card 4111", agent=BEN)
        bosses = [await world.token_for(name, "supervisor") for name in ("boss", "chief")]
        reviews = "/api/v1/colleagues/reviews"
        _, listed = await world.call("GET", reviews, token=bosses[0])
        one = f"{reviews}/{listed['items'][0]['id']}"
        read = MemoryColleagues.one

        async def slowly(self: MemoryColleagues, message: str) -> ColleagueMessage | None:
            found = await read(self, message)
            await asyncio.sleep(0.05)  # the other one has asked as well
            return found

        monkeypatch.setattr(MemoryColleagues, "one", slowly)
        answers = await asyncio.gather(
            *(
                world.call("POST", one, {"verdict": verdict}, token=boss)
                for verdict, boss in zip(("refused", "released"), bosses, strict=True)
            )
        )
        assert sorted(status for status, _ in answers) == [200, 409]
        events = [entry.event for entry in world.rig.tables.journal.values()]
        assert sum(isinstance(event, e.ColleagueReviewed) for event in events) == 1

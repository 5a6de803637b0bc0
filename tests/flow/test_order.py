"""Contacts of one person are decided in the order in which they came."""

import asyncio

from gateway.core.inbound import Claim, Inbound
from tests.support.builders import agent, mail
from tests.support.flownode import Rig, new_tables, running
from tests.support.memory_tables import Tables
from tests.support.virtual import run

PEOPLE = ["eva@example.org", "kim@example.org"]
KEYS = ["uid9", "uid10", "b", "a", "uid1", "A"]


def letters() -> list[Inbound]:
    """Two people in turn, under keys that sort otherwise than they came."""
    return [
        mail(
            key,
            identity=Claim(kind="email", value=who, verified=True),
            address=who,
            subject="Invoice",
            body=f"{who} {key}",
        )
        for key in KEYS
        for who in [PEOPLE[KEYS.index(key) % 2]]
    ]


def said_by(tables: Tables, who: str) -> list[str]:
    """What this person said, in the order of the case that it joined."""
    (case,) = {m.case for m in tables.messages.values() if m.body.startswith(who)}
    said = tables.said[case]
    return [tables.messages[said[seq]].body.split()[1] for seq in sorted(said)]


async def decided(rig: Rig) -> None:
    for accepted in await rig.node.intake.receive(letters()):
        await rig.node.intake.decided(accepted)


def expect(tables: Tables) -> None:
    for n, who in enumerate(PEOPLE):
        assert said_by(tables, who) == KEYS[n::2]


def test_contacts_are_decided_in_the_order_in_which_they_came() -> None:
    for seed in range(5):
        tables = new_tables()

        async def day(tables: Tables = tables, seed: int = seed) -> None:
            async with running(tables, agent("ana"), seed=seed) as rig:
                rig.store.faults.delayed, rig.store.faults.slow = 0.5, 3.0
                first = rig.node.intake.receive(letters()[:4])
                await asyncio.gather(first, rig.node.intake.receive(letters()[4:]))
                await decided(rig)

        run(day())
        expect(tables)


def test_and_also_if_the_node_died_between_their_inbox_commit_and_their_decision() -> None:
    tables = new_tables()

    async def dies() -> None:
        async with running(tables, agent("ana")) as rig:
            rig.tables.receive(rig.node.writer.term, letters(), [])

    async def again() -> None:
        async with running(tables) as rig:
            rig.store.faults.delayed, rig.store.faults.slow = 0.5, 3.0
            await decided(rig)

    run(dies())
    assert not tables.messages
    run(again())
    expect(tables)

"""A channel asks where its customers stand: the first answer of a wait is kept and measured."""

from gateway.core import events as e
from gateway.core.inbound import Claim
from gateway.core.pool import Tally
from tests.support.builders import agent, chat
from tests.support.flownode import Rig, new_tables, running, sign_in
from tests.support.virtual import run


def test_the_first_answer_of_a_wait_is_journaled_once_and_its_error_is_among_the_figures() -> None:
    async def day() -> None:
        async with running(new_tables(), agent("ana"), ready=False) as rig:
            await tell_it(rig)

    run(day())


async def tell_it(rig: Rig) -> None:
    node = rig.node
    tally = Tally(node.ledger.state)
    node.ledger.observe(tally.note)
    cases = []
    for key in ("one", "two"):
        who = Claim(kind="visitor", value=key, verified=True)
        (taken,) = await node.intake.receive([chat(key, identity=who)])
        decided = await node.intake.decided(taken)
        assert decided.case is not None
        cases.append(decided.case)
    for _ in range(3):
        told = await node.conversations.waiting(cases)
        assert [place for place, _ in told.values()] == [1, 2]
    journal = [entry.event for entry in rig.tables.journal.values()]
    assert [x.place for x in journal if isinstance(x, e.WaitTold)] == [1, 2]
    await sign_in(rig, node.ledger.state.profiles["ana"].name)  # type: ignore[index]
    await rig.caught_up()
    offers = [i.offer for i in node.ledger.state.items.values() if i.offer is not None]
    for offer in offers:
        item = next(i for i in node.ledger.state.items.values() if i.offer == offer)
        accepted = e.OfferAccepted(item=item.id, offer=offer.id, agent=offer.agent)
        node.ledger.record([e.Change(accepted)])
    tally.settle()
    (queue,) = tally.capacity(node.ledger.clock.now()).queues
    assert queue.told == len(offers) == 2
    assert node.router.errors.of(queue.name).count == 2
    assert queue.told_absolute >= abs(queue.told_error) > 0

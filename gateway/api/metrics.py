"""``/metrics`` for Prometheus: read from the node's parts when asked, in a registry of its own."""

from collections import Counter
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from gateway.api.house import House
from gateway.api.needs import Among, Lag
from gateway.core.model import ItemState
from gateway.core.outcomes import Outcomes
from gateway.core.waits import LIMITS, WaitErrors
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute

HEALTHS = ("starting", "up", "down", "parked", "paused", "standby")
QUARANTINE_SHOWN = 200


class _NodeCollector(Collector):
    """The node's numbers as metric families; names are documented in docs/operations.md."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.quarantined = 0

    def collect(self) -> Iterator[Metric]:
        yield from self._journal()
        yield from self._database()
        yield from self._work()
        yield from _outcomes(self._house.node.router.outcomes)
        yield _wait_errors(self._house.node.router.errors)
        yield from self._channels()
        if self._house.among is not None:
            yield from _among(self._house.among)
        if self._house.lag is not None:
            yield _lag(self._house.lag, self._house.lag_buckets)

    def _journal(self) -> Iterator[Metric]:
        node = self._house.node
        yield CounterMetricFamily(
            "switchroom_journal_commits", "Batches committed.", node.writer.commits
        )
        yield CounterMetricFamily(
            "switchroom_journal_entries", "Events committed.", node.writer.entries
        )
        yield GaugeMetricFamily(
            "switchroom_journal_uncommitted",
            "Events that wait for their commit.",
            node.ledger.uncommitted,
        )
        yield GaugeMetricFamily(
            "switchroom_journal_writable",
            "1 while the journal can be written.",
            int(node.ledger.writable),
        )
        yield CounterMetricFamily(
            "switchroom_retention_cases",
            "Cases whose content was removed because it had had its time.",
            self._house.retention.removed,
        )
        yield CounterMetricFamily(
            "switchroom_reconciler_repaired",
            "Items found in an impossible place and put right; an alarm.",
            node.reconciler.repaired,
        )

    def _automatic(self) -> Metric:
        mails = CounterMetricFamily(
            "switchroom_automatic_mails",
            "Mails that machines of ours wrote, or a budget kept from being written.",
            labels=["what", "channel"],
        )
        for (what, channel), number in sorted(self._house.node.outcomes.automatic.items()):
            mails.add_metric([what, channel], number)
        return mails

    def _database(self) -> Iterator[Metric]:
        if self._house.database is None:
            return
        standing = self._house.database.standing
        yield GaugeMetricFamily(
            "switchroom_database_second_copy",
            "1 while every commit waits until a second server has it.",
            int(standing.copies == "synchronous"),
        )
        yield GaugeMetricFamily(
            "switchroom_database_standbys", "Servers that follow the primary.", standing.standbys
        )
        yield GaugeMetricFamily(
            "switchroom_database_timeline",
            "Rises by one with each promotion; 0 before the first look.",
            standing.timeline,
        )

    def _work(self) -> Iterator[Metric]:
        state = self._house.node.ledger.state
        counts = Counter((item.state, item.queue) for item in state.items.values())
        items = GaugeMetricFamily("switchroom_items", "Open work items.", labels=["state", "queue"])
        queues = sorted({*state.queues, *(queue for _, queue in counts)})
        for queue in queues:
            for each in (ItemState.QUEUED, ItemState.OFFERED, ItemState.ASSIGNED):
                counts.setdefault((each, queue), 0)
        for (each, queue), number in sorted(counts.items()):
            items.add_metric([each.value, queue], number)
        yield items
        now = self._house.clock.now()
        late = Counter(i.queue for i in state.items.values() if i.due_at and i.due_at < now)
        overdue = GaugeMetricFamily(
            "switchroom_items_overdue", "Open work items whose time is over.", labels=["queue"]
        )
        for queue in queues:
            overdue.add_metric([queue], late[queue])
        yield overdue
        owed = CounterMetricFamily(
            "switchroom_owed",
            "Call-backs, promises and answers to who gave up waiting, by what became of them.",
            labels=["what", "queue"],
        )
        for (what, queue), number in sorted(self._house.node.outcomes.counts.items()):
            owed.add_metric([what, queue], number)
        yield owed
        asked = CounterMetricFamily(
            "switchroom_front_door",
            "Questions and help that the front door gave customers, and how each ended.",
            labels=["what", "queue"],
        )
        for (what, queue), number in sorted(self._house.node.outcomes.asked.items()):
            asked.add_metric([what, queue], number)
        yield asked
        yield self._automatic()
        yield GaugeMetricFamily(
            "switchroom_desktops_connected",
            "Signed-in desktops.",
            self._house.vitals.connected(),
        )
        yield GaugeMetricFamily(
            "switchroom_outbox_pending", "Deliveries not settled.", len(state.outbox)
        )
        yield GaugeMetricFamily(
            "switchroom_quarantined",
            f"Inbounds that need a person; {QUARANTINE_SHOWN} means as many or more.",
            self.quarantined,
        )

    def _channels(self) -> Iterator[Metric]:
        health = GaugeMetricFamily(
            "switchroom_channel_health",
            "1 for the state that the channel is in.",
            labels=["channel", "state"],
        )
        for name, one in sorted(self._house.channels.health().items()):
            for each in HEALTHS:
                health.add_metric([name, each], int(one.state == each))
        yield health
        counts = GaugeMetricFamily(
            "switchroom_channel_count",
            "What a channel's source holds and what of it is stored.",
            labels=["channel", "what"],
        )
        success = GaugeMetricFamily(
            "switchroom_channel_last_success_seconds",
            "When all that a channel's source held was stored, in seconds since 1970.",
            labels=["channel"],
        )
        for card in self._house.channels.cards():
            for what, number in card.counts.items():
                counts.add_metric([card.name, what], number)
            if card.last_success is not None:
                success.add_metric([card.name], card.last_success.timestamp())
        yield counts
        yield success
        trouble = int(bool(self._house.vitals.trouble()))
        yield GaugeMetricFamily("switchroom_ready", "1 while work can be taken.", 1 - trouble)


def _among(among: Among) -> Iterator[Metric]:
    held = GaugeMetricFamily(
        "switchroom_duty_held",
        "1 where this node does what only one node may do at a time.",
        labels=["duty"],
    )
    for duty in among.duty_states():
        if duty.label:
            held.add_metric([duty.label], int(duty.here))
    yield held
    tallies = among.tallies()
    for name, meaning in (
        ("switchroom_duties_taken", "Duties that this node has taken."),
        ("switchroom_takeovers", "Nodes that this one has taken over."),
        ("switchroom_takeovers_resumed", "Takeovers that stopped half way and went on here."),
        ("switchroom_adopted_rows", "Rows of other nodes that became this one's."),
        ("switchroom_overflow_asked", "Questions to other nodes for a free agent."),
        ("switchroom_overflow_granted", "Agents kept free here for items of other nodes."),
        ("switchroom_overflow_moved", "Items that went where somebody was free."),
        ("switchroom_overflow_sought", "Items that went to the one whom they were for."),
        ("switchroom_handed_over_rows", "Rows that went to a node that lives."),
        ("switchroom_taken_in_rows", "Rows that came from a node that lives."),
        ("switchroom_handovers_returned", "Rows that stayed: the other node was gone."),
        ("switchroom_evacuations", "How often this node was evacuated."),
        ("switchroom_releases", "Agents let go of whose desktop could not reach this node."),
        ("switchroom_questions_asked", "Questions to other nodes."),
        ("switchroom_questions_answered", "Questions of other nodes that were answered."),
        ("switchroom_search_pages", "Messages made findable by this node."),
        ("switchroom_errands", "REST requests that were done at the node that decides."),
        ("switchroom_commands_done_elsewhere", "Agents' commands done where they belong."),
        ("switchroom_commands_brought_here", "Commands whose subject came here first."),
        ("switchroom_agents_followed_work", "Agents who went where their work is bound."),
        ("switchroom_rejoins", "How often this node forgot everything and began anew."),
    ):
        yield CounterMetricFamily(name, meaning, tallies[name])


def _outcomes(outcomes: Outcomes) -> Iterator[Metric]:
    taken = CounterMetricFamily(
        "switchroom_items_taken",
        "Items that agents took themselves, where their queue allows it.",
        labels=["queue"],
    )
    passed = CounterMetricFamily(
        "switchroom_offers_passed", "Offers that agents let go by.", labels=["queue", "how"]
    )
    for (queue, outcome), number in sorted(outcomes.counts.items()):
        if outcome == "taken":
            taken.add_metric([queue], number)
        else:
            passed.add_metric([queue, outcome], number)
    yield taken
    yield passed


def _wait_errors(errors: WaitErrors) -> Metric:
    family = HistogramMetricFamily(
        "switchroom_wait_told_error_seconds",
        "By how much served customers waited later or sooner than they were told.",
        labels=["queue", "served"],
    )
    for queue, known in sorted(errors.queues.items()):
        later = (known.absolute + known.total) / 2
        for served, counts, total in (
            ("later", known.later, later),
            ("sooner", known.sooner, known.absolute - later),
        ):
            family.add_metric([queue, served], _buckets(LIMITS, counts), sum_value=total)
    return family


def _buckets(limits: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    total, buckets = 0, []
    for limit, number in zip(limits, counts, strict=True):
        total += number
        buckets.append(("+Inf" if limit == float("inf") else str(limit), float(total)))
    return buckets


def _lag(lag: Lag, limits: tuple[float, ...]) -> Metric:
    family = HistogramMetricFamily(
        "switchroom_loop_lag_seconds", "By how much the event loop was late."
    )
    family.add_metric([], _buckets(limits, lag.counts), sum_value=lag.total)
    return family


class Metrics:
    """One registry for each node object: nothing global, so tests can have many."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._collector = _NodeCollector(house)
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self._collector)

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="GET",
                path="/metrics",
                handle=self._metrics,
                summary="Numbers for Prometheus",
                access="public",
                produces="text/plain",
                tag="health",
            )
        ]

    async def _metrics(self, _request: HttpRequest) -> HttpAnswer:
        if self._house.node.ledger.writable:
            found = await self._house.listing.quarantined("", QUARANTINE_SHOWN)
            self._collector.quarantined = len(found.items)
        return HttpAnswer(body=generate_latest(self._registry), type=CONTENT_TYPE_LATEST)

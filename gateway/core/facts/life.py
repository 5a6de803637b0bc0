"""What is known of the cases that belong together, and of their items; see ``lives``."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from gateway.core.facts.matters import Matter, Phase, Work, cell_of, finished
from gateway.core.facts.values import CaseFacts, Cell, ItemFact, Moment, Segment, Told, seconds
from gateway.core.ids import CaseId, ItemId

AGAIN_DAYS = 7
"""A matter counts as solved at the first contact if nothing more comes within so many days."""
_AGAIN = timedelta(days=AGAIN_DAYS)


class Life:
    """Cases that belong together, and their items, as of the entries read so far."""

    def __init__(self) -> None:
        self.cases: dict[CaseId, Matter] = {}
        self.works: dict[ItemId, Work] = {}
        self.stages: list[Segment] = []
        self.contacts: list[datetime] = []
        self.called: set[ItemId] = set()
        self.solves: list[Moment] = []
        self.ratings: dict[tuple[CaseId, ItemId | None], Moment] = {}

    # -- what acts need ---------------------------------------------------------------------

    def matter(self, work: Work) -> Matter | None:
        return self.cases.get(work.case)

    def cell(self, work: Work, *, agent: str = "", queue: str = "") -> Cell:
        return cell_of(work, self.matter(work), agent=agent, queue=queue)

    def work(self, told: Told, item: ItemId | None) -> Work | None:
        """The item, at the node that said this. An item's own time never goes back."""
        work = self.works.get(item) if item is not None else None
        if work is not None:
            work.node = told.node
            work.latest = max(work.latest, told.at)
        return work

    def count(self, work: Work, cell: Cell, **sums: float) -> None:
        work.moments.append(Moment(at=work.latest, cell=cell, sums=sums, item=work.id))

    def begin(self, work: Work, phase: Phase, agent: str = "") -> None:
        work.phase, work.since, work.agent = phase, work.latest, agent

    def end(self, work: Work, outcome: str, *, by: str = "") -> float:
        """The phase that it was in is over; how long it lasted. ``by``: whose it is counted."""
        if not work.phase or work.since is None:
            return 0.0
        segment = Segment(
            what=work.phase,
            began=work.since,
            ended=work.latest,
            cell=self.cell(work, agent=by or work.agent),
            outcome=outcome,
            item=work.id,
        )
        work.segments.append(segment)
        work.phase, work.since, work.agent = "", None, ""
        return seconds(segment.began, work.latest)

    def leave(self, work: Work, outcome: str) -> None:
        """It is in no queue and nobody's hands any more."""
        if work.phase == "waiting":
            waited = self.end(work, outcome)
            self.count(work, self.cell(work), flowed_out=1, wait=waited)
        else:
            self.end(work, outcome)

    def handled(self, work: Work) -> None:
        """Who had it last has done their part."""
        if work.holder:
            self.count(work, self.cell(work, agent=work.holder), handled=1)
            work.holder = ""

    def taken(self, work: Work, agent: str, *, picked: bool = False) -> None:
        """Somebody has it from now on."""
        if work.holder and work.holder != agent:
            self.handled(work)
        if work.phase == "waiting":
            waited = self.end(work, "answered", by=agent)
            cell = self.cell(work, agent=agent)
            more = {"picked": 1.0} if picked else {}
            self.count(work, cell, answered=1, wait=waited, **more)
            work.answered_at = work.answered_at or work.latest
        else:
            self.end(work, "assigned")
        work.holder = agent
        self.begin(work, "talk", agent)

    # -- the result -------------------------------------------------------------------------

    def facts(self) -> CaseFacts:
        items: list[ItemFact] = []
        moments = [*map(self._solved, self.solves), *self.ratings.values()]
        segments = list(self.stages)
        for work in self.works.values():
            if work.phase and work.since is not None:
                still = Segment(
                    what=work.phase,
                    began=work.since,
                    ended=None,
                    cell=self.cell(work, agent=work.agent),
                    item=work.id,
                )
                work.segments.append(still)
            moments += self._counted(work)
            segments += work.segments
            items.append(self._item(work))
        for matter in self.cases.values():
            if matter.stage and matter.staged_at is not None:
                segments.append(self.stage(matter, None))
        return CaseFacts(
            items=items,
            moments=[replace(one, cell=self._done(one.item, one.cell)) for one in moments],
            segments=[replace(one, cell=self._done(one.item, one.cell)) for one in segments],
        )

    def _done(self, item: ItemId | None, cell: Cell) -> Cell:
        work = self.works.get(item) if item is not None else None
        return cell if work is None else finished(work, self.matter(work), cell)

    def _counted(self, work: Work) -> list[Moment]:
        """Of who stopped waiting because somebody will call, the end of the wait says so."""
        moments = work.moments
        out = [n for n, one in enumerate(moments) if "flowed_out" in one.sums]
        if work.id not in self.called or not out:
            return moments
        left = moments[out[-1]]
        chosen = replace(left, sums={**left.sums, "callbacks_chosen": 1})
        return [*moments[: out[-1]], chosen, *moments[out[-1] + 1 :]]

    def _solved(self, solve: Moment) -> Moment:
        """At the first contact, if nothing more came for a while."""
        again = any(solve.at < at <= solve.at + _AGAIN for at in self.contacts)
        if not solve.sums.get("solved_first") or not again:
            return solve
        sums = {name: value for name, value in solve.sums.items() if name != "solved_first"}
        return replace(solve, sums=sums)

    def _item(self, work: Work) -> ItemFact:
        spent = {"talk": 0.0, "wrap": 0.0}
        for one in work.segments:
            if one.what in spent and one.ended is not None:
                spent[one.what] += seconds(one.began, one.ended)
        last = last_agent(work)
        return ItemFact(
            item=work.id,
            case=work.case,
            number=work.number,
            cell=self._done(work.id, self.cell(work, agent=last)),
            created_at=work.created_at,
            answered_at=work.answered_at,
            replied_at=work.replied_at,
            ended_at=work.ended_at,
            outcome=work.outcome,
            **spent,
        )

    def stage(self, matter: Matter, ended: datetime | None, outcome: str = "") -> Segment:
        """How long the case was in the stage that it is in."""
        return Segment(
            what="stage",
            began=matter.staged_at or matter.opened_at,
            ended=ended,
            cell=self.about(matter, stage=matter.stage),
            outcome=outcome,
            item=matter.last_item,
        )

    def about(self, matter: Matter, *, stage: str = "", agent: str = "") -> Cell:
        """What something about a case is read by; its last item says in which queue it was."""
        work = self.works.get(matter.last_item) if matter.last_item is not None else None
        return Cell(
            queue=work.queue if work else "",
            channel=matter.channel,
            medium=matter.medium,
            agent=agent,
            node=work.node if work else "",
            type=matter.type,
            level=matter.level,
            language=work.language if work else "",
            segment=work.segment if work else "",
            stage=stage,
            category=matter.category,
        )


def last_agent(work: Work) -> str:
    """Who had it in hand last."""
    return next((one.cell.agent for one in reversed(work.segments) if one.cell.agent), "")

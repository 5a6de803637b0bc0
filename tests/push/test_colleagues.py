"""Who is told of what colleagues say."""

from typing import Any

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.colleagues import ColleagueMessage, reviewed
from gateway.core.ids import AgentName, MessageId
from gateway.core.model import AgentProfile
from push.protocol import PeerFrame, PeerReadFrame, ResumeFrom
from tests.push.test_hub import Place, Tab

ANA, BEN = AgentName("ana"), AgentName("ben")


def message(place: Place, **more: Any) -> ColleagueMessage:
    if "group" not in more:
        more.setdefault("agent", BEN)
    id_ = MessageId(place.new_id())
    return ColleagueMessage(id=id_, by=ANA, at=place.clock.now(), body="psst", **more)


def wrote(said: ColleagueMessage) -> e.ColleagueWrote:
    return e.ColleagueWrote(message=said.id, by=said.by, agent=said.agent, group=said.group)


def heard(tab: Tab) -> list[PeerFrame]:
    return [frame for frame in tab.frames if isinstance(frame, PeerFrame)]


def test_both_are_told_in_every_tab_once_it_is_on_disk() -> None:
    place = Place()
    tabs = [place.come(Tab(name)) for name in ("ana", "ana", "ben")]
    said = message(place)
    place.happen(wrote(said), said)
    assert not any(map(heard, tabs))
    place.commit()
    assert [[frame.id for frame in heard(tab)] for tab in tabs] == [[said.id]] * 3
    [frame] = heard(tabs[2])
    assert (frame.by, frame.agent, frame.body, frame.seq > 0) == (ANA, BEN, "psst", True)


def test_what_is_held_only_its_writer_sees_and_who_is_told_when_it_is_released() -> None:
    place = Place()
    ana, ben = place.come(Tab("ana")), place.come(Tab("ben"))
    held = message(place, state="held", reason="a card", open=True)
    place.happen(wrote(held), held)
    place.commit()
    assert (heard(ana)[0].held, heard(ben)) == ("a card", [])

    after = reviewed(held, "released", AgentName("sue"), place.clock.now())
    event = e.ColleagueReviewed(
        message=held.id, supervisor=AgentName("sue"), verdict="released", by=ANA, agent=BEN
    )
    place.happen(event, after)
    place.commit()
    assert [frame.id for frame in heard(ben)] == [held.id]
    assert not heard(ana)[1].held

    place.happen(replace(event, verdict="seen"), after)
    place.commit()
    assert len(heard(ben)) == 1


def test_a_group_is_told_as_it_is_at_that_moment() -> None:
    place = Place()
    ana, ben = place.come(Tab("ana")), place.come(Tab("ben"))
    said = message(place, group="team")
    for profile in (
        AgentProfile(name=BEN, groups=("team",)),
        AgentProfile(name=BEN, groups=("others",)),
    ):
        place.happen(e.AgentDefined(profile=profile, by="test"))
        place.happen(wrote(said), said)
        place.commit()
    assert len(heard(ben)) == 1
    assert len(heard(ana)) == 2


def test_a_mark_is_shown_in_the_other_tabs_of_its_reader() -> None:
    place = Place()
    ana, ben = place.come(Tab("ana")), place.come(Tab("ben"))
    said = message(place)
    place.happen(e.ColleagueMarked(message=said.id, reader=BEN, agent=ANA))
    place.commit()
    [mark] = [frame for frame in ben.frames if isinstance(frame, PeerReadFrame)]
    assert (mark.agent, mark.message) == (ANA, said.id)
    assert not any(isinstance(frame, PeerReadFrame) for frame in ana.frames)


def test_what_was_said_elsewhere_is_replayed_like_everything_else() -> None:
    place = Place()
    first = place.come(Tab("ben"))
    said = message(place)
    assert place.hub.concerns(wrote(said))
    place.go(first)
    place.hub.tell_of(said)
    assert heard(first) == []
    assert first.welcomed is not None
    epoch, seq = first.welcomed
    again = place.come(Tab("ben", resume=ResumeFrom(epoch, seq)))
    assert [frame.id for frame in heard(again)] == [said.id]


def test_nobody_here_is_concerned_by_what_others_say() -> None:
    place = Place()
    assert not place.hub.concerns(wrote(message(place)))
    place.come(Tab("ben"))
    other = message(place, agent=AgentName("zoe"))
    assert not place.hub.concerns(wrote(other))


def test_whoever_cannot_be_told_comes_again_and_asks() -> None:
    place = Place()
    ben = place.come(Tab("ben"))
    place.hub.lose_track(wrote(message(place)))
    assert ben.lost is not None

"""What the failover benchmark makes of the logs."""

import math
from typing import Any

from bench.failover import PARTS, _figures, _last_back
from bench.load.town.audit import Logs

STRUCK = 100.0


def logs(**clerk: list[list[Any]]) -> Logs:
    one = {"offers": [], "outages": [], **clerk}
    return Logs(
        clerks=[one],
        visitors={"outages": [[101.0, 103.5, 1, "ws://east"]]},
        errands={
            "acked": [
                [90.0, 99.0, "k1", "i1"],
                [99.9, 100.0, "k2", "i2"],
                [100.2, 104.2, "k3", "i3"],
            ]
        },
        letters={},
    )


def test_the_last_orphan_counts_and_only_where_the_other_node_offers_it() -> None:
    day = logs(
        offers=[
            [99.0, "i1", "ana", "", "east"],  # before
            [100.5, "i1", "ana", "", "east"],  # was on its way
            [106.0, "i1", "bob", "", "west"],
            [107.0, "i1", "bob", "", "west"],  # again
            [107.5, "i2", "bob", "", "west"],
            [109.0, "new", "bob", "", "west"],
        ]
    )
    figures = _figures(PARTS["node-killed"], day, {"i1", "i2"}, STRUCK)
    assert figures["node_s"] == 7.5
    assert figures["node_orphans"] == 2
    assert figures["node_orphans_not_offered"] == 0


def test_an_orphan_that_nobody_was_offered_is_counted() -> None:
    figures = _figures(PARTS["node-killed"], logs(), {"i1"}, STRUCK)
    assert math.isnan(figures["node_s"])
    assert figures["node_orphans_not_offered"] == 1


def test_desktops_are_back_when_the_last_one_is_and_later_drops_are_another_matter() -> None:
    day = logs(
        outages=[
            [100.1, 101.0, "ana", "east"],
            [100.1, 106.5, "bob", "east"],
            [190.0, None, "eve", "west"],
        ]
    )
    figures = _figures(PARTS["node-killed"], day, set(), STRUCK)
    assert figures["desktops_back_s"] == 6.5
    assert figures["node_desktops_lost"] == 2
    assert figures["node_chats_back_s"] == 3.5


def test_of_a_database_the_first_acknowledgement_after_the_blow_counts() -> None:
    figures = _figures(PARTS["primary-killed"], logs(), set(), STRUCK)
    assert round(figures["database_s"], 3) == 4.2


def test_who_never_comes_back_makes_no_figure() -> None:
    assert math.isnan(_last_back([[100.0, None, "ana", "east"]], STRUCK))
    assert _last_back([], STRUCK) == 0.0

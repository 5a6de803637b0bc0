"""Short tasks of one component: what fails is logged, what the end cuts short is said once."""

from structlog.testing import capture_logs

from gateway.core.errors import Refused
from gateway.flow.tasks import Tasks


async def refused(why: str) -> None:
    raise Refused("unavailable", why)


async def fails() -> None:
    raise ValueError("a fault of ours")


async def test_of_many_tasks_that_the_end_cuts_short_one_line_says_so() -> None:
    with capture_logs() as logs:
        async with Tasks("outbox") as tasks:
            for n in range(5):
                tasks.spawn(refused("this node begins anew"), f"#{n}")
            tasks.spawn(refused("the database is away"), "#5")
    assert [(log["event"], log["log_level"], log["reason"]) for log in logs] == [
        ("cut short", "warning", "this node begins anew"),
        ("cut short", "warning", "the database is away"),
    ]
    assert not any("exc_info" in log for log in logs)


async def test_a_fault_is_logged_with_its_trace_and_harms_nobody_else() -> None:
    done = []

    async def works() -> None:
        done.append(True)

    with capture_logs() as logs:
        async with Tasks("outbox") as tasks:
            tasks.spawn(fails(), "bad")
            tasks.spawn(works(), "good")
    assert done == [True]
    [log] = logs
    assert (log["event"], log["task"], log["exc_info"]) == ("task failed", "bad", True)

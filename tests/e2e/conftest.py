"""One browser for all journeys; each person gets a context of their own."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from tests.e2e.house import House
from tests.support.browser import PATIENCE_MS, browser
from tests.support.dovecot import Dovecot
from tests.support.smtp_sink import SmtpSink

FAILURES = Path(__file__).parents[2] / "var" / "e2e"
_failed = pytest.StashKey[bool]()

NewPage = Callable[[], Awaitable[Page]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if call.when == "call":
        item.stash[_failed] = call.excinfo is not None
    return report


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chrome() -> AsyncIterator[Browser]:
    async with browser() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def new_page(chrome: Browser, request: pytest.FixtureRequest) -> AsyncIterator[NewPage]:
    """Somebody else's browser at each call; pictures of all of them are kept when a test fails."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    async def make() -> Page:
        context = await chrome.new_context(
            viewport={"width": 1440, "height": 900}, locale="en-GB", reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        return page

    yield make
    pages = [page for context in contexts for page in context.pages]
    if request.node.stash.get(_failed, False):
        FAILURES.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"\W+", "-", request.node.name)[:80]
        for index, page in enumerate(pages):
            await page.screenshot(path=FAILURES / f"{name}-{index}.png")
    for context in contexts:
        await context.close()
    assert troubles == [], "a page threw"


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """One server for all journeys."""
    with Dovecot.running() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sink() -> AsyncIterator[SmtpSink]:
    async with SmtpSink() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(
    tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot, sink: SmtpSink
) -> AsyncIterator[House]:
    """A node of this module's own, reading an empty mailbox of Dovecot's."""
    dovecot.next_user()
    imap = {"port": dovecot.port, "user": dovecot.user, "password": dovecot.password}
    broken = {
        "kind": "email",
        "name": "sales",
        "address": "sales@firm.example",
        "imap": {
            **imap,
            "host": "127.0.0.1",
            "security": "none",
            "user": "sales",  # a mailbox is one channel's duty
            "password": "not this one",
        },
        "smtp": {"host": "127.0.0.1", "port": sink.port, "security": "none"},
    }
    one = House(tmp_path_factory.mktemp("house"), imap, {"port": sink.port}, more_channels=[broken])
    try:
        await one.start()
        yield one
    finally:
        await one.stop()

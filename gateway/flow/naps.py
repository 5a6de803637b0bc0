"""Waiting for news, but not for ever: what every loop that also looks by itself does."""

import asyncio


async def news_within(news: asyncio.Event, seconds: float | None) -> bool:
    """Return when ``news`` is set, or after so many seconds; false: only the time was over.

    Either way the event is set: whoever waits clears it before it looks. An idle node does this
    many times a second, and a timer costs a fraction of ``asyncio.timeout``, which cancels the task
    and catches that.
    """
    if seconds is None or news.is_set():
        return await news.wait()
    over = False

    def end() -> None:
        nonlocal over
        over = not news.is_set()
        news.set()

    alarm = asyncio.get_running_loop().call_later(seconds, end)
    try:
        await news.wait()
    finally:
        alarm.cancel()
    return not over

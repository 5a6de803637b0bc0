"""A moment on a page, kept in every look: light and dark, wide and narrow."""

from pathlib import Path
from typing import Literal

from msgspec import Struct
from playwright.async_api import Browser, Page

SIZES = {"wide": (1440, 900), "narrow": (375, 812)}
THEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
LOOKS = [(theme, size) for size in SIZES for theme in THEMES]


class Scene(Struct):
    """A moment on one page: shown in every look, kept under its name."""

    page: Page
    out: Path
    written: list[Path]

    async def keep(self, name: str, *, full: bool = False) -> None:
        for theme, size in LOOKS:
            width, height = SIZES[size]
            await self.page.set_viewport_size({"width": width, "height": height})
            await self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            await self.page.evaluate("document.fonts.ready")
            path = self.out / f"{name}-{theme}-{size}.png"
            await self.page.screenshot(path=path, animations="disabled", full_page=full)
            self.written.append(path)
        await self.page.set_viewport_size({"width": 1440, "height": 900})


async def new_page(chrome: Browser, *, scale: float = 1) -> Page:
    context = await chrome.new_context(
        viewport={"width": 1440, "height": 900}, locale="en-GB", device_scale_factor=scale
    )
    context.set_default_timeout(15_000)
    return await context.new_page()

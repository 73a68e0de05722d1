"""A window of a real browser in which somebody of the demo has the page open, and what it complains of."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:  # it is only there where a browser is, and every test is skipped elsewhere
    from playwright.async_api import Browser, ConsoleMessage, Locator, Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")  # as in dev.py
QUIET = (
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 20_000  # ms, on a machine that has much to do; a test that waits longer has failed
UNREACHABLE = "net::ERR_"  # what a browser itself says of a server that was killed


@asynccontextmanager
async def chromium() -> "AsyncIterator[Browser]":
    """The system's, started; skips loudly where there is none, or no playwright to drive it."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None or find_spec("playwright") is None:
        pytest.skip("NO CHROMIUM, or no playwright to drive it: the page stays untried")
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(QUIET))
        try:
            yield browser
        finally:
            await browser.close()


class Window:
    """`page` is the browser's. Everything that the console calls an error is kept in `errors`."""

    def __init__(self, page: "Page", url: str) -> None:
        self.page = page
        self.errors: list[str] = []
        self.url = url
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    async def shut(self) -> str:
        """Leave the page, as when its tab is closed; `back` comes again to what was open."""
        url: str = self.page.url
        await self.page.goto("about:blank")
        return url

    async def back(self, url: str) -> None:
        await self.page.goto(url)
        await self.is_live()

    async def be(self, name: str) -> None:
        """The person of the demo with this name before the @, live."""
        await self.page.goto(f"{self.url}/#as={quote(name)}@demo.test")
        await self.is_live()

    async def is_live(self) -> None:
        """Returns when the list is there and nothing is to be said of the connection."""
        await expect(self.page.locator(".row").first).to_be_visible()
        await expect(self.page.locator("#status")).to_be_hidden()

    async def comes_back(self) -> None:
        """The server is there again. Waiting times are long by then, so the network is said to be up, as by a phone."""
        await self.page.evaluate("dispatchEvent(new Event('online'))")
        await self.is_live()

    async def open(self, other: str) -> None:
        """The conversation with this person, loaded."""
        await self.page.locator(".list-pane .row", has_text=other).click()
        await expect(self.page.locator(".chat-pane .bar-title")).to_contain_text(other)
        await expect(self.page.locator(".room .thread .hint")).not_to_have_text("Loading…")

    async def write(self, *texts: str) -> None:
        """Into what is open; each is a message."""
        area = self.page.locator(".composer textarea")
        for text in texts:
            await area.fill(text)
            await area.press("Enter")

    def message(self, text: str) -> "Locator":
        return self.page.locator(".message", has=self.page.get_by_text(text, exact=True))

    def tick(self, text: str) -> "Locator":
        """What stands beside a message of one's own: its label is Sent, Delivered, Read …"""
        return self.message(text).locator(".tick")

    async def texts(self) -> list[str]:
        """Everything that was said in what is open, from top to bottom."""
        texts: list[str] = await self.page.locator(".message .text").all_inner_texts()
        return texts

    def _note(self, message: "ConsoleMessage") -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")


def expect(locator: "Locator") -> Any:
    """What must be so soon."""
    from playwright.async_api import expect

    expect.set_options(timeout=PATIENCE)
    return expect(locator)


def but_unreachable(errors: list[str]) -> list[str]:
    """Without what a browser says by itself while a server is away."""
    return [error for error in errors if UNREACHABLE not in error]

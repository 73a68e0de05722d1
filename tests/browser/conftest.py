"""Real Chromium against a real `coachwire dev` with its demo people: a browser a module, a window a person."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from ..instances import Instance, instances
from .window import Window, but_unreachable, chromium

if TYPE_CHECKING:
    from playwright.async_api import Browser

OpenWindow = Callable[..., Awaitable[Window]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of a module run in the loop of its browser."""
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> "AsyncIterator[Browser]":
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def server(browser: "Browser", database_url: str) -> AsyncIterator[Instance]:
    """Of the test's own, so that it may be killed."""
    async with instances(1, database_url, command="dev") as (server,):
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def window(browser: "Browser", server: Instance) -> AsyncIterator[OpenWindow]:
    """Opens the page as somebody. In the end no window may have had an error on its console."""
    windows: list[Window] = []
    async with AsyncExitStack() as stack:

        async def open_window(name: str, **options: Any) -> Window:
            context = await browser.new_context(**({"locale": "en-GB"} | options))
            stack.push_async_callback(context.close)
            window = Window(await context.new_page(), server.url)
            windows.append(window)
            await window.be(name)
            return window

        yield open_window
        errors = [error for window in windows for error in window.errors]
    assert (but_unreachable(errors) if server.restarts else errors) == []

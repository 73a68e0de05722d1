"""How a benchmark ends for the shell that started it."""

import asyncio
from collections.abc import Coroutine
from typing import Any


def outcome(work: Coroutine[Any, Any, int | None]) -> int | str | None:
    """Carries it out; the result is for `sys.exit`: its own, the sentence of what went wrong, or 130 after ctrl-C."""
    try:
        return asyncio.run(work)
    except RuntimeError as error:
        return f"bench: {error}"
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130

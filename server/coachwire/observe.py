"""Logs: one JSON object a line on standard output. Events with fields; never a body, a token, a signed link or an
error's text, which quotes them."""

import logging
import traceback

import orjson
import structlog
from structlog.typing import EventDict

log = structlog.get_logger()


def configure(level: int = logging.INFO, **always: object) -> None:
    """`always` stands in every line."""

    def add(_: object, __: str, event: EventDict) -> EventDict:
        return {**event, **always}

    structlog.configure(
        processors=[
            add,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Libraries()], level=logging.WARNING, force=True)


def place(error: BaseException) -> str | None:
    """Where in our own code it came from: the module and line nearest to where it was raised."""
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = frame.f_globals.get("__name__", "")
        if module.startswith("coachwire"):
            found = f"{module}:{line}"
    return found


class _Libraries(logging.Handler):
    """What libraries log: only who, where and which error. Their texts quote what was received."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        log.log(
            min(record.levelno, logging.ERROR),
            "library",
            library=record.name,
            where=f"{record.module}:{record.lineno}",
            error=None if error is None else type(error).__name__,
            place=None if error is None else place(error),
        )

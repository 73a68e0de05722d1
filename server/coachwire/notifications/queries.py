"""The statements of the outbox: for the workers that post, and for the operator."""

from datetime import datetime
from typing import NamedTuple

from coachwire.database import Query
from coachwire.notifications.contents import Due


class Settled(NamedTuple):
    id: int


class Number(NamedTuple):
    rows: int


class Count(NamedTuple):
    """So many rows of one kind, for one kind of receiver, in one state, for one reason."""

    receiver: str
    kind: str
    state: str
    problem: str
    rows: int
    oldest: datetime
    newest: datetime


CLAIM = Query("outbox/claim", Due)
SETTLE = Query("outbox/settle", Settled)
HASTEN = Query("outbox/hasten", tuple)
FORGET = Query("outbox/forget", tuple)
SWEEP = Query("outbox/sweep", Number)
COUNTS = Query("outbox/counts", Count)
REPLAY = Query("outbox/replay", Number)

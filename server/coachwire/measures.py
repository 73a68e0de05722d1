"""What is measured, by the names that Prometheus shows. Labels come from closed sets: never an id, never a text.

Counted where it happens, once a batch rather than once a message, with children that were bound beforehand. What the
parts count for themselves (`Counts` of the bus, the hub) is carried over by `sampling`. docs/operations.md says what
each means and when to ring."""

from collections.abc import Mapping
from functools import cache

from coachwire_protocol.close import CloseCode
from coachwire_protocol.errors import ERRORS
from prometheus_client import Counter, Gauge, Histogram

QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)  # s
SLOW = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # s
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

CONNECTIONS = Gauge(
    "coachwire_connections", "Sockets that said hello and are open.", multiprocess_mode="livesum"
)
OPEN_TOPICS = Gauge(
    "coachwire_open_topics", "Topics open on the sockets of this instance.", multiprocess_mode="livesum"
)
WELCOMES = Counter(
    "coachwire_welcomes", "Hellos answered: fresh, resumed, or reset for that reason.", ["outcome"]
)
CLOSES = Counter("coachwire_closes", "Sockets that ended: by our close code, or by the peer.", ["code"])
REFUSED_UPGRADES = Counter(
    "coachwire_refused_upgrades", "Sockets refused with 503: draining, a late loop, too many at once."
)
REFUSALS = Counter(
    "coachwire_refusals", "Requests answered with an error, by door and code.", ["door", "code"]
)

OUTCOMES = Counter(
    "coachwire_operations", "Calls of an operation, by outcome: ok or an error's code.", ["operation", "code"]
)
OPERATION_SECONDS = Histogram(
    "coachwire_operation_seconds",
    "Time of one run of an operation: a batch, from its first statement to its last answer.",
    ["operation"],
    buckets=QUICK,
)
OPERATION_CALLS = Histogram(
    "coachwire_operation_calls", "Calls that shared a run of an operation.", ["operation"], buckets=SIZES
)
POOL_WAIT = Histogram("coachwire_pool_wait_seconds", "Wait for a connection to the database.", buckets=QUICK)

DELIVERIES = Counter("coachwire_deliveries", "Events and skipped ranges handed to a socket of this instance.")
GAPS = Counter(
    "coachwire_gaps", "Gaps in a stream that were read from the database, by outcome.", ["outcome"]
)
HEADS_COMPARED = Counter("coachwire_heads_compared", "Heads of streams compared with the database.")
EVENTS_UNREADABLE = Counter(
    "coachwire_events_unreadable", "Events that could not be shown: who is to get them begins anew."
)
RESETS = Counter("coachwire_resets", "Streams whose sockets were closed to begin anew.", ["reason"])

BUS_MESSAGES = Counter("coachwire_bus_messages", "Hints: published, dropped unsent, received.", ["outcome"])
BUS_RECONNECTS = Counter("coachwire_bus_reconnects", "Times the bus found Redis again.")
CANARY_AGE = Gauge(
    "coachwire_canary_age_seconds",
    "Since the newest canary that came back over the bus was published.",
    multiprocess_mode="livemax",
)
QUEUE_BYTES = Gauge(
    "coachwire_queue_bytes", "Bytes that wait for sockets to take them.", multiprocess_mode="livesum"
)
LOOP_LAG = Histogram(
    "coachwire_loop_lag_seconds", "How late the loop was, looked at each second.", buckets=QUICK
)

UPLOADS = Counter(
    "coachwire_uploads", "Files processed, by outcome: ready or why they were refused.", ["outcome"]
)
UPLOADS_FORGOTTEN = Counter("coachwire_uploads_forgotten", "Uploads that nobody sent in time.")
BLOBS_DELETED = Counter(
    "coachwire_blobs_deleted", "Objects deleted because nothing referred to them any more."
)

PENDING_ROWS = Gauge(
    "coachwire_pending_rows", "Changes by the platform not told yet.", multiprocess_mode="livemostrecent"
)
PENDING_AGE = Gauge(
    "coachwire_pending_age_seconds",
    "Age of the oldest change by the platform that is not told and not set aside.",
    multiprocess_mode="livemostrecent",
)
PENDING_SET_ASIDE = Gauge(
    "coachwire_pending_set_aside_rows",
    "Changes by the platform that could not be told and wait for another attempt.",
    multiprocess_mode="livemostrecent",
)
SEARCH_PENDING = Gauge(
    "coachwire_search_pending_rows",
    "Changes of messages that the search index does not know yet.",
    multiprocess_mode="livemostrecent",
)
JOBS_RUNNING = Gauge(
    "coachwire_jobs_running_rows", "Jobs that are under way.", multiprocess_mode="livemostrecent"
)
JOBS_PUT_OFF = Gauge(
    "coachwire_jobs_put_off_rows",
    "Jobs under way whose last attempts came to nothing, and that wait for another one.",
    multiprocess_mode="livemostrecent",
)
JOBS_PUT_OFF_AGE = Gauge(
    "coachwire_jobs_put_off_age_seconds",
    "For how long the longest-standing of them has not moved.",
    multiprocess_mode="livemostrecent",
)
JOB_ATTEMPTS = Counter(
    "coachwire_job_attempts_in_vain",
    "Steps of jobs that could not be taken: rows were held or a service was away, or they failed.",
    ["kind", "reason"],
)
PARTITIONS_AHEAD = Gauge(
    "coachwire_partitions_ahead_seconds",
    "How long from now there are partitions for events.",
    multiprocess_mode="livemin",
)

NOTIFICATIONS = Counter(
    "coachwire_notifications",
    "Rows of the outbox by receiver (webhook, browser) and outcome: sent, failed (and tried again), dead, dropped.",
    ["receiver", "outcome"],
)
NOTIFICATION_SECONDS = Histogram(
    "coachwire_notification_seconds", "From a post to its answer, by receiver.", ["receiver"], buckets=SLOW
)
OUTBOX_AGE = Gauge(
    "coachwire_outbox_age_seconds",
    "For how long the notification that is to be posted next has been due.",
    multiprocess_mode="livemostrecent",
)
OUTBOX_DUE = Gauge(
    "coachwire_outbox_due_rows",
    "Notifications that are due and not posted; counted up to 10,000 for each kind of receiver.",
    multiprocess_mode="livemostrecent",
)
OUTBOX_DEAD = Gauge(
    "coachwire_outbox_dead_rows",
    "Notifications that were given up; counted up to 10,000.",
    multiprocess_mode="livemostrecent",
)

JOBS_HELD, JOBS_FAILED = (
    {kind: JOB_ATTEMPTS.labels(kind, reason) for kind in ("erasure", "export", "retention")}
    for reason in ("held", "failed")
)
CLOSED_BY = {int(code): CLOSES.labels(str(int(code))) for code in CloseCode}
CLOSED_BY_PEER = CLOSES.labels("peer")
SOCKET_REFUSALS = {code: REFUSALS.labels("socket", code) for code in ERRORS}
REST_REFUSALS = {code: REFUSALS.labels("rest", code) for code in ERRORS}
WELCOMED = {
    outcome: WELCOMES.labels(outcome)
    for outcome in ("fresh", "resumed", "epoch", "ahead", "too_many", "too_old")
}
GAPS_REPAIRED, GAPS_UNREADABLE = GAPS.labels("repaired"), GAPS.labels("unreadable")
RESET_EPOCH, RESET_BEHIND, RESET_UNREADABLE = map(RESETS.labels, ("epoch", "head_behind", "unreadable"))
BUS_PUBLISHED, BUS_DROPPED, BUS_RECEIVED = map(BUS_MESSAGES.labels, ("published", "dropped", "received"))


class OperationMeasures:
    """The children of one operation."""

    def __init__(self, name: str) -> None:
        self._seconds = OPERATION_SECONDS.labels(name)
        self._calls = OPERATION_CALLS.labels(name)
        self._codes = {code: OUTCOMES.labels(name, code) for code in ("ok", *ERRORS)}

    def ran(self, calls: int, seconds: float) -> None:
        self._calls.observe(calls)
        self._seconds.observe(seconds)

    def settled(self, codes: Mapping[str, int]) -> None:
        """So many calls were answered with each of these codes."""
        for code, times in codes.items():
            self._codes[code].inc(times)


of_operation = cache(OperationMeasures)  # one for each name

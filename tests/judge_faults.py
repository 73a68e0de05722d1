"""Promises about time and about others: gaps, counts, receipts, isolation, access, draining, convergence."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from .history import Connection, History, Suspension, Told, Truth

REPAIRED = 10.0  # s until a jump is repaired, and until everybody has been told
CONVERGED = 10.0  # s from the end of the last fault
ENDED = 1.0  # s from the commit that ends access until nothing of the organization is heard
UNANNOUNCED = 5.0  # s, where LISTEN is cut or whoever would announce it is gone
AFTER = 2.0  # s a fault is felt after its end: links are made again after 1 s
REINSTATED = 10.0  # s after which no page read during a suspension is still on its way
MEMBERSHIP = ("membership.changed", "membership.ended", "skipped")  # may be told to whoever has left
# A fault excuses who could not be told: nobody could read the streams, or this very instance stood still.
STILL = ("PostgreSQL crash", "SIGSTOP")


class Broken(NamedTuple):
    invariant: str
    sentence: str


def check_gaps(history: History) -> Iterator[Broken]:
    """I4: what one device was told for its user, the others are told in time; and so is who saw a jump."""
    times: dict[str, list[tuple[float, float, int, str]]] = defaultdict(list)
    known: dict[tuple[str, int], float] = {}
    logs: dict[str, list[Told]] = defaultdict(list)
    for log in history.devices:
        logs[log.name] += log.told
        for told in log.told:
            key = (log.user_id, told.through)
            known[key] = min(known.get(key, told.at), told.at)
    connections: dict[str, list[Connection]] = defaultdict(list)
    for connection in history.connections:
        connections[connection.device].append(connection)
    for log in history.devices:
        for told in log.told:
            since = max(known[log.user_id, told.through], _opened(connections[log.name], told.at))
            late = told.at - _excused(history, connections[log.name], since, told.at)
            if late > REPAIRED and late > REPAIRED + _ourselves_late(history, since, told.at):
                times[log.name].append((told.at, late, told.through, told.kind))
    for name, cases in times.items():
        at, late, position, kind = max(cases, key=lambda case: case[1])
        when = f"at {at - history.began:.1f} s, one of {len(cases)} so late"
        yield Broken("I4", f"{name}: told {kind} at {position} {late:.1f} s late ({when})")
    for jump in history.jumps:
        since = _excused(history, connections[jump.device], jump.at, jump.at)
        told_at = [
            told.at for told in logs[jump.device] if told.through >= jump.position and told.at >= jump.at
        ]
        limit = _excused(history, connections[jump.device], since, min(told_at, default=since)) + REPAIRED
        if not told_at or min(told_at) > limit + _ourselves_late(history, since, limit):
            yield Broken(
                "I4", f"{jump.device}: the jump from {jump.after} to {jump.position} was not repaired"
            )


def check_counts(history: History, truth: Truth) -> Iterator[Broken]:
    """I5: each snapshot's count is that of its position, recounted by what the stream says of `read_at`."""
    recounts: dict[str, list[int]] = {}
    for count in history.counts:
        if count.user_id not in recounts:
            recounts[count.user_id] = _recount(count.user_id, truth)
        recount = recounts[count.user_id]
        if count.position >= len(recount):
            yield Broken(
                "I5", f"{count.source} of {count.user_id}: position {count.position} is above the head"
            )
        elif recount[count.position] != count.unread:
            yield Broken(
                "I5",
                f"{count.source} of {count.user_id}: {count.unread} unread at {count.position},"
                f" where {recount[count.position]} are",
            )


def check_receipts(history: History, truth: Truth) -> Iterator[Broken]:
    """I6: whoever saw when a message was read sees that time for ever, and it is the one that is stored."""
    for id_ in truth.reread:
        yield Broken("I6", f"read_at of {id_} was changed after it was set")
    for log in history.devices:
        seen: dict[str, str] = {}
        for told in log.told:
            if told.kind not in ("message.created", "message.read"):
                continue
            for id_ in told.ids or ():
                if told.kind == "message.created" and told.content is None:
                    continue  # an `ok` stood for it: nothing is said of receipts
                if told.read_at is None and id_ in seen:
                    yield Broken("I6", f"{log.name}: {id_} was read, and then unread")
                elif told.read_at is not None and id_ in truth.messages:
                    stored = truth.messages[id_].read_at
                    if told.read_at != stored or seen.get(id_, stored) != stored:
                        yield Broken("I6", f"{log.name}: {id_} read at {told.read_at}, stored is {stored}")
                    seen[id_] = told.read_at


def check_isolation(history: History, truth: Truth) -> Iterator[Broken]:
    """I7: no frame had an id of another organization or of a message between others, or a body of either. Staff see all
    threads of theirs."""
    owner = {id_: word for word, ids in history.organizations.items() for id_ in ids}
    for log in history.devices:
        home = history.homes.get(log.user_id)
        for id_, at in log.seen.items():
            message = truth.messages.get(id_)
            visible = message is None or (
                log.user_id in message.parties
                or (
                    message.in_thread
                    and log.user_id in history.staff
                    and history.homes[message.sender_id] == home
                )
            )
            if not visible:
                yield Broken(
                    "I7",
                    f"{log.name}: a frame at {at - history.began:.1f} s had message {id_}, which is of others",
                )
            elif owner.get(id_, home) != home:
                yield Broken(
                    "I7",
                    f"{log.name}: a frame at {at - history.began:.1f} s had {id_}, which is of {owner[id_]}",
                )
        for canary, at in log.canaries.items():
            _, word, sender, recipient = canary.split("-")
            if word != home or log.user_id[:8] not in (sender, recipient):
                yield Broken(
                    "I7",
                    f"{log.name}: a frame at {at - history.began:.1f} s had the body {canary}, which is of others",
                )


def check_access(history: History) -> Iterator[Broken]:
    """I9: an organization falls silent for whoever is suspended, and what was asked after the commit is refused."""
    for suspension in history.suspensions:
        user_id, until = suspension.user_id, suspension.reinstating or float("inf")
        for device, at, what in _heard(history, suspension):
            limit = _limit(history, device, suspension.committed, at)
            if limit < at < until:
                late = at - suspension.committed
                yield Broken("I9", f"{device}: {what} {late:.2f} s after the access of {user_id} had ended")
        for sending in history.sendings:
            for answer in sending.answers:
                asked = answer.at - answer.after
                if answer.code != "ok" or not suspension.committed < asked < until or answer.at > until:
                    continue
                if user_id == sending.sender_id or (user_id == sending.recipient_id and not answer.duplicate):
                    yield Broken(
                        "I9", f"{sending.id} was answered ok, asked {asked - suspension.committed:.2f} s"
                        f" after the access of {user_id} had ended",
                    )  # fmt: skip


def check_draining(history: History) -> Iterator[Broken]:
    """I11: whoever was live on an instance when it was told to stop."""
    for drain in history.drains:
        if drain.exit_code != 0:
            yield Broken(
                "I11",
                f"{drain.url} exited with {drain.exit_code}, told to stop at {drain.at - history.began:.1f} s",
            )
        for one in history.connections:
            was_there = one.url == drain.url and one.live is not None and one.live < drain.at
            if not was_there or one.left or (one.closed is not None and one.closed < drain.at):
                continue
            if one.code != 4000 or not one.draining:
                told = "after" if one.draining else "without"
                yield Broken(
                    "I11",
                    f"{one.device}: closed with {one.code} {told} `draining` at {drain.at - history.began:.1f} s",
                )


def check_convergence(history: History) -> Iterator[Broken]:
    """I12: in time. That everything was told, and what, is compared elsewhere."""
    if history.healed is None:
        return
    limit = history.healed + CONVERGED
    limit += _ourselves_late(history, history.healed, limit)
    if history.converged is None or history.converged > limit:
        for log in history.devices:
            late = [told for told in log.told if told.at > limit]
            if late:
                after = late[-1].at - history.healed
                yield Broken(
                    "I12", f"{log.name}: told position {late[-1].through} {after:.1f} s after the end"
                )
        when = "never" if history.converged is None else f"{history.converged - history.healed:.1f} s"
        yield Broken("I12", f"all devices equal the database {when} after the end")


def skipped_while_suspended(history: History, user_id: str, at: float) -> bool:
    """Whether events may be withheld from this user then: they belong to an organization that was left."""
    return any(
        one.user_id == user_id
        and one.begun <= at
        and (one.reinstated is None or at <= one.reinstated + REINSTATED)
        for one in history.suspensions
    )


def is_disturbed(history: History, since: float, until: float) -> bool:
    """Whether something was broken between, or not long enough whole again."""
    return any(fault.began < until and fault.ended + AFTER > since for fault in history.faults)


def _heard(history: History, suspension: Suspension) -> Iterator[tuple[str, float, str]]:
    """Device, time, kind of everything of the organization that came after the commit."""
    for log in history.devices:
        if log.user_id == suspension.user_id:
            for told in log.told:
                if told.at > suspension.committed and told.kind not in MEMBERSHIP:
                    yield log.name, told.at, f"{told.kind} at {told.position}"
    for heard in history.heard:
        place = heard.user_id, heard.organization_id
        if place == (suspension.user_id, suspension.organization_id) and heard.at > suspension.committed:
            yield heard.device, heard.at, heard.what


def _limit(history: History, device: str, committed: float, at: float) -> float:
    """Until when this device may hear of it: sooner where nothing stands in the way."""
    if not is_disturbed(history, committed, at):
        return committed + ENDED + _ourselves_late(history, committed, at)
    connections = [one for one in history.connections if one.device == device]
    excused = _excused(history, connections, committed, at)
    return excused + UNANNOUNCED + _ourselves_late(history, committed, at)


def _excused(history: History, connections: list[Connection], since: float, at: float) -> float:
    """From when on a delay counts: not while nobody could have told this device."""
    for fault in history.faults:
        if fault.kind in STILL and fault.began <= at and fault.ended > since:
            concerned = fault.kind != "SIGSTOP" or any(
                one.url == fault.target and one.opened < fault.ended and (one.closed or at) >= fault.began
                for one in connections
            )
            if concerned:
                since = fault.ended
    return min(since, at)


def _ourselves_late(history: History, since: float, until: float) -> float:
    """By how much at worst what happened between was seen too late."""
    return max((late for at, late in history.ourselves_late if since <= at <= until + late), default=0.0)


def _opened(connections: list[Connection], at: float) -> float:
    """When the connection began on which something came at this time."""
    place = bisect_right(connections, at, key=lambda one: one.opened)
    return connections[place - 1].opened if place else 0.0


def _recount(user_id: str, truth: Truth) -> list[int]:
    """How much was unread at each position of a stream."""
    unread: set[str] = set()
    counts = [0]
    for row in truth.streams.get(user_id, ()):
        for id_ in row.ids:
            message = truth.messages.get(id_)
            if message is not None and message.recipient_id == user_id:
                if row.kind == "message.created":
                    unread.add(id_)
                elif row.kind in ("message.read", "message.deleted"):
                    unread.discard(id_)
        counts.append(len(unread))
    return counts

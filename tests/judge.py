"""Whether every promise was kept: a history against what the database holds.

Each promise has a number, and each breach a sentence that names what offends:

- I1 nothing that was answered `ok` is lost: it is stored, in the streams, and in what the parties can read;
- I2 a message id has one effect, and all its answers say the same;
- I3 positions are dense for each user and `created_at` rises with them: one order, on one connection that of sending;
- I4 no silent gap: who saw a jump, or was left behind, is told within 10 s;
- I5 what is told unread is what a recount by `read_at` finds, at the end and in every snapshot between;
- I6 `read_at` is set once, and no receipt goes back;
- I7 nobody is told of another organization, or of what others say to each other;
- I9 access that ended is over within 1 s (5 s where nothing can announce it), and requests fail from the commit on;
- I11 an instance that is told to stop says `draining`, closes with 4000 and exits with 0;
- I12 when all is whole again, every device equals the database within 10 s."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from .history import DeviceLog, History, Told, Truth, read_truth
from .judge_faults import (
    Broken,
    check_access,
    check_convergence,
    check_counts,
    check_draining,
    check_gaps,
    check_isolation,
    check_receipts,
    skipped_while_suspended,
)

__all__ = ("PROMISES", "Broken", "check", "judge", "violations")

PROMISES = {
    "I1": "what was answered ok is not lost",
    "I2": "one effect per message id, all answers the same",
    "I3": "dense positions, one order",
    "I4": "no silent gap",
    "I5": "unread equals the recount",
    "I6": "receipts never go back",
    "I7": "nothing of others",
    "I9": "access ends when it ends",
    "I11": "draining",
    "I12": "all devices equal the database",
}

# After these an id may have been stored.
RETRIABLE = {"unavailable", "overloaded", "internal", "rate_limited"}
# After an `ok`, the same send may meet these as well: the sender's access has ended meanwhile.
LATER = RETRIABLE | {"ok", "forbidden"}
MEMBERSHIP = {"membership.changed", "membership.ended"}  # says how things stand when it is told


async def check(history: History, dsn: str) -> list[str]:
    """The broken promises. To be called when every request is answered and every device has had time to catch up."""
    return judge(history, await read_truth(dsn))


def judge(history: History, truth: Truth) -> list[str]:
    """The same, against what the database was found to hold."""
    return [broken.sentence for broken in violations(history, truth)]


def violations(history: History, truth: Truth) -> list[Broken]:
    """The same, with the promises' numbers."""
    return [
        *_check_streams(truth),
        *_check_answers(history, truth),
        *_check_order_of_sending(history),
        *(broken for device in history.devices for broken in _check_device(device, history, truth)),
        *_check_histories(history, truth),
        *_check_topics(history, truth),
        *check_gaps(history),
        *check_counts(history, truth),
        *check_receipts(history, truth),
        *check_isolation(history, truth),
        *check_access(history),
        *check_draining(history),
        *check_convergence(history),
    ]


def _check_streams(truth: Truth) -> Iterator[Broken]:
    """Each stream is dense, and holds each thing that happened to each of its messages once, in one order."""
    happened = {
        "message.created": set(truth.messages),
        "message.read": {id_ for id_, message in truth.messages.items() if message.read},
        "message.deleted": {id_ for id_, message in truth.messages.items() if message.deleted},
    }
    parties = {user for m in truth.messages.values() for user in (m.sender_id, m.recipient_id)}
    for user_id in parties | truth.heads.keys() | truth.streams.keys():
        stream = truth.streams.get(user_id, [])
        positions = [row.position for row in stream]
        if positions != list(range(1, truth.heads.get(user_id, 0) + 1)):
            yield Broken(
                "I3", f"stream {user_id}: positions {_ranges(positions)} with head {truth.heads.get(user_id)}"
            )
        for kind, ids in happened.items():
            own = Counter(
                id_
                for id_ in ids
                if user_id in (truth.messages[id_].sender_id, truth.messages[id_].recipient_id)
            )
            there = Counter(id_ for row in stream if row.kind == kind for id_ in row.ids)
            for id_ in own - there:
                yield Broken("I1", f"stream {user_id}: no {kind} of {id_}")
            for id_ in there - own:
                yield Broken("I2", f"stream {user_id}: {kind} of {id_} too often, or without cause")
        created = [
            truth.messages[id_].created_at
            for row in stream
            if row.kind == "message.created"
            for id_ in row.ids
            if id_ in truth.messages
        ]
        if not _rises(created):
            yield Broken("I3", f"stream {user_id}: created_at does not rise with position")


def _check_answers(history: History, truth: Truth) -> Iterator[Broken]:
    """What was answered is so."""
    maybe_stored = set()
    for sending in history.sendings:
        stored = truth.messages.get(sending.id)
        oks = [answer for answer in sending.answers if answer.code == "ok"]
        unanswered = not sending.answers or len(sending.answers) < sending.asked
        if oks or unanswered or any(a.code in RETRIABLE for a in sending.answers):
            maybe_stored.add((sending.id, sending.sender_id, sending.recipient_id, sending.content))
        if oks and stored is None:
            yield Broken("I1", f"lost: {sending.id} was answered ok")
        elif oks and stored is not None:
            if (stored.sender_id, stored.content) != (sending.sender_id, sending.content):
                yield Broken("I1", f"lost: {sending.id} was answered ok, and something else is stored")
            if {ok.created_at for ok in oks} != {stored.created_at}:
                yield Broken("I2", f"ok with another createdAt than is stored: {sending.id}")
        first_ok = next((k for k, answer in enumerate(sending.answers) if answer.code == "ok"), None)
        if first_ok is not None:
            for later in sending.answers[first_ok:]:
                if later.code not in LATER:
                    yield Broken("I2", f"{sending.id} was answered ok, and then {later.code}")
    first = Counter(s.id for s in history.sendings for a in s.answers if a.code == "ok" and not a.duplicate)
    for id_ in (id_ for id_, times in first.items() if times > 1):
        yield Broken("I2", f"twice: {id_} was answered ok as new {first[id_]} times")
    for id_, message in truth.messages.items():
        if (id_, message.sender_id, message.recipient_id, message.content) not in maybe_stored:
            yield Broken("I2", f"stored, though nobody sent it or all was refused: {id_}")
    for id_ in history.read:
        marked = truth.messages.get(id_)
        if marked is None or not (
            marked.read or marked.deleted
        ):  # a message taken back is not marked any more
            yield Broken("I1", f"lost: the receipt of {id_} was answered ok")
    for id_ in history.deleted:
        if id_ not in truth.messages or not truth.messages[id_].deleted:
            yield Broken("I1", f"lost: the deletion of {id_} was answered ok")


def _check_order_of_sending(history: History) -> Iterator[Broken]:
    connections: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for sending in history.sendings:
        for answer in sending.answers:
            if answer.created_at is not None and not answer.duplicate:
                connections[answer.turn[0]].append((answer.turn[1], answer.created_at))
    for connection, turns in connections.items():
        if not _rises(created_at for _, created_at in sorted(turns)):
            yield Broken("I3", f"connection {connection}: created_at does not rise in the order of sending")


def _check_device(device: DeviceLog, history: History, truth: Truth) -> Iterator[Broken]:
    """It was told what is in its user's stream, everything, once, in order."""
    rows = {row.position: row for row in truth.streams.get(device.user_id, ())}
    position = device.start
    for told in device.told:
        if told.position != position + 1:
            invariant = "I4" if told.position > position else "I3"
            yield Broken(invariant, f"{device.name}: position {told.position} after {position}")
        position = told.through
        if told.kind == "skipped":
            withheld = [
                p for p in range(told.position, told.through + 1) if p in rows and rows[p].kind != "skipped"
            ]
            if withheld and not skipped_while_suspended(history, device.user_id, told.at):
                yield Broken(
                    "I12", f"{device.name}: positions {_ranges(withheld)} were skipped, and are events"
                )
            continue
        row = rows.get(told.position)
        if row is not None and {row.kind, told.kind} <= MEMBERSHIP:
            continue
        if row is None or row.kind != told.kind or (told.ids is not None and told.ids != row.ids):
            yield Broken(
                "I12", f"{device.name}: told {told.kind} at {told.position}, where the stream has {row}"
            )
        elif told.kind == "message.created":
            yield from _check_message(device, told, truth)
    if not _rises(told.created_at for told in device.told if told.created_at is not None):
        yield Broken("I3", f"{device.name}: createdAt does not rise in the order of telling")
    if device.ended:
        return
    head = truth.heads.get(device.user_id, 0)
    if device.position != head:
        yield Broken("I12", f"{device.name}: told up to {device.position} of {head}")
    if device.unread is not None and device.unread != truth.unread(device.user_id):
        yield Broken("I5", f"{device.name}: told {device.unread} unread of {truth.unread(device.user_id)}")


def _check_message(device: DeviceLog, told: Told, truth: Truth) -> Iterator[Broken]:
    for id_ in told.ids or ():
        stored = truth.messages.get(id_)
        if stored is None:
            yield Broken("I12", f"{device.name}: told of {id_}, which is not stored")
        elif told.created_at != stored.created_at:
            yield Broken("I12", f"{device.name}: told another createdAt of {id_} than is stored")
        elif told.content not in (None, stored.content):
            yield Broken("I12", f"{device.name}: told another content of {id_} than is stored")


def _check_histories(history: History, truth: Truth) -> Iterator[Broken]:
    """What the parties can read is what is stored, where it was read at all."""
    for user_id, found in history.histories.items():
        own = {id_ for id_, m in truth.messages.items() if user_id in m.parties and not m.deleted}
        for id_ in own - found:
            yield Broken("I1", f"{user_id} cannot find {id_} in the conversation")
        for id_ in found - own:
            yield Broken("I12", f"{user_id} finds {id_} in a conversation, where it does not belong")


def _check_topics(history: History, truth: Truth) -> Iterator[Broken]:
    """Who watched a topic was told what is in it, everything, once, in order."""
    for (device, topic), watched in history.watched.items():
        rows = truth.topics.get(topic, [])
        if [position for position, _, _ in rows] != list(range(1, len(rows) + 1)):
            yield Broken("I3", f"{topic}: positions are not dense")
        due = rows[watched.start :]
        if watched.told != due:
            place = next((k for k, (a, b) in enumerate(zip(watched.told, due, strict=False)) if a != b), None)
            at = watched.start + 1 + (min(len(watched.told), len(due)) if place is None else place)
            yield Broken("I12", f"{device}: was told something else of {topic} at {at} than is there")


def _rises(values: Iterable[str]) -> bool:
    former = ""
    for value in values:
        if value <= former:
            return False
        former = value
    return True


def _ranges(positions: list[int]) -> str:
    """`1-3 5`, for people."""
    parts: list[list[int]] = []
    for position in positions:
        if parts and position == parts[-1][1] + 1:
            parts[-1][1] = position
        else:
            parts.append([position, position])
    return " ".join(f"{first}-{last}" if last > first else str(first) for first, last in parts) or "none"

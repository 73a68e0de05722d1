"""Files in the statement that sends: claimed with their message or not at all, by one of those who want them."""

import asyncio
from uuid import UUID

from ..gym import Place
from .calls import Connection, Sending, assignment_of, codes, heads, ready_uploads, send, waiting_for_a_lock
from .conftest import Connect


async def claims(tx: Connection) -> dict[str, str]:
    """Uploads and the messages that have them, which the attachments must say as well."""
    rows = await tx.fetch(
        "select u.id, u.message_id, f.message_id as shown from uploads u left join message_attachments f using (id)"
    )
    assert [row["message_id"] for row in rows] == [row["shown"] for row in rows]
    return {str(row["id"]): str(row["message_id"]) for row in rows if row["message_id"]}


async def test_of_two_in_one_batch_the_first_has_the_file(tx: Connection, gym: Place) -> None:
    (file,) = await ready_uploads(tx, gym.coach, 1)
    one, two = [Sending(sender=gym.coach, recipient=gym.member, upload_ids=(file,)) for _ in range(2)]
    stored = await send(tx, one, two)
    assert stored.codes == ["stored", "refused"]
    assert await codes(tx, two) == ["upload_conflict"]
    assert await claims(tx) == {file: one.id}


async def test_two_batches_that_meet_on_one_file_store_one_message(
    connect: Connect, tx: Connection, gym: Place
) -> None:
    file, other = await ready_uploads(tx, gym.coach, 2)
    first, second = await connect(), await connect()
    one = Sending(sender=gym.coach, recipient=gym.member, upload_ids=(other, file))
    two = Sending(sender=gym.coach, recipient=gym.member2, upload_ids=(file,))
    alone = Sending(sender=gym.coach, recipient=gym.member2)
    transaction = first.transaction()
    await transaction.start()
    assert (await send(first, one)).codes == ["stored"]
    waits = asyncio.create_task(send(second, two, alone))
    await waiting_for_a_lock(tx)
    await transaction.commit()
    assert (await waits).codes == ["refused", "stored"]
    assert await codes(tx, two) == ["upload_conflict"]
    assert await claims(tx) == {file: one.id, other: one.id}


async def test_what_the_first_did_not_keep_the_second_has(
    connect: Connect, tx: Connection, gym: Place
) -> None:
    (file,) = await ready_uploads(tx, gym.coach, 1)
    first, second = await connect(), await connect()
    one, two = [Sending(sender=gym.coach, recipient=gym.member, upload_ids=(file,)) for _ in range(2)]
    transaction = first.transaction()
    await transaction.start()
    await send(first, one)
    waits = asyncio.create_task(send(second, two))
    await waiting_for_a_lock(tx)
    await transaction.rollback()
    assert (await waits).codes == ["stored"]
    assert await claims(tx) == {file: two.id}


async def test_a_message_that_is_not_stored_leaves_its_files_and_every_stream(
    connect: Connect, tx: Connection, gym: Place
) -> None:
    (file,) = await ready_uploads(tx, gym.coach, 1)
    thread = await assignment_of(tx, gym.member)
    refused = Sending(sender=gym.coach, recipient=gym.member, assignment_id=thread, upload_ids=(file,))
    platform = await connect()
    transaction = platform.transaction()
    await transaction.start()
    await platform.execute("select from workout_assignments where id = $1 for update", UUID(thread))
    before = await heads(tx, gym)
    assert (await send(tx, refused)).codes == ["unavailable"]
    await transaction.rollback()
    assert await heads(tx, gym) == before
    assert await claims(tx) == {}
    assert (await send(tx, refused)).codes == ["stored"]


async def test_what_ran_out_between_the_two_looks_is_refused(tx: Connection, gym: Place) -> None:
    files = await ready_uploads(tx, gym.coach, 3)
    for file, change in zip(
        files,
        ("created_at = now() - interval '901 seconds'", "state = 'refused'", "user_id = gen_random_uuid()"),
        strict=True,
    ):
        await tx.execute(f"update uploads set {change} where id = $1", UUID(file))  # noqa: S608 - a test's own words
    sendings = [Sending(sender=gym.coach, recipient=gym.member, upload_ids=(file,)) for file in files]
    assert (await send(tx, *sendings)).codes == ["refused"] * 3
    assert await codes(tx, *sendings) == ["upload_not_found", "upload_not_ready", "upload_not_found"]
    assert await claims(tx) == {}


async def test_with_the_assignment_go_messages_files_and_their_claims(tx: Connection, gym: Place) -> None:
    files = await ready_uploads(tx, gym.coach, 2)
    thread = await assignment_of(tx, gym.member)
    post = Sending(sender=gym.coach, recipient=gym.member, assignment_id=thread, upload_ids=tuple(files))
    await send(tx, post)
    await tx.execute("delete from workout_assignments where id = $1", UUID(thread))
    assert await tx.fetchval("select count(*) from message_attachments") == 0
    assert await codes(tx, Sending(sender=gym.coach, recipient=gym.member, upload_ids=(files[0],))) == [
        "upload_not_found"
    ]

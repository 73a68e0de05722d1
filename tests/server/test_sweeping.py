"""What nothing refers to any more is deleted from the store, whoever let go of it; what is still shown stays."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.blobs.s3 import S3Blobs
from coachwire.files.sweeping import Sweeping
from coachwire.keys import BLOBS, DATABASE
from coachwire.settings import Settings
from coachwire_protocol.errors import Unavailable

from ..files import picture
from ..gym import SECRET, Place
from ..s3 import S3Server
from .platform import Tables
from .routes import call
from .test_rest_sends import body_to
from .uploading import complete, put, ready_upload, request_upload, upload


@pytest.fixture(params=["folder", "bucket"])
def settings(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    s3 = request.getfixturevalue("s3_server").settings if request.param == "bucket" else None
    return Settings(database_url=database_url, jwt_secret=SECRET, home=tmp_path, s3=s3)


@pytest.fixture
def sweeping(server: TestServer) -> Sweeping:
    return Sweeping(server.app[DATABASE], server.app[BLOBS])


async def stored(server: TestServer, gym: Place) -> list[str]:
    """The objects of the gym, by the last part of their keys; originals first."""
    blobs = server.app[BLOBS]
    keys = [
        *await blobs.below(f"incoming/messages/{gym.organization_id}"),
        *await blobs.below(f"messages/{gym.organization_id}"),
    ]
    return [key.rpartition("/")[2] for key in keys]


async def attach(database: Tables, http: ClientSession, gym: Place, *upload_ids: str) -> str:
    """A message of the coach's with these files; returns its id."""
    status, message = await call(http, gym.coach, "POST", "messages", json=body_to(gym.member))
    assert status == 201
    await database.execute(
        """
        with claimed as (
          update uploads set message_id = $1, claimed_at = now() where id = any ($2::uuid[]) returning *)
        insert into message_attachments (id, message_id, type, r2_key, size, mime_type, thumbnail_r2_key)
        select id, message_id, type, key, size, mime_type, thumbnail_key from claimed
        """,
        message["id"],
        upload_ids,
    )
    return str(message["id"])


async def forget_links(database: Tables) -> None:
    """Links to put, of all originals that are to be deleted, have ended."""
    await database.execute("update blob_garbage set due_at = now() where due_at < now() + interval '1 hour'")


async def test_what_nobody_sends_in_time_goes(
    gym: Place, http: ClientSession, server: TestServer, database: Tables, sweeping: Sweeping
) -> None:
    waiting = await upload(http, gym.coach)
    refused = await upload(http, gym.coach, picture()[:99])
    await complete(http, gym.coach, refused)
    ready = await ready_upload(http, gym.coach)
    await database.execute("update uploads set created_at = now() - interval '961 seconds'")
    young = await upload(http, gym.coach)
    await forget_links(database)

    await sweeping.sweep()

    assert await stored(server, gym) == [f"{young}.jpg"]
    assert await database.fetchval("select array_agg(id::text) from uploads") == [young]
    assert await database.fetchval("select count(*) from blob_garbage") == 0
    assert len({waiting, refused, ready}) == 3


async def test_what_was_sent_stays_and_its_original_goes(
    gym: Place, http: ClientSession, server: TestServer, database: Tables, sweeping: Sweeping
) -> None:
    link = await request_upload(http, gym.coach, len(body := picture()))
    assert await put(http, link, body) == 200
    await complete(http, gym.coach, link["uploadId"])
    await attach(database, http, gym, link["uploadId"])
    await database.execute("update uploads set created_at = created_at - interval '1 day'")
    await forget_links(database)

    await sweeping.sweep()

    assert await stored(server, gym) == [f"{link['uploadId']}.jpg", f"{link['uploadId']}.thumb.webp"]
    assert await database.fetchval("select count(*) from uploads") == 1


async def test_files_of_a_message_that_is_taken_back_go(
    gym: Place, http: ClientSession, server: TestServer, database: Tables, sweeping: Sweeping
) -> None:
    one, two, other = [await ready_upload(http, gym.coach) for _ in range(3)]
    message_id = await attach(database, http, gym, one, two)
    await attach(database, http, gym, other)
    assert (await call(http, gym.coach, "DELETE", f"messages/{message_id}"))[0] == 200
    await forget_links(database)

    await sweeping.sweep()

    assert await stored(server, gym) == [f"{other}.jpg", f"{other}.thumb.webp"]
    assert await database.fetchval("select count(*) from message_attachments") == 3


async def test_files_of_a_message_that_is_deleted_for_good_go(
    gym: Place, http: ClientSession, server: TestServer, database: Tables, sweeping: Sweeping
) -> None:
    one, other = [await ready_upload(http, gym.coach) for _ in range(2)]
    message_id = await attach(database, http, gym, one)
    await attach(database, http, gym, other)
    await database.execute("delete from messages where id = $1", message_id)
    await forget_links(database)

    await sweeping.sweep()

    assert await stored(server, gym) == [f"{other}.jpg", f"{other}.thumb.webp"]
    assert await database.fetchval("select array_agg(id::text) from uploads") == [other]


async def test_what_is_rolled_back_loses_nothing(
    gym: Place, http: ClientSession, server: TestServer, database: Tables, sweeping: Sweeping
) -> None:
    one = await ready_upload(http, gym.coach)
    message_id = await attach(database, http, gym, one)
    transaction = database.transaction()
    await transaction.start()
    await database.execute("delete from messages where id = $1", message_id)
    await transaction.rollback()
    await forget_links(database)
    await sweeping.sweep()
    assert await stored(server, gym) == [f"{one}.jpg", f"{one}.thumb.webp"]


async def test_two_sweep_at_once(
    gym: Place, http: ClientSession, server: TestServer, database: Tables, sweeping: Sweeping
) -> None:
    for _ in range(3):
        await ready_upload(http, gym.coach)
    await database.execute("update uploads set created_at = now() - interval '961 seconds'")
    await forget_links(database)
    await asyncio.gather(*(sweeping.sweep() for _ in range(4)))
    assert await stored(server, gym) == []
    assert await database.fetchval("select count(*) from blob_garbage") == 0


async def test_keys_that_cannot_be_deleted_wait_longer_each_time(
    gym: Place, server: TestServer, database: Tables, own_s3: S3Server
) -> None:
    blobs = await S3Blobs.open(own_s3.settings)
    sweeping = Sweeping(server.app[DATABASE], blobs)
    own_s3.stop()
    try:
        await database.execute("insert into blob_garbage values ('messages/a.jpg', now())")
        for attempts, least in ((1, 29), (2, 59), (3, 119)):
            before = await database.fetchval("select now()")
            with pytest.raises(Unavailable):
                await sweeping.sweep()
            row = await database.fetchrow(
                "select attempts, due_at > $2::timestamptz + make_interval(secs => $1) as later"
                " from blob_garbage",
                least,
                before,
            )
            assert row is not None
            assert tuple(row) == (attempts, True)
            await sweeping.sweep()  # nothing is due
            await database.execute("update blob_garbage set due_at = now()")
        own_s3.start()
        await sweeping.sweep()
        assert await database.fetchval("select count(*) from blob_garbage") == 0
    finally:
        await blobs.close()

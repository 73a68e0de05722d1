"""Whatever dies while others comment: who watches is told every event once and in order, and so is who comes back."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientError, ClientSession

from ..gym import Place, Someone
from ..instances import Instance, instances
from ..phone import Frame, Phone, SocketClosed
from ..services import EmbeddedRedis
from .conftest import Board, Connection

PAUSE = 0.1  # s before a client connects again, or asks again
QUIET = 20.0  # s until everybody must have been told everything, after the last fault


class Watcher(Phone):
    """Has one topic open on whichever instance answers, going on from where it was."""

    def __init__(self, session: ClientSession, urls: Sequence[str], who: Someone, topic: str) -> None:
        super().__init__(session, urls[0], who.token)
        self.told: list[tuple[int, str]] = []  # position, id
        self.resumes: list[str] = []
        self.news = asyncio.Event()
        self._urls = cycle(urls)
        self._topic = topic

    async def keep(self) -> None:
        """Stay connected, for ever."""
        while True:
            self._url = next(self._urls)
            try:
                await self.connect(topics=[self._ask()])
                while True:
                    self._early.clear()
                    await self.read()
            except (SocketClosed, ClientError, OSError):
                await asyncio.sleep(PAUSE)

    def _ask(self) -> Frame:
        known = self.topics.get(self._topic)
        resume = {} if known is None else {"resume": {"epoch": self.epoch, "position": known}}
        return {"topic": self._topic, **resume}

    def _apply(self, frame: Frame) -> None:
        super()._apply(frame)  # which fails at a jump
        if frame["type"] == "topic.opened":
            self.resumes.append(frame["resume"])
        elif frame["type"] == "event" and frame.get("topic") == self._topic:
            self.told.append((frame["position"], frame["data"]["id"]))
        self.news.set()


class Writer(Phone):
    """Comments until it is told to stop; asks again, elsewhere, with the same id, whatever happens."""

    _unanswered: Frame | None = None

    async def write(self, urls: Sequence[str], board: Board, enough: asyncio.Event) -> list[str]:
        stored: list[str] = []
        places = cycle(urls)
        while not enough.is_set():
            self._url = next(places)
            with suppress(SocketClosed, ClientError, OSError):
                await self.connect()
                while not enough.is_set():
                    stored.append(await self._store(board))
        return stored

    async def _store(self, board: Board) -> str:
        comment = self._unanswered = self._unanswered or {
            "organizationId": board.gym.organization_id,
            "id": str(uuid4()),
            "workoutMovementId": board.movement_id,
            "body": "again",
        }
        while (answer := await self.ask("comment.create", **comment))["type"] == "error":
            assert answer["error"]["code"] == "unavailable", answer
            await asyncio.sleep(PAUSE)
        self._unanswered = None
        return str(comment["id"])


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


@asynccontextmanager
async def everybody(
    servers: list[Instance], session: ClientSession, gym: Place, board: Board, database: Connection
) -> AsyncIterator[None]:
    """Two write, three watch, while the block does its worst; afterwards all that is stored must have been told."""
    urls = [server.url for server in servers]
    topic = board.exercise
    people = (gym.owner, gym.admin, gym.member)
    watchers = [Watcher(session, urls[n % 2 :] + urls[: n % 2], who, topic) for n, who in enumerate(people)]
    keeping = [asyncio.create_task(watcher.keep()) for watcher in watchers]
    enough = asyncio.Event()
    for watcher in watchers:
        while not watcher.resumes:
            watcher.news.clear()
            await watcher.news.wait()
    writers = [Writer(session, urls[0], who.token) for who in (gym.coach, gym.coach2)]
    writing = [
        asyncio.create_task(writer.write(urls[n:] + urls[:n], board, enough))
        for n, writer in enumerate(writers)
    ]
    await asyncio.sleep(0.5)
    yield
    enough.set()
    async with asyncio.timeout(QUIET):
        stored = {id_ for ids in await asyncio.gather(*writing) for id_ in ids}
        query = "select position, subject_ids[1] from topic_events where topic = $1 order by position"
        truth = [(row[0], str(row[1])) for row in await database.fetch(query, topic)]
        assert stored <= {id_ for _, id_ in truth}
        assert len({id_ for _, id_ in truth}) == len(truth) > 20
        for watcher, task in zip(watchers, keeping, strict=True):
            while watcher.told[-1:] != truth[-1:] and not task.done():
                watcher.news.clear()
                await asyncio.wait(
                    (task, asyncio.ensure_future(watcher.news.wait())), return_when=asyncio.FIRST_COMPLETED
                )
            if task.done():
                task.result()  # what broke it
            assert watcher.told == truth
            assert set(watcher.resumes) <= {"fresh", "resumed"}
    for task in keeping:
        task.cancel()
    await asyncio.gather(*keeping, return_exceptions=True)
    for phone in (*watchers, *writers):
        await phone.leave()


async def test_an_instance_is_killed_and_started_again(
    gym: Place, board: Board, database: Connection, database_url: str, redis_url: str, session: ClientSession
) -> None:
    async with (
        instances(2, database_url, redis_url) as servers,
        everybody(servers, session, gym, board, database),
    ):
        for server in servers:
            server.kill()
            await server.exit_code()
            await asyncio.sleep(1)
            await server.start()
            await asyncio.sleep(0.5)


async def test_redis_is_killed_and_started_again(
    gym: Place,
    board: Board,
    database: Connection,
    database_url: str,
    own_redis: EmbeddedRedis,
    session: ClientSession,
) -> None:
    async with (
        instances(2, database_url, own_redis.url) as servers,
        everybody(servers, session, gym, board, database),
    ):
        own_redis.kill()
        await asyncio.sleep(1)
        await asyncio.to_thread(own_redis.start)
        await asyncio.sleep(1)
        own_redis.kill()
        await asyncio.to_thread(own_redis.start)
        await asyncio.sleep(0.5)


async def test_connections_to_the_database_are_cut(
    gym: Place, board: Board, database: Connection, database_url: str, redis_url: str, session: ClientSession
) -> None:
    async with (
        instances(2, database_url, redis_url) as servers,
        everybody(servers, session, gym, board, database),
    ):
        for _ in range(4):
            await database.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'coachwire' and datname = current_database()"
            )
            await asyncio.sleep(0.5)


async def test_rights_that_change_all_the_time_cost_nobody_an_event(
    gym: Place, board: Board, database: Connection, database_url: str, redis_url: str, session: ClientSession
) -> None:
    """Withheld each time, read again, gone on from the stream."""
    async with (
        instances(2, database_url, redis_url) as servers,
        everybody(servers, session, gym, board, database),
    ):
        for role in ("owner", "coach", "admin") * 8:
            await database.execute(
                "update memberships set role = $2::membership_role where id = $1",
                UUID(gym.admin.membership_id),
                role,
            )
            await asyncio.sleep(0.05)

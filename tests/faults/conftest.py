"""People with devices on two instances, who keep writing while things go wrong."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from uuid import uuid4

import pytest
from aiohttp import ClientSession

from ..gym import Place, open_gym
from ..history import History, read_truth
from ..instances import Instance, instances
from ..judge import check
from ..roaming import Device

QUIET = 20.0  # s until everything must be answered and told, after the last fault
EVERY = 0.03  # s between the messages of a device
IN_FLIGHT = 32  # requests; beyond 64 the server stops reading, and answers are late because of ourselves

Crowd = Callable[[list[Instance]], Awaitable["People"]]


class People:
    """The coach and the member of a gym, each with a device on either instance."""

    def __init__(
        self, gym: Place, dsn: str, session: ClientSession, devices: list[Device], history: History
    ) -> None:
        self.gym = gym
        self.session = session
        self.devices = devices
        self.history = history
        self.coach, self.coach_web, self.member, self.member_tablet = devices
        self._dsn = dsn

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Meanwhile every device sends, reads what it gets and takes some back; at the end all of it is answered."""
        enough = asyncio.Event()
        writers = [asyncio.create_task(self._write(device, enough)) for device in self.devices]
        try:
            yield
        finally:
            enough.set()
            async with asyncio.timeout(QUIET):
                await asyncio.gather(*writers)

    async def broken_promises(self) -> list[str]:
        """Wait until everybody has been told everything, then judge."""
        with suppress(TimeoutError):  # the judge says what is missing
            async with asyncio.timeout(QUIET):
                while True:
                    truth = await read_truth(self._dsn)
                    for device in self.devices:
                        user_id = device.someone.user_id
                        await device.hears(truth.heads.get(user_id, 0), truth.unread(user_id))
                    if await read_truth(self._dsn) == truth:
                        break
        return await check(self.history, self._dsn)

    async def say(self, device: Device, content: str = "hello") -> str:
        """One message to the other party. Returns its id."""
        id_ = str(uuid4())
        answer = await device.send(content, id_)
        assert answer["type"] == "ok", answer
        return id_

    async def seconds_across(self) -> float:
        """How long a message takes from one instance to a device on the other, after its `ok`."""
        loop = asyncio.get_running_loop()
        assert self.coach.url != self.member.url
        id_ = await self.say(self.coach)
        began = loop.time()
        await self.member.hears_of(id_)
        return loop.time() - began

    async def _write(self, device: Device, enough: asyncio.Event) -> None:
        asked: set[asyncio.Task[object]] = set()
        seen = len(device.log.told)
        for turn in range(1_000_000):
            if enough.is_set():
                break
            if device.unanswered >= IN_FLIGHT:
                await asyncio.sleep(EVERY)
                continue
            asked.add(asyncio.create_task(self._write_one(device, turn)))
            if turn % 5 == 4:
                told, seen = device.log.told[seen:], len(device.log.told)
                ids = [id_ for t in told if t.kind == "message.created" and t.content for id_ in t.ids or ()]
                sent = {
                    sending.id
                    for sending in self.history.sendings
                    if sending.sender_id == device.someone.user_id
                }
                if unread := [id_ for id_ in ids if id_ not in sent][:100]:
                    asked.add(asyncio.create_task(device.mark_read(unread)))
            await asyncio.sleep(EVERY)
        await asyncio.gather(*asked)

    async def _write_one(self, device: Device, turn: int) -> None:
        id_ = await self.say(device, f"{device.name} {turn}")
        if turn % 7 == 6:
            await device.delete(id_)


@pytest.fixture
async def gym(database_url: str) -> Place:
    return await open_gym(database_url, "harbor")


@pytest.fixture
async def servers(database_url: str, redis_url: str) -> AsyncIterator[list[Instance]]:
    """Two that share a database and a Redis."""
    async with instances(2, database_url, redis_url) as servers:
        yield servers


@pytest.fixture
async def crowd(database_url: str, gym: Place) -> AsyncIterator[Crowd]:
    """`await crowd(servers)` brings the people of the test's gym."""
    async with crowd_of(gym, database_url) as bring:
        yield bring


@asynccontextmanager
async def crowd_of(gym: Place, dsn: str) -> AsyncIterator[Crowd]:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(ClientSession())

        async def bring(servers: list[Instance]) -> People:
            there, back = [server.url for server in servers], [server.url for server in reversed(servers)]
            history = History()
            devices = [
                Device(session, there, gym.coach, gym.member, history, "coach"),
                Device(session, back, gym.coach, gym.member, history, "coach_web"),
                Device(session, back, gym.member, gym.coach, history, "member"),
                Device(session, there, gym.member, gym.coach, history, "member_tablet"),
            ]
            for device in devices:
                await stack.enter_async_context(device)
            return People(gym, dsn, session, devices, history)

        yield bring

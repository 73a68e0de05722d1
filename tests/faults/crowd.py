"""20 people in 2 organizations, two devices each, one on either instance: they write, read, take back, ask again.

Staff also write under workouts, and watch threads."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from random import Random
from uuid import UUID

from aiohttp import ClientError, ClientSession, ClientTimeout

from ..gym import Place, Someone
from ..history import Count, History, Truth
from ..phone import Frame
from .witness import Witness

ROSTER = (
    ("owner", "Dana", "owner"),
    ("admin", "Avi", "admin"),
    ("coach1", "Noa", "coach"),
    ("coach2", "Alex", "coach"),
    *((f"member{number}", f"Yael {number}", "member") for number in range(1, 7)),
)
WORDS = ("harbor", "summit")  # the organizations, and what every body in them holds
EVERY = (0.2, 1.2)  # s between the messages of a device
READ_EVERY, DELETE_EVERY, AGAIN_EVERY, DROP_EVERY = 4, 11, 6, 25  # messages of a device
IN_THREAD_EVERY = 3  # messages of staff to members
WATCHED = 3  # threads, on each device of staff
MOST_READ = 100  # ids a request
IN_FLIGHT = 32  # requests; beyond 64 the server stops reading
SAMPLE = 0.4  # s between snapshots
PATIENCE = ClientTimeout(total=5)
INSISTENCE = 30.0  # s; at the end nothing is broken, but the machine may be busy
PAGE = 100


class Pair:
    """A person's two devices."""

    def __init__(self, someone: Someone, word: str, devices: list[Witness]) -> None:
        self.someone = someone
        self.word = word
        self.devices = devices


class Crowd:
    def __init__(
        self,
        session: ClientSession,
        urls: Sequence[str],
        gyms: list[Place],
        seed: int,
        threads: dict[str, str],
    ) -> None:
        """`threads`: a published workout of each member, by user."""
        self.history = History()
        self.pairs: list[Pair] = []
        self._session = session
        self._urls = urls
        self._seed = seed
        self._threads = threads
        for word, gym in zip(WORDS, gyms, strict=True):
            ids = {id_ for one in gym.people.values() for id_ in (one.user_id, one.membership_id)}
            self.history.organizations[word] = ids | {gym.organization_id}
            for key, someone in gym.people.items():
                self.history.homes[someone.user_id] = word
                staff = someone.role != "member"
                if staff:
                    self.history.staff.add(someone.user_id)
                devices = [
                    Witness(session, there, someone, self.history, f"{word}-{key}-{name}")
                    for name, there in (("phone", urls), ("tablet", urls[::-1]))
                ]
                for device in devices if staff else ():
                    device.watching = tuple(
                        f"thread:{threads[one.user_id]}"
                        for one in gym.people.values()
                        if one.user_id in threads
                    )[:WATCHED]
                self.pairs.append(Pair(someone, word, devices))

    @property
    def devices(self) -> list[Witness]:
        return [device for pair in self.pairs for device in pair.devices]

    @property
    def suspendable(self) -> list[int]:
        return [k for k, pair in enumerate(self.pairs) if pair.someone.role in ("coach", "member")]

    async def connect(self, stack: AsyncExitStack) -> None:
        await asyncio.gather(*(stack.enter_async_context(device) for device in self.devices))

    async def write(self, enough: asyncio.Event) -> None:
        """Returns when everything is answered."""
        async with asyncio.TaskGroup() as group:
            for pair in self.pairs:
                for device in pair.devices:
                    group.create_task(self._write(pair, device, enough))

    async def sample(self, enough: asyncio.Event) -> None:
        """Snapshots of random people at random instances, as far as they are answered."""
        random = Random(f"{self._seed} samples")  # noqa: S311 - to be repeated, not to be secret
        while not enough.is_set():
            pair = random.choice(self.pairs)
            state = await self._get(random.choice(self._urls), pair, "/v1/sync")
            if state is not None and state["memberships"]:
                unread = sum(one["unread"] for one in state["organizations"])
                self.history.counts.append(Count(pair.someone.user_id, "sync", state["position"], unread))
            await asyncio.sleep(SAMPLE)

    async def hear(self, truth: Truth) -> None:
        """Wait until everybody has been told everything that is there."""
        for device in self.devices:
            user_id = device.someone.user_id
            await device.hears(truth.heads.get(user_id, 0), truth.unread(user_id))
            await device.hears_topics({topic: len(rows) for topic, rows in truth.topics.items()})

    async def read_all(self, truth: Truth) -> None:
        """Everybody reads all conversations and threads, page by page, and the counts beside them."""
        for number, pair in enumerate(self.pairs):
            user_id, head = pair.someone.user_id, truth.heads.get(pair.someone.user_id, 0)
            url = self._urls[number % len(self._urls)]
            found = self.history.histories.setdefault(user_id, set())
            base = f"/v1/organizations/{pair.someone.organization_id}"
            partners = await self._items(url, pair, f"{base}/conversations")
            threads = await self._items(url, pair, f"{base}/workout-threads")
            unread = sum(one["unreadCount"] for one in partners) + sum(one["mine"] for one in threads)
            self.history.counts.append(Count(user_id, "conversations", head, unread))
            badge = await self._must_get(url, pair, f"{base}/badge")
            self.history.counts.append(Count(user_id, "badge", head, badge["count"]))
            for partner in partners:
                path = f"{base}/conversations/{partner['membershipId']}"
                found.update([message["id"] for message in await self._items(url, pair, path)])
            me = pair.someone.membership_id
            for thread in threads:
                path = f"{base}/workout-assignments/{thread['workoutAssignmentId']}/comments"
                found.update(
                    [
                        message["id"]
                        for message in await self._items(url, pair, path)
                        if me in (message["senderMembershipId"], message["recipientMembershipId"])
                    ]
                )

    async def _write(self, pair: Pair, device: Witness, enough: asyncio.Event) -> None:
        random = Random(f"{self._seed} {device.name}")  # noqa: S311 - to be repeated, not to be secret
        others = [
            one.someone
            for one in self.pairs
            if one.word == pair.word
            and one is not pair
            and (pair.someone.role != "member" or one.someone.role != "member")
        ]
        asked: set[asyncio.Task[object]] = set()
        turn = 0
        while not enough.is_set():
            await asyncio.sleep(random.uniform(*EVERY))
            if device.unanswered >= IN_FLIGHT:
                continue
            turn += 1
            to, id_ = random.choice(others), str(UUID(int=random.getrandbits(128), version=4))
            asked.add(asyncio.create_task(self._write_one(pair, device, to, id_, turn)))
            if turn % READ_EVERY == 0 and device.to_read:
                ids, device.to_read = device.to_read[:MOST_READ], device.to_read[MOST_READ:]
                asked.add(asyncio.create_task(device.mark_read(list(dict.fromkeys(ids)))))
            if turn % DROP_EVERY == 0:
                await device.drop()
        await asyncio.gather(*asked)

    async def _write_one(self, pair: Pair, device: Witness, to: Someone, id_: str, turn: int) -> None:
        thread = None
        if pair.someone.role != "member" and turn % IN_THREAD_EVERY == 0:
            thread = self._threads.get(to.user_id)
        # all staff see what is said in a thread
        word = "canary" if thread is None else "thread"
        content = f"{word}-{pair.word}-{pair.someone.user_id[:8]}-{to.user_id[:8]} {device.name} {turn}"
        asked = [device.send(content, id_, to, thread)]
        if turn % AGAIN_EVERY == 0:  # the same message through the other instance at the same time
            other = next(one for one in pair.devices if one is not device)
            asked.append(other.send(content, id_, to, thread))
        answers = await asyncio.gather(*asked)
        if turn % AGAIN_EVERY == 1:  # and once more, when it is answered
            await next(one for one in pair.devices if one is not device).send(content, id_, to, thread)
        if turn % DELETE_EVERY == 0 and answers[0]["type"] == "ok":
            await device.delete(id_)

    async def _items(self, url: str, pair: Pair, path: str) -> list[Frame]:
        items: list[Frame] = []
        cursor = None
        while True:
            page = await self._must_get(url, pair, path, cursor)
            items += page["items"]
            cursor = page["nextCursor"]
            if cursor is None:
                return items

    async def _must_get(self, url: str, pair: Pair, path: str, cursor: str | None = None) -> Frame:
        async with asyncio.timeout(INSISTENCE):
            while True:
                answer = await self._get(url, pair, path, cursor)
                if answer is not None:
                    return answer
                await asyncio.sleep(SAMPLE)

    async def _get(self, url: str, pair: Pair, path: str, cursor: str | None = None) -> Frame | None:
        """The data; None where the instance is away or says so. All of it is scanned like a frame."""
        pages = "/conversations" in path or "/workout" in path
        query = {"limit": str(PAGE)} if pages else {}
        if cursor is not None:
            query["cursor"] = cursor
        try:
            async with self._session.get(
                f"{url}{path}",
                params=query,
                headers={"Authorization": f"Bearer {pair.someone.token}"},
                timeout=PATIENCE,
            ) as response:
                if response.status == 503:
                    return None
                assert response.status == 200, await response.text()
                frame: Frame = await response.json()
        except (ClientError, TimeoutError):
            return None
        pair.devices[0].scan(frame)
        data: Frame = frame["data"]
        return data

"""The talk under a workout of one member, with two of the staff: who writes, watches, and hears of what while it is
published, withdrawn and deleted. What is due is told from the requests alone."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from aiohttp import ClientSession

from ..gym import Someone, open_gym
from ..phone import Frame
from ..server.caller import Caller
from ..server.platform import assign
from .device import SOON, PatientPhone
from .world import World

PEOPLE = ("coach", "owner", "member")
STAFF = ("coach", "owner")
ROSTER = (("coach", "Noa", "coach"), ("owner", "Dana", "owner"), ("member", "Yael", "member"))


@dataclass
class Post:
    id: str
    sender: str
    recipient: str
    content: str
    read: bool = False
    deleted: bool = False


@dataclass
class Thread:
    """`events`: of its topic, by kind and message."""

    id: str
    published: bool
    posts: dict[str, Post] = field(default_factory=dict)
    events: list[tuple[str, str]] = field(default_factory=list)

    @property
    def topic(self) -> str:
        return f"thread:{self.id}"

    def visible(self, person: str) -> bool:
        return person != "member" or self.published

    def addressee(self, sender: str) -> str:
        """A member's post goes to who of the staff wrote last, else to who assigned the workout."""
        if sender != "member":
            return "member"
        return next((post.sender for post in reversed(self.posts.values()) if post.sender in STAFF), "coach")

    def unread(self, person: str) -> list[Post]:
        return [p for p in self.posts.values() if p.recipient == person and not p.read and not p.deleted]

    def held(self, person: str) -> dict[str, str]:
        """By a client of a party that has applied all there is."""
        if not self.visible(person):
            return {}
        posts = (post for post in self.posts.values() if not post.deleted)
        return {post.id: post.content for post in posts if person in (post.sender, post.recipient)}


class Screen(PatientPhone):
    """A client: what it holds of the thread, and what it was told by the topic."""

    def __init__(self, http: ClientSession, url: str, person: str, who: Someone) -> None:
        super().__init__(http, url, who.token)
        self.person = person
        self.rest = Caller(http, who)
        self.online = False
        self.held: dict[str, str] = {}
        self.heard: list[Frame] = []  # not yet applied
        self.watched: list[tuple[str, str]] = []

    def _apply(self, frame: Frame) -> None:
        super()._apply(frame)
        if frame["type"] == "event" and frame["kind"] != "skipped":
            if "topic" in frame:
                assert "delivered" not in frame["data"]
                self.watched.append((frame["kind"], frame["data"]["id"]))
            else:
                self.heard.append(frame)

    async def reach_topic(self, topic: str, position: int) -> None:
        async with asyncio.timeout(SOON):
            while self.topics[topic] < position:
                self._early += await self.read()


class ThreadTalk:
    """Whoever is offline asks over REST."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.deeds = 0  # done to others

    async def begin(self) -> None:
        gym = await open_gym(self.world.dsn, f"gym-{uuid4().hex[:12]}", ROSTER)
        self.who = gym.people
        self.organization_id = gym.organization_id
        self.screens = {
            person: Screen(self.world.http, self.world.url, person, self.who[person]) for person in PEOPLE
        }
        for screen in self.screens.values():
            await screen.connect()
            screen.online = True
        await self.assign(published=True)

    async def leave(self) -> None:
        for screen in self.screens.values():
            await screen.leave()

    async def assign(self, *, published: bool) -> None:
        """Another workout; staff watch its thread."""
        id_ = await assign(self.world.tables, self.who["member"], self.who["coach"], published=published)
        self.thread = Thread(id_, published)
        for person in STAFF:
            screen = self.screens[person]
            screen.watched = []
            if screen.online:
                await screen.open_topic(self.thread.topic)
            else:
                screen.topics[self.thread.topic] = 0

    # Requests.

    async def send(self, person: str) -> None:
        id_, content = str(uuid4()), uuid4().hex
        to = {"workoutAssignmentId": self.thread.id}
        rest = ("POST", f"workout-assignments/{self.thread.id}/comments", {"id": id_, "content": content})
        answer = await self._ask(person, "message.send", rest, id=id_, to=to, content=content)
        if not self.thread.visible(person):
            assert answer == "not_found"
            return
        post = Post(id_, person, self.thread.addressee(person), content)
        assert answer["recipientMembershipId"] == self.who[post.recipient].membership_id
        self.thread.posts[id_] = post
        self._told("message.created", post)

    async def edit(self, person: str, id_: str) -> None:
        post, content = self.thread.posts[id_], uuid4().hex
        rest = ("PATCH", f"messages/{id_}", {"content": content})
        answer = await self._ask(person, "message.edit", rest, id=id_, content=content)
        if not self.thread.visible(person):
            assert answer == "not_found"
        elif post.sender != person:
            assert answer == "forbidden"
        elif post.deleted:
            assert answer == "gone"
        else:
            assert isinstance(answer, dict), answer
            post.content = content
            self._told("message.edited", post)

    async def delete(self, person: str, id_: str) -> None:
        """The owner deletes what others wrote as well."""
        post = self.thread.posts[id_]
        answer = await self._ask(person, "message.delete", ("DELETE", f"messages/{id_}", None), id=id_)
        if not self.thread.visible(person):
            assert answer == "not_found"
        elif person not in (post.sender, "owner"):
            assert answer == "forbidden"
        else:
            assert isinstance(answer, dict), answer
            if not post.deleted:
                post.deleted = True
                self.deeds += person != post.sender
                self._told("message.deleted", post)

    async def read(self, person: str) -> None:
        where = {"workoutAssignmentId": self.thread.id}
        rest = ("PUT", f"workout-assignments/{self.thread.id}/read", None)
        answer = await self._ask(person, "message.read", rest, conversation=where)
        if not self.thread.visible(person):
            assert answer == "not_found"
            return
        unread = self.thread.unread(person)
        assert answer["markedCount"] == len(unread)
        for post in unread:
            post.read = True

    def _told(self, kind: str, post: Post) -> None:
        """The `ok` may stand for the sender's own event."""
        self.thread.events.append((kind, post.id))
        held = self.screens[post.sender].held
        if post.deleted:
            held.pop(post.id, None)
        elif self.screens[post.sender].online:
            held[post.id] = post.content

    async def _ask(self, person: str, kind: str, rest: tuple[str, str, Any], **fields: Any) -> Any:
        """The data of the answer, or the error's code; `rest`: method, path and body of the other door."""
        screen = self.screens[person]
        if screen.online:
            frame = await screen.ask(kind, organizationId=self.organization_id, **fields)
            return frame["data"] if frame["type"] == "ok" else frame["error"]["code"]
        answer = await screen.rest.call(*rest)
        return answer.data if answer.status < 400 else answer.code

    # What happens to it.

    async def publish(self, published: bool) -> None:
        await self.world.tables.execute(
            "update workout_assignments set published = $2 where id = $1", UUID(self.thread.id), published
        )
        self.thread.published = published

    async def delete_assignment(self, *, published: bool) -> None:
        """With all that was said; those who are online hear of it before another one takes its place."""
        await self.world.tables.execute("delete from workout_assignments where id = $1", UUID(self.thread.id))
        known, self.thread.posts = self.thread.published, {}
        await self.settle(deleted=True, known=known)
        for person in STAFF:
            if self.screens[person].online:
                closed = await self.screens[person].next("topic.closed")
                assert (closed["topic"], closed["reason"]) == (self.thread.topic, "gone")
        await self.assign(published=published)

    async def leave_or_come_back(self, person: str) -> None:
        screen = self.screens[person]
        if screen.online:
            screen.online = False
            await screen.leave()
            return
        await screen.connect()
        screen.online = True
        if person in STAFF:
            await screen.open_topic(self.thread.topic)

    # What there is to see.

    async def settle(self, *, deleted: bool = False, known: bool | None = None) -> None:
        """Everybody online has applied what was told, and holds what there is. `known` false: the member hears of no
        message."""
        tables = self.world.tables
        async with asyncio.timeout(SOON):
            # the database tells nobody when all was told
            while await tables.fetchval("select exists (select from stream_pending)"):  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.005)
        for screen in self.screens.values():
            if not screen.online:
                continue
            head = await tables.fetchval(
                "select position from user_streams where user_id = $1", self.who[screen.person].user_id
            )
            if head:
                await screen.reach(head)
            reload = False
            for frame in screen.heard:
                if screen.person == "member" and known is False:
                    assert frame["kind"] not in ("message.created", "message.edited", "message.deleted"), (
                        frame
                    )
                reload = self._hear(screen, frame) or reload
            screen.heard = []
            if reload and self.thread.visible(screen.person) and not deleted:
                page = await screen.rest.get(f"workout-assignments/{self.thread.id}/comments", limit=100)
                screen.held = {item["id"]: item["content"] for item in page.data["items"]}
            assert screen.held == ({} if deleted else self.thread.held(screen.person)), screen.person
            if screen.person in STAFF and not deleted:
                await screen.reach_topic(self.thread.topic, len(self.thread.events))
                assert screen.watched == self.thread.events

    def _hear(self, screen: Screen, frame: Frame) -> bool:
        """Whether to load the thread."""
        kind, data = frame["kind"], frame["data"]
        if kind in ("message.created", "message.edited") and data["deletedAt"] is None:
            screen.held[data["id"]] = data["content"]
        elif kind in ("message.deleted", "message.created", "message.edited"):
            screen.held.pop(data["id"], None)
        elif kind == "assignment.removed":
            screen.held = {}
        return bool(kind == "assignment.published")

    async def look(self, person: str) -> None:
        """Over REST."""
        screen, thread = self.screens[person], self.thread
        page = await screen.rest.get(f"workout-assignments/{thread.id}/comments", limit=100)
        if thread.visible(person):
            there = [post.id for post in reversed(thread.posts.values()) if not post.deleted]
            assert [item["id"] for item in page.data["items"]] == there
        else:
            assert page.code == "not_found"
        count = len(thread.unread(person)) if thread.published else 0
        assert (await screen.rest.get("badge")).data == {"count": count}
        if person == "owner":
            audit = (await screen.rest.get("audit", limit=100)).data["items"]
            assert [row["action"] for row in audit].count("message.deleted") == min(self.deeds, 100)

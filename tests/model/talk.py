"""Two people, two devices each: what they ask for is done, and held against what was expected of it."""

import asyncio
from typing import Any
from uuid import uuid4

from ..gym import message_to, open_gym
from .device import SOON, Device
from .expected import PEOPLE, Expected, Said, other
from .world import World

PEOPLE_OF_A_GYM = (("coach", "Noa", "coach"), ("member", "Yael", "member"))


class Talk:
    """A device that is offline makes its requests over REST."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.expected = Expected()
        self.asked: list[tuple[str, str, str]] = []  # (person, id, content) of all sends, stored or not

    async def begin(self) -> None:
        """A gym of their own."""
        world = self.world
        gym = await open_gym(world.dsn, f"gym-{uuid4().hex[:12]}", PEOPLE_OF_A_GYM)
        self.who = gym.people
        self.devices = [
            Device(world.http, world.url, person, self.who[person], self.who[other(person)].membership_id)
            for person in PEOPLE
            for _ in range(2)
        ]
        for device in self.devices:
            self.expected.owner[device.device] = device.person
            self.expected.acked[device.device] = 0
            await self.connect(device)

    async def end(self) -> None:
        """Everybody comes back and has everything."""
        for device in self.devices:
            if not device.online:
                await self.connect(device)
        await self.all_have_all()

    async def leave(self) -> None:
        for device in self.devices:
            await device.leave()

    async def send(self, device: Device, id_: str, content: str) -> None:
        due = self.expected.to_send(device.person, id_, content)
        self.asked.append((device.person, id_, content))
        answer = await self._post(device, id_, content)
        assert answer[0] == due, f"{answer} instead of {due}"
        if due == "new":
            self.expected.send(device.person, id_, content, answer[1])
        elif due == "duplicate":
            assert answer[1] == self.expected.said[id_].created_at

    async def all_send(self, contents: list[str]) -> None:
        """Which is first, the server decides: times rise with positions."""
        sends = [
            (device, str(uuid4()), content) for device, content in zip(self.devices, contents, strict=True)
        ]
        due = [self.expected.to_send(device.person, id_, content) for device, id_, content in sends]
        answers = await asyncio.gather(*(self._post(*send) for send in sends))
        self.asked += [(device.person, id_, content) for device, id_, content in sends]
        assert [code for code, _ in answers] == due
        stored = [(at, *send) for (code, at), send in zip(answers, sends, strict=True) if code == "new"]
        for at, device, id_, content in sorted(stored, key=lambda one: one[0]):
            self.expected.send(device.person, id_, content, at)

    async def send_twice(self, person: str, content: str) -> None:
        id_ = str(uuid4())
        due = self.expected.to_send(person, id_, content)
        self.asked.append((person, id_, content))
        pair = [device for device in self.devices if device.person == person]
        answers = sorted(await asyncio.gather(*(self._post(device, id_, content) for device in pair)))
        if due == "new":
            assert [code for code, _ in answers] == ["duplicate", "new"]
            assert answers[0][1] == answers[1][1]
            self.expected.send(person, id_, content, answers[0][1])
        else:
            assert [code for code, _ in answers] == [due, due]

    async def _post(self, device: Device, id_: str, content: str) -> tuple[str, str]:
        """(`new`, `duplicate` or the error's code, when it was stored)."""
        fields = message_to(self.who[other(device.person)], content, id=id_)
        if device.online:
            frame = await device.ask("message.send", **fields)
            if frame["type"] == "error":
                return frame["error"]["code"], ""
            duplicate = frame["data"].get("duplicate", False)
            assert not (duplicate and "position" in frame)
            return "duplicate" if duplicate else "new", frame["data"]["createdAt"]
        answer = await device.rest.post("messages", fields)
        if answer.status >= 400:
            return answer.code, ""
        return {201: "new", 200: "duplicate"}[answer.status], answer.data["createdAt"]

    async def _ask(self, device: Device, kind: str, rest: tuple[str, str, Any], **fields: Any) -> Any:
        """The data of the answer, or the error's code; `rest`: method, path and body of the other door."""
        if device.online:
            organization = self.who[device.person].organization_id
            frame = await device.ask(kind, organizationId=organization, **fields)
            return frame["data"] if frame["type"] == "ok" else frame["error"]["code"]
        answer = await device.rest.call(*rest)
        return answer.data if answer.status < 400 else answer.code

    async def read(self, device: Device, ids: list[str]) -> None:
        ids = ids if device.online else ids[:1]  # REST takes one
        due = self.expected.to_read(device.person, ids)
        answer = await self._ask(
            device, "message.read", ("PUT", f"messages/{ids[0]}/read", None), messageIds=ids
        )
        if due != "ok":
            assert answer == due
            return
        await self._marked(device, self.expected.markable(device.person, ids), answer)

    async def read_conversation(self, device: Device, up_to: str | None) -> None:
        due = self.expected.to_read_up_to(device.person, up_to)
        partner = self.who[other(device.person)].membership_id
        more = {"upTo": up_to} if up_to is not None else {}
        rest = ("PUT", f"conversations/{partner}/read", more)
        answer = await self._ask(device, "message.read", rest, conversation={"membershipId": partner}, **more)
        if due != "ok":
            assert answer == due
            return
        await self._marked(device, self.expected.markable_up_to(device.person, up_to), answer)

    async def _marked(self, device: Device, due: list[Said], answer: Any) -> None:
        assert answer["markedCount"] == len(due), answer
        at = answer.get("readAt")
        if due and at is None:  # the route of a conversation does not tell
            at = (await device.rest.get(f"messages/{due[0].id}")).data["readAt"]
        assert (at is not None) is bool(due)
        self.expected.read(device.person, due, at)

    async def delete(self, device: Device, id_: str) -> None:
        due = self.expected.to_change(device.person, id_)
        answer = await self._ask(device, "message.delete", ("DELETE", f"messages/{id_}", None), id=id_)
        if due != "ok":
            assert answer == due
        elif (before := self.expected.said[id_].deleted_at) is not None:
            assert answer == {"id": id_, "deletedAt": before}
        else:
            self.expected.delete(id_, answer["deletedAt"])

    async def edit(self, device: Device, id_: str, content: str) -> None:
        due = self.expected.to_edit(device.person, id_, content)
        rest = ("PATCH", f"messages/{id_}", {"content": content})
        answer = await self._ask(device, "message.edit", rest, id=id_, content=content)
        if due != "ok":
            assert answer == due
            return
        message = self.expected.said[id_]
        if message.edited_at is not None and message.content == content:
            assert answer["editedAt"] == message.edited_at
        else:
            self.expected.edit(id_, content, answer["editedAt"])

    async def ack(self, device: Device, position: int) -> None:
        if device.online:
            assert (await device.ask("ack", position=position))["type"] == "ok"
        else:
            path = f"/v1/me/devices/{device.device}/ack"
            assert (await device.rest.put(path, {"position": position})).status == 200
        self.expected.ack(device.device, position)
        async with asyncio.timeout(SOON):
            while True:  # an ack is written when it is written
                written = await self.world.tables.fetchval(
                    "select acked_position from devices where device_id = $1", device.device
                )
                if written == self.expected.acked[device.device]:
                    return
                await asyncio.sleep(0.005)

    async def disconnect(self, device: Device, cut: bool) -> None:
        if device.online:
            await device.apply(self.expected)
            device.online = False
            if cut:
                device.vanish()
            else:
                await device.leave()

    async def connect(self, device: Device, forgotten: int = 0) -> None:
        person, expected = device.person, self.expected
        head, fresh = expected.head(person), device.position is None
        if device.position is not None:
            device.position = max(0, device.position - forgotten)
        missed = 0 if device.position is None else head - device.position
        welcome = await device.connect()
        device.online = True
        assert welcome["resume"] == ("fresh" if fresh else "resumed")
        assert (welcome["position"], welcome["events"]) == (head, missed)
        active = expected.active[person]
        assert [m["membershipId"] for m in welcome["memberships"]] == (
            [self.who[person].membership_id] if active else []
        )
        assert welcome["unread"]["total"] == (len(expected.unread(person)) if active else 0)
        if fresh:
            await device.load(expected)
        await device.catch_up(expected)

    async def replace(self, place: int) -> None:
        old = self.devices[place]
        await old.catch_up(self.expected)
        new = Device(self.world.http, self.world.url, old.person, self.who[old.person], old.partner)
        new.device, new.epoch, new.position, new.held = old.device, old.epoch, old.position, old.held
        self.devices[place] = new
        await self.connect(new)
        assert await old.close_code() == 4505

    async def set_active(self, person: str, active: bool) -> None:
        """Its own devices have caught up before and after: what they may be told is decided when it happens."""
        await self._catch_up(person)
        await self.world.tables.execute(
            "update memberships set status = $2::text::membership_status where id = $1",
            self.who[person].membership_id,
            "active" if active else "suspended",
        )
        self.expected.set_active(person, active)
        await self._catch_up(person)

    async def _catch_up(self, person: str) -> None:
        """Also the stream of who is offline."""
        async with asyncio.timeout(SOON):
            while (
                True
            ):  # what the platform did is told when the worker gets to it; offline nobody hears of it
                if not await self.world.tables.fetchval("select exists (select from stream_pending)"):
                    break
                await asyncio.sleep(0.005)
        for device in self.devices:
            if device.online and device.person == person:
                await device.catch_up(self.expected)

    async def all_have_all(self) -> None:
        for person in PEOPLE:
            await self._catch_up(person)
        for device in self.devices:
            if device.online:
                assert device.held == self.expected.held(device.person)

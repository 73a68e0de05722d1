"""Routes of the caller: the state to begin from, the stream without a socket, the caller's devices."""

from http import HTTPStatus

from aiohttp import web
from coachwire_protocol.check import checked
from coachwire_protocol.conversations import Sync
from coachwire_protocol.devices import AckOnDevice, RegisterDevice, SignOut
from coachwire_protocol.jobs import EraseMe, ExportMe, ReadJob
from coachwire_protocol.polling import PollEvents

from coachwire.keys import ACKS, FANOUT, POLLS, RUNNER
from coachwire.operations.devices import SignedOut
from coachwire.rest.door import actor_of, body, data, queried
from coachwire.rest.turns import give_turn_back

routes = web.RouteTableDef()


@routes.get("/v1/sync")
async def sync(request: web.Request) -> web.Response:
    actor = await actor_of(request)
    return data(await request.app[RUNNER].run(actor, checked(Sync, queried(request, "organizationId"))))


@routes.get("/v1/events")
async def events(request: web.Request) -> web.Response:
    actor = await actor_of(request)
    ask = checked(PollEvents, queried(request, "epoch", "position", "wait"), strict=False)
    give_turn_back(request)  # polls that wait have a limit of their own
    return data(await request.app[POLLS].answer(actor.user_id, ask))


@routes.put("/v1/me/devices/{device}")
async def register(request: web.Request) -> web.Response:
    actor = await actor_of(request)
    registering = checked(RegisterDevice, await body(request) | _device(request))
    return data(await request.app[RUNNER].run(actor, registering))


@routes.put("/v1/me/devices/{device}/ack")
async def acknowledge(request: web.Request) -> web.Response:
    """Written as a socket's ack is: soon, forward only, never past the head. Nobody has said that anybody looks on."""
    actor = await actor_of(request)
    ack = checked(AckOnDevice, await body(request) | _device(request))
    outcome = await request.app[RUNNER].run(actor, ack)
    request.app[ACKS].note(actor.user_id, ack.device, ack.position, foreground=False)
    return data(outcome)


@routes.delete("/v1/me/devices/{device}")
async def sign_out(request: web.Request) -> web.Response:
    """Its sockets are closed, here now, on other instances by a hint or within their next look at the database."""
    actor = await actor_of(request)
    leaving = checked(SignOut, _device(request))
    outcome = await request.app[RUNNER].run(actor, leaving)
    if isinstance(outcome.data, SignedOut) and outcome.data.session is not None:
        request.app[FANOUT].signed_out(actor.user_id, leaving.device, outcome.data.session)
    return data(None)


@routes.delete("/v1/me")
async def erase(request: web.Request) -> web.Response:
    """Accepted: from now on the caller is a stranger here, and a job does the rest."""
    actor = await actor_of(request)
    return data(await request.app[RUNNER].run(actor, EraseMe()), status=HTTPStatus.ACCEPTED)


@routes.post("/v1/me/export")
async def export(request: web.Request) -> web.Response:
    actor = await actor_of(request)
    return data(await request.app[RUNNER].run(actor, ExportMe()), status=HTTPStatus.ACCEPTED)


@routes.get("/v1/me/jobs/{job}")
async def job(request: web.Request) -> web.Response:
    actor = await actor_of(request)
    asked = checked(ReadJob, {"jobId": request.match_info["job"]})
    return data(await request.app[RUNNER].run(actor, asked))


def _device(request: web.Request) -> dict[str, str]:
    return {"device": request.match_info["device"]}

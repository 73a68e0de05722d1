"""Routes of workouts, of who is to do them, and of the threads under them."""

from aiohttp import web
from coachwire_protocol.conversations import ReadThread
from coachwire_protocol.workouts import ListAssignments, ListThreads, ReadWorkout

from coachwire.rest.conversations import mark_read
from coachwire.rest.door import answer, queried
from coachwire.rest.messages import send_to

routes = web.RouteTableDef()


@routes.get("/v1/organizations/{org}/workout-threads")
async def threads(request: web.Request) -> web.Response:
    return await answer(request, ListThreads, queried(request, "unread", "limit", "cursor"))


@routes.get("/v1/organizations/{org}/workout-assignments/{assignment}/comments")
async def thread(request: web.Request) -> web.Response:
    return await answer(
        request, ReadThread, _assignment(request) | queried(request, "limit", "cursor", "around")
    )


@routes.post("/v1/organizations/{org}/workout-assignments/{assignment}/comments")
async def post(request: web.Request) -> web.Response:
    """201 with the message; 200 when this id was sent before."""
    return await send_to(request, {"to": _assignment(request)})


@routes.put("/v1/organizations/{org}/workout-assignments/{assignment}/read")
async def read(request: web.Request) -> web.Response:
    """How many that are addressed to the caller became read; staff have seen the thread by it."""
    return await mark_read(request, _assignment(request))


@routes.get("/v1/organizations/{org}/workout-assignments")
async def assignments(request: web.Request) -> web.Response:
    return await answer(
        request, ListAssignments, queried(request, "memberId", "from", "to", "limit", "cursor")
    )


@routes.get("/v1/organizations/{org}/workouts/{workout}")
async def workout(request: web.Request) -> web.Response:
    return await answer(request, ReadWorkout, {"workoutId": request.match_info["workout"]})


def _assignment(request: web.Request) -> dict[str, str]:
    return {"workoutAssignmentId": request.match_info["assignment"]}

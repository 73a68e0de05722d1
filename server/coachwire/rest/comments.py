"""Routes of what is said on exercises."""

from http import HTTPStatus
from uuid import uuid4

from aiohttp import web
from coachwire_protocol.check import checked
from coachwire_protocol.comments import (
    CommentCreated,
    DeleteComment,
    EditComment,
    PostComment,
    ReadComment,
    ReadComments,
)

from coachwire.keys import RUNNER
from coachwire.rest.door import actor_of, answer, body, data, queried, within

routes = web.RouteTableDef()

COMMENTS = "/v1/organizations/{org}/workouts/{workout}/movements/{movement}/comments"


@routes.get(COMMENTS)
async def comments(request: web.Request) -> web.Response:
    return await answer(request, ReadComments, _exercise(request) | queried(request, "limit", "cursor"))


@routes.post(COMMENTS)
async def post(request: web.Request) -> web.Response:
    """201 with the comment; 200 when this id was used before."""
    actor = await actor_of(request)
    posting = checked(
        PostComment, {"id": str(uuid4())} | await body(request) | within(request) | _exercise(request)
    )
    outcome = await request.app[RUNNER].run(actor, posting)
    reading = checked(ReadComment, within(request) | _exercise(request) | {"id": posting.id})
    comment = await request.app[RUNNER].run(actor, reading)
    repeated = isinstance(outcome.data, CommentCreated) and outcome.data.duplicate is True
    return data(comment, HTTPStatus.OK if repeated else HTTPStatus.CREATED)


@routes.patch(COMMENTS + "/{comment}")
async def edit(request: web.Request) -> web.Response:
    """The comment as it is now."""
    actor = await actor_of(request)
    place = within(request) | _exercise(request) | _comment(request)
    reading = checked(ReadComment, place)
    editing = checked(EditComment, await body(request) | place)
    await request.app[RUNNER].run(actor, reading)  # what the path says must be so
    await request.app[RUNNER].run(actor, editing)
    return data(await request.app[RUNNER].run(actor, reading))


@routes.delete(COMMENTS + "/{comment}")
async def delete(request: web.Request) -> web.Response:
    actor = await actor_of(request)
    place = within(request) | _exercise(request) | _comment(request)
    deleting, reading = checked(DeleteComment, place), checked(ReadComment, place)
    await request.app[RUNNER].run(actor, reading)  # what the path says must be so
    return data(await request.app[RUNNER].run(actor, deleting))


def _exercise(request: web.Request) -> dict[str, str]:
    return {
        "workoutId": request.match_info["workout"],
        "workoutMovementId": request.match_info["movement"],
    }


def _comment(request: web.Request) -> dict[str, str]:
    return {"id": request.match_info["comment"]}

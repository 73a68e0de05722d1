"""The routes of REST: what each asks, answers and refuses. A new route is one line here and its handler."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from ..attachments import AttachmentUrl, ReadAttachmentUrl
from ..audit import AuditRow, ReadAudit
from ..comments import (
    Comment,
    CommentDeleted,
    DeleteComment,
    EditComment,
    PostComment,
    ReadComments,
)
from ..conversations import (
    Badge,
    Conversation,
    HistoryPage,
    ListConversations,
    Page,
    ReadBadge,
    ReadHistory,
    ReadMessage,
    ReadThread,
    Sync,
    SyncState,
)
from ..devices import AckOnDevice, Device, RegisterDevice, SignOut
from ..errors import (
    AttachmentNotReady,
    BadRequest,
    Conflict,
    EditWindowOver,
    Forbidden,
    Gone,
    Internal,
    NotFound,
    Overloaded,
    ProtocolError,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from ..jobs import EraseMe, EraseMembership, ExportMe, Job, JobStarted, ReadJob
from ..messages import Deleted, DeleteMessage, EditMessage, Message, SendMessage
from ..metric_sets import (
    ChangeSet,
    CreateSet,
    DeleteSet,
    ListSets,
    MetricSet,
    ReadSet,
    ResolvedSet,
    ResolveSet,
)
from ..metrics import (
    ListDefinitions,
    MetricDefinition,
    Prescription,
    ReadPrescription,
    ReadValues,
    RecordedValues,
    RecordValues,
    Value,
)
from ..organization import ChangeSettings, ListMembers, Member, OrganizationSettings, ReadSettings
from ..polling import PollEvents, StreamPart
from ..privacy import Grant, ListGrants, PutGrant, WithdrawGrant
from ..receipts import MarkedRead, ReadMessages
from ..search import SearchMessages
from ..shape import Wire
from ..uploads import CompleteUpload, ReadUpload, RequestUpload, Upload, UploadLink
from ..workouts import ListAssignments, ListThreads, ReadWorkout, Workout, WorkoutAssignment, WorkoutThread


class Place(NamedTuple):
    """What stands in braces in a path."""

    field: str  # what a request calls it
    said: str


PATH: Final = {
    "org": Place("organizationId", "The organization."),
    "membership": Place("membershipId", "A membership in the organization: the other person."),
    "id": Place("id", "The message."),
    "attachment": Place("attachmentId", "A file of a message."),
    "assignment": Place("workoutAssignmentId", "A workout as it was assigned to a member."),
    "upload": Place("uploadId", "A file on its way into a message."),
    "workout": Place("workoutId", "A workout of the organization."),
    "movement": Place("workoutMovementId", "An exercise of the workout."),
    "comment": Place("id", "The comment."),
    "job": Place("jobId", "A job that the caller asked for."),
    "set": Place("setId", "A set of metrics."),
    "device": Place("device", "The installation of an app, or the tab of a browser."),
}
QUERY: Final = {
    "limit": "How many items at most.",
    "cursor": "Where the page begins: a cursor from an earlier answer.",
    "around": "The page in whose middle this message stands; firstUnread: the caller's oldest unread one.",
    "q": "Beginnings of words: all must stand in a message.",
    "unread": "true: only those in which something is unread.",
    "memberId": "Of this membership only.",
    "workoutId": "For this workout.",
    "definitionId": "Of this definition only.",
    "lang": "The language of names: en, he or ru. All others are answered in en.",
    "from": "The first day, or moment.",
    "to": "The last day, or moment.",
    "search": "A part of the name, in whatever case.",
    "organizationId": "This organization only.",
    "epoch": "The epoch of `position`; without it the answer says where the stream is.",
    "position": "The last position that the client holds.",
    "wait": "Seconds for which an answer without events may be held back.",
}

Refusals = tuple[type[ProtocolError], ...]


@dataclass(frozen=True, kw_only=True)
class Route:
    """A method on a path. What of `asks` the path does not hold comes in the body, or in the query if there is none."""

    method: str
    path: str
    name: str  # operationId
    summary: str
    asks: type[Wire]
    answers: Any  # a struct, several of which one comes, or None for an empty object
    refusals: Refusals = ()  # beside those that every such route has
    successes: Mapping[int, str] = field(default_factory=lambda: {200: "Carried out."})
    fields: tuple[str, ...] | None = None  # only these, where the request is made for more than this route
    optional: frozenset[str] = frozenset()  # fields that the door fills in when they are left out

    @property
    def tag(self) -> str:
        """The noun that the route is about."""
        parts = [part for part in self.path.split("/")[2:] if not part.startswith("{")]
        return parts[1] if parts[0] == "organizations" else parts[0]

    @property
    def has_body(self) -> bool:
        return self.method in ("POST", "PUT", "PATCH") and bool(self.taken)

    @property
    def placed(self) -> tuple[str, ...]:
        """The names in braces in the path."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))

    @property
    def taken(self) -> tuple[str, ...]:
        """The fields in body or query."""
        if self.fields is not None:
            return self.fields
        in_path = {PATH[name].field for name in self.placed}
        names = (one.encode_name for one in msgspec.structs.fields(self.asks))
        return tuple(name for name in names if name not in in_path and name != "ref")

    @property
    def all_refusals(self) -> Refusals:
        usual: Refusals = (BadRequest, Unauthenticated, Internal, Overloaded, Unavailable)
        inside: Refusals = (Forbidden,) if "org" in self.placed else ()
        large: Refusals = (TooLarge,) if self.has_body else ()
        return tuple(dict.fromkeys((*usual, *inside, *large, *self.refusals)))


ORG: Final = "/v1/organizations/{org}"
MESSAGE: Final = f"{ORG}/messages/{{id}}"
CONVERSATION: Final = f"{ORG}/conversations/{{membership}}"
ASSIGNMENT: Final = f"{ORG}/workout-assignments/{{assignment}}"
COMMENTS: Final = f"{ORG}/workouts/{{workout}}/movements/{{movement}}/comments"
DEVICE: Final = "/v1/me/devices/{device}"
SET: Final = f"{ORG}/metric-sets/{{set}}"
VALUES: Final = f"{ORG}/members/{{membership}}/metrics"
GRANTS: Final = "/v1/me/metric-grants"

ROUTES: Final = (
    Route(
        method="POST",
        path=f"{ORG}/messages/upload-url",
        name="requestUpload",
        summary="A place for the bytes of a file that is to be sent.",
        asks=RequestUpload,
        answers=UploadLink,
        refusals=(RateLimited,),
    ),
    Route(
        method="POST",
        path=f"{ORG}/uploads/{{upload}}/complete",
        name="completeUpload",
        summary="Say that the bytes are there.",
        asks=CompleteUpload,
        answers=Upload,
        refusals=(NotFound, AttachmentNotReady),
    ),
    Route(
        method="GET",
        path=f"{ORG}/uploads/{{upload}}",
        name="readUpload",
        summary="What became of a file that is to be sent.",
        asks=ReadUpload,
        answers=Upload,
        refusals=(NotFound, AttachmentNotReady),
    ),
    Route(
        method="POST",
        path=f"{ORG}/messages",
        name="sendMessage",
        summary="Send a message.",
        asks=SendMessage,
        answers=Message,
        refusals=(NotFound, Conflict, AttachmentNotReady, Gone, RateLimited),
        successes={201: "Stored.", 200: "This id was sent before: the message that it names."},
        optional=frozenset({"id"}),
    ),
    Route(
        method="GET",
        path=f"{ORG}/messages/search",
        name="searchMessages",
        summary="Messages by their words, newest first; a page may be short, or empty, and lead on.",
        asks=SearchMessages,
        answers=Page[Message],
    ),
    Route(
        method="GET",
        path=MESSAGE,
        name="readMessage",
        summary="One message; a deleted one as its tombstone.",
        asks=ReadMessage,
        answers=Message,
        refusals=(NotFound,),
    ),
    Route(
        method="PATCH",
        path=MESSAGE,
        name="editMessage",
        summary="Edit a message of one's own.",
        asks=EditMessage,
        answers=Message,
        refusals=(NotFound, EditWindowOver, Gone),
    ),
    Route(
        method="DELETE",
        path=MESSAGE,
        name="deleteMessage",
        summary="Delete a message of one's own, or as owner or admin.",
        asks=DeleteMessage,
        answers=Deleted,
        refusals=(NotFound,),
    ),
    Route(
        method="PUT",
        path=f"{MESSAGE}/read",
        name="markMessageRead",
        summary="Mark a message as read, as its recipient.",
        asks=ReadMessages,
        answers=MarkedRead,
        refusals=(NotFound,),
        fields=(),
    ),
    Route(
        method="GET",
        path=f"{ORG}/attachments/{{attachment}}/url",
        name="readAttachmentUrl",
        summary="New links to a file of a message that the caller may see.",
        asks=ReadAttachmentUrl,
        answers=AttachmentUrl,
        refusals=(NotFound,),
    ),
    Route(
        method="GET",
        path=f"{ORG}/conversations",
        name="listConversations",
        summary="The caller's conversations, newest first.",
        asks=ListConversations,
        answers=Page[Conversation],
    ),
    Route(
        method="GET",
        path=CONVERSATION,
        name="readHistory",
        summary="Messages with one person, newest first.",
        asks=ReadHistory,
        answers=HistoryPage,
        refusals=(NotFound,),
    ),
    Route(
        method="PUT",
        path=f"{CONVERSATION}/read",
        name="markConversationRead",
        summary="Mark a conversation as read: all of it, or through one message.",
        asks=ReadMessages,
        answers=MarkedRead,
        refusals=(NotFound,),
        fields=("upTo",),
    ),
    Route(
        method="GET",
        path=f"{ORG}/workout-threads",
        name="listThreads",
        summary="Threads of workouts in which something was said, newest first.",
        asks=ListThreads,
        answers=Page[WorkoutThread],
    ),
    Route(
        method="GET",
        path=f"{ORG}/workout-assignments",
        name="listAssignments",
        summary="Who is to do what, latest day first: one's own, or everybody's for staff.",
        asks=ListAssignments,
        answers=Page[WorkoutAssignment],
        refusals=(NotFound,),
    ),
    Route(
        method="GET",
        path=f"{ORG}/workouts/{{workout}}",
        name="readWorkout",
        summary="A workout with its exercises.",
        asks=ReadWorkout,
        answers=Workout,
        refusals=(NotFound,),
    ),
    Route(
        method="GET",
        path=COMMENTS,
        name="readComments",
        summary="What is said on an exercise, oldest first.",
        asks=ReadComments,
        answers=Page[Comment],
        refusals=(NotFound,),
    ),
    Route(
        method="POST",
        path=COMMENTS,
        name="postComment",
        summary="Comment on an exercise, or reply to a comment.",
        asks=PostComment,
        answers=Comment,
        refusals=(NotFound, Conflict, Gone, RateLimited),
        successes={201: "Stored.", 200: "This id was used before: the comment that it names."},
        optional=frozenset({"id"}),
    ),
    Route(
        method="PATCH",
        path=f"{COMMENTS}/{{comment}}",
        name="editComment",
        summary="Edit a comment of one's own.",
        asks=EditComment,
        answers=Comment,
        refusals=(NotFound, Gone),
    ),
    Route(
        method="DELETE",
        path=f"{COMMENTS}/{{comment}}",
        name="deleteComment",
        summary="Delete a comment of one's own, or as owner or admin.",
        asks=DeleteComment,
        answers=CommentDeleted,
        refusals=(NotFound,),
    ),
    Route(
        method="GET",
        path=f"{ASSIGNMENT}/comments",
        name="readThread",
        summary="Messages under a workout, newest first.",
        asks=ReadThread,
        answers=HistoryPage,
        refusals=(NotFound,),
    ),
    Route(
        method="POST",
        path=f"{ASSIGNMENT}/comments",
        name="postInThread",
        summary="Write under a workout.",
        asks=SendMessage,
        answers=Message,
        refusals=(NotFound, Conflict, AttachmentNotReady, Gone, RateLimited),
        successes={201: "Stored.", 200: "This id was sent before: the message that it names."},
        fields=("id", "content", "attachmentIds"),
        optional=frozenset({"id"}),
    ),
    Route(
        method="PUT",
        path=f"{ASSIGNMENT}/read",
        name="markThreadRead",
        summary="Mark a thread as read: all of it, or through one message. Staff have seen it by that.",
        asks=ReadMessages,
        answers=MarkedRead,
        refusals=(NotFound,),
        fields=("upTo",),
    ),
    Route(
        method="GET",
        path=f"{ORG}/badge",
        name="readBadge",
        summary="How much the caller has not read, counted now.",
        asks=ReadBadge,
        answers=Badge,
    ),
    Route(
        method="GET",
        path=f"{ORG}/members",
        name="listMembers",
        summary="Who is in the organization; members see staff only.",
        asks=ListMembers,
        answers=Page[Member],
    ),
    Route(
        method="GET",
        path=f"{ORG}/audit",
        name="readAudit",
        summary="What was done to others, newest first, for owners and admins.",
        asks=ReadAudit,
        answers=Page[AuditRow],
    ),
    Route(
        method="GET",
        path=f"{ORG}/settings",
        name="readSettings",
        summary="What the owner has decided, for staff.",
        asks=ReadSettings,
        answers=OrganizationSettings,
    ),
    Route(
        method="PATCH",
        path=f"{ORG}/settings",
        name="changeSettings",
        summary="Decide, as owner.",
        asks=ChangeSettings,
        answers=OrganizationSettings,
    ),
    Route(
        method="GET",
        path="/v1/metric-definitions",
        name="listMetricDefinitions",
        summary="All that can be measured.",
        asks=ListDefinitions,
        answers=Page[MetricDefinition],
        successes={200: "Carried out.", 304: "It is the one that If-None-Match names."},
    ),
    Route(
        method="GET",
        path=f"{ORG}/metric-sets",
        name="listMetricSets",
        summary="Sets of metrics, a workout's first, then a member's, then the organization's.",
        asks=ListSets,
        answers=Page[MetricSet],
        refusals=(NotFound,),
    ),
    Route(
        method="POST",
        path=f"{ORG}/metric-sets",
        name="createMetricSet",
        summary="Make a set: staff for the organization or a workout, everybody for themselves.",
        asks=CreateSet,
        answers=MetricSet,
        refusals=(NotFound, Conflict),
        successes={201: "Made."},
    ),
    Route(
        method="GET",
        path=SET,
        name="readMetricSet",
        summary="One set.",
        asks=ReadSet,
        answers=MetricSet,
        refusals=(NotFound,),
    ),
    Route(
        method="PATCH",
        path=SET,
        name="changeMetricSet",
        summary="Rename a set, or give it other definitions, or another order.",
        asks=ChangeSet,
        answers=MetricSet,
        refusals=(NotFound,),
    ),
    Route(
        method="DELETE",
        path=SET,
        name="deleteMetricSet",
        summary="Remove a set.",
        asks=DeleteSet,
        answers=None,
        refusals=(NotFound,),
    ),
    Route(
        method="GET",
        path=f"{SET}/resolve",
        name="resolveMetricSet",
        summary="Where a member stands in each definition of a set.",
        asks=ResolveSet,
        answers=ResolvedSet,
        refusals=(NotFound,),
    ),
    Route(
        method="GET",
        path=VALUES,
        name="listValues",
        summary="A member's recorded values, newest first.",
        asks=ReadValues,
        answers=Page[Value],
        refusals=(NotFound,),
    ),
    Route(
        method="POST",
        path=VALUES,
        name="recordValues",
        summary="Record a value of a member, or up to 100, all or none.",
        asks=RecordValues,
        answers=(Value, RecordedValues),
        refusals=(NotFound, Conflict, Gone),
        successes={201: "Recorded.", 200: "All of this was recorded before."},
    ),
    Route(
        method="GET",
        path=f"{ASSIGNMENT}/prescription",
        name="readPrescription",
        summary="An assigned workout, its loads worked out for its member.",
        asks=ReadPrescription,
        answers=Prescription,
        refusals=(NotFound,),
    ),
    Route(
        method="GET",
        path=GRANTS,
        name="listMetricGrants",
        summary="Which organizations see more than was recorded in them.",
        asks=ListGrants,
        answers=Page[Grant],
    ),
    Route(
        method="PUT",
        path=GRANTS,
        name="putMetricGrant",
        summary="Let an organization see values that were recorded elsewhere.",
        asks=PutGrant,
        answers=Grant,
        refusals=(Forbidden, NotFound),
    ),
    Route(
        method="DELETE",
        path=GRANTS,
        name="withdrawMetricGrant",
        summary="Take that back; what was seen by it is told to be dropped.",
        asks=WithdrawGrant,
        answers=None,
        refusals=(NotFound,),
    ),
    Route(
        method="GET",
        path="/v1/sync",
        name="sync",
        summary="The state to begin from, in one snapshot.",
        asks=Sync,
        answers=SyncState,
        refusals=(Forbidden,),
    ),
    Route(
        method="GET",
        path="/v1/events",
        name="pollEvents",
        summary="The user stream for who has no socket.",
        asks=PollEvents,
        answers=StreamPart,
    ),
    Route(
        method="PUT",
        path=DEVICE,
        name="registerDevice",
        summary="Make an installation known.",
        asks=RegisterDevice,
        answers=Device,
    ),
    Route(
        method="DELETE",
        path=DEVICE,
        name="signOut",
        summary="Sign a device out.",
        asks=SignOut,
        answers=None,
    ),
    Route(
        method="PUT",
        path=f"{DEVICE}/ack",
        name="acknowledge",
        summary="Say through which position the device has stored the stream.",
        asks=AckOnDevice,
        answers=None,
        refusals=(NotFound,),
    ),
    Route(
        method="DELETE",
        path="/v1/me",
        name="eraseMe",
        summary="Erase the caller, everywhere.",
        asks=EraseMe,
        answers=JobStarted,
        successes={202: "Begun, or begun before."},
    ),
    Route(
        method="POST",
        path="/v1/me/export",
        name="exportMe",
        summary="Put together what is kept of the caller.",
        asks=ExportMe,
        answers=JobStarted,
        successes={202: "Begun, or under way."},
    ),
    Route(
        method="GET",
        path="/v1/me/jobs/{job}",
        name="readJob",
        summary="How a job stands that the caller asked for.",
        asks=ReadJob,
        answers=Job,
        refusals=(NotFound,),
    ),
    Route(
        method="POST",
        path=f"{ORG}/members/{{membership}}/erasure",
        name="eraseMembership",
        summary="Erase what somebody said and recorded here, and end their membership; by an owner.",
        asks=EraseMembership,
        answers=JobStarted,
        refusals=(NotFound,),
        successes={202: "Begun, or under way."},
    ),
)

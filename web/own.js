// The event that an `ok` stands for: what one's own request has become. Pure.

/** `{kind, organizationId, data}`, or null when the events follow by themselves. `me`: one's membership id. */
export function ownEvent(request, data, me) {
  return EVENTS[request.type]?.(request, data, me) ?? null;
}

const EVENTS = {
  "message.send": ({ organizationId, to, content = null }, { id, recipientMembershipId, createdAt }, me) => ({
    kind: "message.created",
    organizationId,
    data: {
      id,
      organizationId,
      senderMembershipId: me,
      recipientMembershipId,
      workoutAssignmentId: to.workoutAssignmentId ?? null,
      content,
      attachments: [], // their links are asked for
      createdAt,
      readAt: null,
      editedAt: null,
      deletedAt: null,
      erased: false,
      delivered: false,
    },
  }),

  "message.edit": ({ organizationId, content }, { id, editedAt }) => ({
    kind: "message.edited",
    organizationId,
    data: { id, content, editedAt },
  }),

  "message.delete": ({ organizationId }, { id, deletedAt }, me) => ({
    kind: "message.deleted",
    organizationId,
    data: { id, senderMembershipId: me, workoutAssignmentId: null, deletedAt },
  }),
};

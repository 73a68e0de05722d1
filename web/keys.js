// The names of conversations, and whom they are with on the wire. Pure.

const THREAD = "thread:";

/** Direct messages: an organization and the other person's membership in it. */
export function keyOf(organizationId, membershipId) {
  return `${organizationId}/${membershipId}`;
}

/** The talk under a workout as it was assigned to a member. */
export function threadKeyOf(organizationId, workoutAssignmentId) {
  return `${organizationId}/${THREAD}${workoutAssignmentId}`;
}

/** `{organizationId, membershipId}` or `{organizationId, workoutAssignmentId}`. */
export function placeOf(key) {
  const [organizationId, other = ""] = key.split("/");
  return other.startsWith(THREAD)
    ? { organizationId, workoutAssignmentId: other.slice(THREAD.length) }
    : { organizationId, membershipId: other };
}

/** The key of whatever says where it belongs: a place, an item of the outbox, the data of a signal. */
export function keyAt({ organizationId, membershipId, workoutAssignmentId }) {
  return workoutAssignmentId ? threadKeyOf(organizationId, workoutAssignmentId) : keyOf(organizationId, membershipId);
}

/** As the wire names it: `to` of a send, `conversation` of a read. */
export function partyAt({ membershipId, workoutAssignmentId }) {
  return workoutAssignmentId ? { workoutAssignmentId } : { membershipId };
}

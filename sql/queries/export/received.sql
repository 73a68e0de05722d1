-- A page of what was sent to them: after ($2, $3), at most $4, one line of JSON each; with the words of the other side only if
-- $5, and never those that were taken back. What they may not see (drafts) is left out. No row: that was all.
select m.created_at, m.id,
  jsonb_strip_nulls(jsonb_build_object(
    'id', m.id, 'organizationId', m.organization_id, 'senderMembershipId', sm.id, 'workoutAssignmentId', m.workout_assignment_id,
    'content', case when $5::boolean then m.content end, 'createdAt', m.created_at, 'readAt', m.read_at))::text
from messages m
left join memberships sm on sm.user_id = m.sender_id and sm.organization_id = m.organization_id
where m.recipient_id = $1::uuid and (m.created_at, m.id) > ($2::timestamptz, $3::uuid) and m.deleted_at is null
  and not kept_from($1, m.workout_assignment_id)
order by m.created_at, m.id
limit $4

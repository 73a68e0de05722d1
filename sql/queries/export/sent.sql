-- A page of what they have sent, in order: after ($2, $3), at most $4, one line of JSON each, and the files of those that are
-- not taken back: [id, mime type, key]. No row: that was all.
select m.created_at, m.id,
  jsonb_build_object(
    'id', m.id, 'organizationId', m.organization_id, 'recipientMembershipId', rm.id, 'workoutAssignmentId', m.workout_assignment_id,
    'content', m.content, 'createdAt', m.created_at, 'readAt', m.read_at, 'editedAt', m.edited_at, 'deletedAt', m.deleted_at,
    'attachmentIds', (
      select coalesce(jsonb_agg(f.id order by f.created_at, f.id), '[]') from message_attachments f where f.message_id = m.id))::text,
  array(
    select array[f.id::text, f.mime_type, f.r2_key] from message_attachments f
    where f.message_id = m.id and m.deleted_at is null
    order by f.created_at, f.id)
from messages m
left join memberships rm on rm.user_id = m.recipient_id and rm.organization_id = m.organization_id
where m.sender_id = $1::uuid and (m.created_at, m.id) > ($2::timestamptz, $3::uuid)
order by m.created_at, m.id
limit $4

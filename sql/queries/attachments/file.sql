-- A file of a message, for whoever sees the message. No row: no such file in that organization, not visible, or its message was
-- deleted or erased.
select f.id, f.type::text, f.mime_type, f.size, f.r2_key, f.thumbnail_r2_key
from message_attachments f
join messages m on m.id = f.message_id and m.organization_id = $2::uuid and m.deleted_at is null
join memberships v on v.user_id = $3::uuid and v.organization_id = m.organization_id and v.status = 'active' and v.deleted_at is null
where f.id = $1::uuid
  and may_see($3, v.role <> 'member', m.sender_id, m.recipient_id, m.workout_assignment_id)
  and not exists (select from message_ledger l where l.message_id = m.id and l.erased_at is not null)

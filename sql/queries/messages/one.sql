-- One message as its viewer sees it: a party's, or a thread's for staff. No row: no such message, or not visible.
-- A deleted one comes as its row stands: the tombstone is made when it is shown.
select
  w.id, w.organization_id, w.sender_membership_id, w.sender_name, w.sender_role, w.recipient_membership_id,
  w.workout_assignment_id, w.content, w.created_at, w.read_at, w.edited_at, w.deleted_at, w.erased,
  case when w.sender_id = $3 then w.delivered end
from shown_messages w
join memberships v on v.user_id = $3::uuid and v.organization_id = w.organization_id and v.status = 'active' and v.deleted_at is null
where w.id = $1::uuid and w.organization_id = $2::uuid
  and ($3 in (w.sender_id, w.recipient_id) or (w.workout_assignment_id is not null and v.role <> 'member'))
  and not kept_from($3, w.workout_assignment_id)

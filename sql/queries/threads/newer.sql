-- Messages of a thread, oldest first, newer than the cursor ($3, $4); without those deleted.
select
  w.id, w.organization_id, w.sender_membership_id, w.sender_name, w.sender_role, w.recipient_membership_id,
  w.workout_assignment_id, w.content, w.created_at, w.read_at, w.edited_at, w.deleted_at, w.erased,
  case when w.sender_id = $1::uuid then w.delivered end
from (
  select m.id, m.created_at
  from messages m
  where m.workout_assignment_id = $2::uuid and m.deleted_at is null
    and (m.created_at, m.id) > ($3::timestamptz, $4::uuid)
  order by m.created_at, m.id
  limit $5) p
join shown_messages w on w.id = p.id
order by p.created_at, p.id

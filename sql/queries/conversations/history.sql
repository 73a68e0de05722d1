-- Direct messages of a pair, newest first, older than the cursor ($4, $5; null: from the newest); without those deleted.
select
  w.id, w.organization_id, w.sender_membership_id, w.sender_name, w.sender_role, w.recipient_membership_id,
  w.workout_assignment_id, w.content, w.created_at, w.read_at, w.edited_at, w.deleted_at, w.erased,
  case when w.sender_id = $1 then w.delivered end
from message_ledger l
join shown_messages w on w.id = l.message_id and w.deleted_at is null
where l.low_user_id = least($1::uuid, $3::uuid) and l.high_user_id = greatest($1, $3) and l.organization_id = $2::uuid
  and l.workout_assignment_id is null
  and (l.created_at, l.message_id) < (coalesce($4::timestamptz, 'infinity'), $5::uuid)  -- not "or": the index begins there
order by l.created_at desc, l.message_id desc
limit $6

-- Direct messages of a pair, newest first, older than the cursor ($4, $5; null: from the newest); without those deleted.
select w.*
from message_ledger l
cross join lateral shown_to(l.message_id, $1) w
where l.low_user_id = least($1::uuid, $3::uuid) and l.high_user_id = greatest($1, $3) and l.organization_id = $2::uuid
  and l.workout_assignment_id is null and w.deleted_at is null
  and (l.created_at, l.message_id) < (coalesce($4::timestamptz, 'infinity'), $5::uuid)  -- not "or": the index begins there
order by l.created_at desc, l.message_id desc
limit $6

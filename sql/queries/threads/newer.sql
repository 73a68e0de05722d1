-- Messages of a thread, oldest first, newer than the cursor ($3, $4); without those deleted.
select w.*
from (
  select m.id, m.created_at
  from messages m
  where m.workout_assignment_id = $2::uuid and m.deleted_at is null
    and (m.created_at, m.id) > ($3::timestamptz, $4::uuid)
  order by m.created_at, m.id
  limit $5) p
cross join lateral shown_to(p.id, $1::uuid) w
order by p.created_at, p.id

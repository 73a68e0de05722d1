-- Messages of a thread, newest first, older than the cursor ($3, $4); without those deleted.
select w.*
from (
  select m.id, m.created_at
  from messages m
  where m.workout_assignment_id = $2::uuid and m.deleted_at is null
    and (m.created_at, m.id)
      < (coalesce($3::timestamptz, 'infinity'), coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
  order by m.created_at desc, m.id desc
  limit $5) p
cross join lateral shown_to(p.id, $1::uuid) w
order by p.created_at desc, p.id desc

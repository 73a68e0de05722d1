-- Who is to do what, latest day first, from the cursor ($7, $8) on: the caller's own published ones, and for staff ($3) all
-- others as well. $4: of this membership only; $5, $6: from and through these days.
with assigned as (
  select a.id, a.user_id, coalesce(a.snapshot_workout_id, a.workout_id) as workout_id, a.kind, a.date, a.status, a.published
  from workout_assignments a
  where a.user_id = $1::uuid and a.organization_id = $2::uuid and a.published and a.deleted_at is null
  union all
  select a.id, a.user_id, coalesce(a.snapshot_workout_id, a.workout_id), a.kind, a.date, a.status, a.published
  from workout_assignments a
  where $3::boolean and a.organization_id = $2 and a.user_id <> $1 and a.deleted_at is null)
select a.id, n.id, a.workout_id, w.title, a.kind::text, a.date, a.status::text, a.published
from assigned a
join memberships n on n.user_id = a.user_id and n.organization_id = $2
left join workouts w on w.id = a.workout_id
where ($4::uuid is null or n.id = $4) and ($5::date is null or a.date >= $5) and ($6::date is null or a.date <= $6)
  and ($7::date is null or (a.date, a.id) < ($7, $8::uuid))
order by a.date desc, a.id desc
limit $9

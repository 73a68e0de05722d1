-- A workout with its exercises in order: for staff ($4), and for whom it is assigned to and published. No row: no such workout
-- in that organization, or not visible.
select w.id, w.title, m.ids, m.names, m.sort_orders, m.prescriptions
from workouts w
cross join lateral (
  select array_agg(m.id order by m.sort_order, m.id) as ids, array_agg(m.name order by m.sort_order, m.id) as names,
    array_agg(m.sort_order order by m.sort_order, m.id) as sort_orders,
    array_agg(m.prescription::text order by m.sort_order, m.id) as prescriptions
  from workout_movements m
  where m.workout_id = w.id) m
where w.id = $3::uuid and w.organization_id = $2::uuid and w.deleted_at is null
  and ($4::boolean or exists (
    select from workout_assignments a
    where a.user_id = $1::uuid and a.organization_id = $2 and a.published and a.deleted_at is null
      and coalesce(a.snapshot_workout_id, a.workout_id) = w.id))

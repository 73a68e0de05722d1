-- A workout with its exercises in order: for staff ($4), and for whom it is assigned to and published: what was forked for them
-- as well as what it was forked from, as with its comments (`is_assigned`, migration 0013). No row: no such workout in that
-- organization, or not visible.
select w.id, w.title, m.ids, m.names, m.sort_orders, m.prescriptions
from workouts w
cross join lateral (
  select array_agg(m.id order by m.sort_order, m.id) as ids, array_agg(m.name order by m.sort_order, m.id) as names,
    array_agg(m.sort_order order by m.sort_order, m.id) as sort_orders,
    array_agg(m.prescription::text order by m.sort_order, m.id) as prescriptions
  from workout_movements m
  where m.workout_id = w.id) m
where w.id = $3::uuid and w.organization_id = $2::uuid and w.deleted_at is null
  and ($4::boolean or is_assigned($1::uuid, $2, w.id))

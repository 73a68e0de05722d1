-- How these users ($1) stand to these exercises ($2, parallel), a row each, in order: staff of the workout's organization, and
-- members to whom the workout is assigned and published (`is_assigned`, migration 0013). `organization_id` is null when there is
-- no such exercise. `gone`: its workout was deleted. Of a row that was taken away the last event still says whose it was.
select
  coalesce(w.organization_id, e.organization_id) as organization_id,
  m.role is not null and (m.role <> 'member' or is_assigned(t.user_id, w.organization_id, w.id)) as may,
  w.id is null or w.deleted_at is not null as gone
from unnest($1::uuid[], $2::uuid[]) with ordinality t (user_id, subject, ord)
left join lateral (
  select w.id, w.organization_id, w.deleted_at
  from workout_movements v
  join workouts w on w.id = v.workout_id
  where v.id = t.subject
  offset 0) w on true
left join lateral (
  select e.organization_id
  from topic_events e
  where w.id is null and e.topic = 'exercise:' || t.subject
  order by e.position desc
  limit 1) e on true
left join lateral (
  select m.role
  from memberships m
  join organizations o on o.id = m.organization_id and o.deleted_at is null
  where m.user_id = t.user_id and m.organization_id = coalesce(w.organization_id, e.organization_id)
    and m.status = 'active' and m.deleted_at is null
  offset 0) m on true
order by t.ord

-- How these users ($1) stand to these workout threads ($2, parallel), a row each, in order. `organization_id` is null when there
-- is no such assignment. `gone`: deleted, or for its member not published (any more), whatever their role. Of a row that was
-- taken away the last event still says whose thread it was.
select
  coalesce(a.organization_id, e.organization_id) as organization_id,
  m.role is not null and (m.role <> 'member' or coalesce(t.user_id in (a.user_id, e.low_user_id, e.high_user_id), false)) as may,
  a.id is null or a.deleted_at is not null or (a.user_id = t.user_id and not a.published) as gone
from unnest($1::uuid[], $2::uuid[]) with ordinality t (user_id, subject, ord)
left join lateral (
  select a.id, a.organization_id, a.user_id, a.published, a.deleted_at
  from workout_assignments a
  where a.id = t.subject
  offset 0) a on true
left join lateral (
  select e.organization_id, l.low_user_id, l.high_user_id
  from topic_events e
  left join message_ledger l on l.message_id = e.subject_ids[1]
  where a.id is null and e.topic = 'thread:' || t.subject
  order by e.position desc
  limit 1) e on true
left join lateral (
  select m.role
  from memberships m
  join organizations o on o.id = m.organization_id and o.deleted_at is null
  where m.user_id = t.user_id and m.organization_id = coalesce(a.organization_id, e.organization_id)
    and m.status = 'active' and m.deleted_at is null
  offset 0) m on true
order by t.ord

-- How these users ($1) stand to these members' values ($2: membership ids, parallel), a row each, in order: the member, and
-- active staff of that organization. `organization_id` is null when there is no such membership. `gone`: it is not active, or its
-- person is no more, so that nothing is recorded for it any more.
select
  n.organization_id,
  m.role is not null and (n.user_id = t.user_id or m.role <> 'member') as may,
  coalesce(n.status <> 'active' or n.deleted_at is not null, true) or u.id is null as gone
from unnest($1::uuid[], $2::uuid[]) with ordinality t (user_id, subject, ord)
left join lateral (
  select n.user_id, n.organization_id, n.status, n.deleted_at from memberships n where n.id = t.subject offset 0) n on true
left join living_users u on u.id = n.user_id
left join lateral (
  select m.role
  from memberships m
  join organizations o on o.id = m.organization_id and o.deleted_at is null
  where m.user_id = t.user_id and m.organization_id = n.organization_id and m.status = 'active' and m.deleted_at is null
  offset 0) m on true
order by t.ord

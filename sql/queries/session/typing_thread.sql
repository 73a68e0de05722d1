-- Who beside those who watch is told that the caller types in a thread: its member, while they are active and may see it;
-- nobody when the caller is its member. `visible` is false when there is no such thread for the caller. No row: the caller has
-- no active membership.
select s.id, a.id is not null, r.user_id
from memberships s
join organizations o on o.id = s.organization_id and o.deleted_at is null
left join lateral (
  select a.id, a.user_id, a.organization_id, a.published
  from workout_assignments a
  where a.id = $3::uuid and a.deleted_at is null and case when a.user_id = s.user_id then a.published else s.role <> 'member' end
  offset 0) a on a.organization_id = s.organization_id
left join memberships r on r.user_id = a.user_id and r.organization_id = s.organization_id and r.user_id <> s.user_id
  and a.published and r.status = 'active' and r.deleted_at is null
where s.user_id = $1::uuid and s.organization_id = $2::uuid and s.status = 'active' and s.deleted_at is null

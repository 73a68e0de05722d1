-- The caller's active membership in an organization. No row: none, whether the organization exists or not.
select m.id, m.role
from memberships m
join organizations o on o.id = m.organization_id and o.deleted_at is null
where m.user_id = $1::uuid and m.organization_id = $2::uuid and m.status = 'active' and m.deleted_at is null

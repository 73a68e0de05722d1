-- Where these users are active members, and whether as staff. No row for a user: nowhere.
select m.user_id, m.organization_id, m.id, m.role <> 'member'
from memberships m
join organizations o on o.id = m.organization_id and o.deleted_at is null
where m.user_id = any ($1::uuid[]) and m.status = 'active' and m.deleted_at is null

-- Where a client starts from: position first, then the memberships and what is unread, in one snapshot.
-- No row: no such user, or deleted. $2 narrows to one organization.
select
  (select epoch from stream_epoch),
  coalesce((select position from user_streams where user_id = $1::uuid), 0),
  array_agg(m.id order by m.id) filter (where m.id is not null),
  array_agg(m.organization_id order by m.id) filter (where m.id is not null),
  array_agg(m.role::text order by m.id) filter (where m.id is not null)
from users u
left join lateral (
  select m.* from memberships m
  join organizations o on o.id = m.organization_id and o.deleted_at is null
  where m.user_id = u.id and m.status = 'active' and m.deleted_at is null
    and ($2::uuid is null or m.organization_id = $2)) m on true
where u.id = $1 and u.deleted_at is null
group by u.id

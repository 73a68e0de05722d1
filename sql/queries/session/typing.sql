-- Who is told that the caller types to this membership. `recipient_id` is null when the two may not write to each other
-- directly. No row: the caller has no active membership, or there is no such recipient.
select
  s.id as sender_membership_id,
  case when r.user_id <> s.user_id and not (s.role = 'member' and r.role = 'member') then r.user_id end as recipient_id
from memberships s
join organizations o on o.id = s.organization_id and o.deleted_at is null
join memberships r on r.id = $3::uuid and r.organization_id = s.organization_id and r.status = 'active' and r.deleted_at is null
where s.user_id = $1::uuid and s.organization_id = $2::uuid and s.status = 'active' and s.deleted_at is null

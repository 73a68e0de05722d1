-- Who is told that the caller types to this membership: `known` is false when there is nobody active of that id, and
-- `recipient_id` null when the two may not write to each other directly. No row: the caller has no active membership.
select
  s.id as sender_membership_id,
  r.id is not null as known,
  case when r.user_id <> s.user_id and not (s.role = 'member' and r.role = 'member') then r.user_id end as recipient_id
from memberships s
join organizations o on o.id = s.organization_id and o.deleted_at is null
left join memberships r on r.id = $3::uuid and r.organization_id = s.organization_id and r.status = 'active' and r.deleted_at is null
where s.user_id = $1::uuid and s.organization_id = $2::uuid and s.status = 'active' and s.deleted_at is null

-- What a reader may mark: one row a (request, message id), in the order asked.
-- A deleted message is still there as a tombstone: naming it is harmless, and marks nothing.
-- code: forbidden (no active membership, or addressed to somebody else) | not_found (unknown or not visible) | known
select
  case
    when v.id is null then 'forbidden'
    when m.id is null
      or (t.reader not in (m.sender_id, m.recipient_id) and (m.workout_assignment_id is null or v.role = 'member'))
      or kept_from(t.reader, m.workout_assignment_id)
      then 'not_found'
    when m.recipient_id <> t.reader then 'forbidden'
    else 'known' end
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) with ordinality t (reader, organization, id, ord)
left join lateral (
  select m.id, m.role from memberships m
  join organizations o on o.id = m.organization_id and o.deleted_at is null
  where m.user_id = t.reader and m.organization_id = t.organization and m.status = 'active' and m.deleted_at is null) v on true
left join messages m on m.id = t.id and m.organization_id = t.organization
order by t.ord

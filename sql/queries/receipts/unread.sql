-- The oldest unread direct messages of conversations: one row a request, in the order asked, with at most $5 ids each.
-- code: forbidden (no active membership) | not_found (no such partner, or `upTo` is no message of that conversation) | known
select
  case
    when v.id is null then 'forbidden'
    when p.id is null or (t.up_to is not null and b.message_id is null) then 'not_found'
    else 'known' end,
  case when v.id is not null and p.id is not null and (t.up_to is null or b.message_id is not null) then array(
    select m.id
    from (
      select m.id, m.created_at
      from messages m
      where m.recipient_id = t.reader and m.read_at is null and m.sender_id = p.user_id and m.organization_id = t.organization
        and m.workout_assignment_id is null and m.deleted_at is null
      offset 0) m   -- in order, what is read already would be read through
    where t.up_to is null or (m.created_at, m.id) <= (b.created_at, b.message_id)
    order by m.created_at, m.id
    limit $5) else '{}'::uuid[] end
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) with ordinality t (reader, organization, partner, up_to, ord)
left join lateral (
  select m.id from memberships m
  join organizations o on o.id = m.organization_id and o.deleted_at is null
  where m.user_id = t.reader and m.organization_id = t.organization and m.status = 'active' and m.deleted_at is null) v on true
left join memberships p on p.id = t.partner and p.organization_id = t.organization and p.user_id <> t.reader
left join message_ledger b on b.message_id = t.up_to and b.organization_id = t.organization
  and b.low_user_id = least(t.reader, p.user_id) and b.high_user_id = greatest(t.reader, p.user_id) and b.workout_assignment_id is null
order by t.ord

-- The oldest unread messages of threads that are addressed to the reader: one row a request, in the order asked, with at most
-- $5 ids each; and through which message staff have seen it by that (null: nothing there, or the reader is its member).
-- code: forbidden (no active membership) | not_found (no such thread, or `upTo` is no message of it) | known
-- (The `case` keeps the planner from all that the reader has not read anywhere.)
select
  case
    when v.id is null then 'forbidden'
    when a.id is null or (t.up_to is not null and b.message_id is null) then 'not_found'
    else 'known' end,
  case when t.up_to is null or b.message_id is not null then array(
    select m.id from messages m
    where m.workout_assignment_id = a.id
      and case when m.recipient_id = t.reader then coalesce(m.read_at, m.deleted_at) is null end
      and (t.up_to is null or (m.created_at, m.id) <= (b.created_at, b.message_id))
    order by m.created_at, m.id
    limit $5) else '{}'::uuid[] end,
  coalesce(b.created_at, n.created_at), coalesce(b.message_id, n.id)
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) with ordinality t (reader, organization, assignment, up_to, ord)
left join lateral (
  select m.id, m.role from memberships m
  join organizations o on o.id = m.organization_id and o.deleted_at is null
  where m.user_id = t.reader and m.organization_id = t.organization and m.status = 'active' and m.deleted_at is null) v on true
left join lateral (
  select a.id, a.user_id, a.organization_id
  from workout_assignments a
  where a.id = case when v.id is not null then t.assignment end and a.deleted_at is null
    and case when a.user_id = t.reader then a.published else v.role <> 'member' end
  offset 0) a on a.organization_id = t.organization
left join message_ledger b on b.message_id = t.up_to and b.workout_assignment_id = a.id
left join lateral (
  select m.created_at, m.id
  from messages m
  where m.workout_assignment_id = a.id and a.user_id <> t.reader and t.up_to is null
  order by m.created_at desc, m.id desc
  limit 1) n on true
order by t.ord

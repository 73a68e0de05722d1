-- The caller's conversations, newest first, from the cursor ($3, $4) on; each probes its pair's index for the newest message
-- that is not deleted. One whose messages are all deleted stays, at the time of its first message.
with page as (
  select p.*, m.id as membership_id, m.role::text as role, l.message_id, coalesce(l.created_at, p.first_message_at) as last_at
  from (
    select c.organization_id, c.low_user_id, c.high_user_id, c.first_message_at,
      case when c.low_user_id = $1::uuid then c.high_user_id else c.low_user_id end as partner_id
    from conversations c
    where c.organization_id = $2::uuid and (c.low_user_id = $1 or c.high_user_id = $1)) p
  join memberships m on m.user_id = p.partner_id and m.organization_id = p.organization_id
  left join lateral (
    select l.message_id, l.created_at
    from message_ledger l
    join messages w on w.id = l.message_id and w.deleted_at is null
    where l.low_user_id = p.low_user_id and l.high_user_id = p.high_user_id and l.organization_id = p.organization_id
      and l.workout_assignment_id is null
    order by l.created_at desc, l.message_id desc
    limit 1) l on true
  where $3::timestamptz is null or (coalesce(l.created_at, p.first_message_at), m.id) < ($3, $4::uuid)
  order by last_at desc, membership_id desc
  limit $5),
unread as materialized (
  select n.sender_id, count(*) as count
  from messages n
  where n.recipient_id = $1 and n.read_at is null and n.organization_id = $2
    and n.workout_assignment_id is null and n.deleted_at is null
  group by n.sender_id)
select
  p.membership_id, person_name(u.first_name, u.last_name), p.role, u.image_url, p.last_at,
  coalesce(n.count, 0),
  w.*
from page p
join users u on u.id = p.partner_id
left join unread n on n.sender_id = p.partner_id
left join lateral shown_to(p.message_id, $1) w on true
order by p.last_at desc, p.membership_id desc

-- Threads in which something was said, those with the newest message first, from the cursor ($5, $6) on: of the caller's own
-- published workouts, and for staff ($3) of all others as well. One whose messages are all deleted stays, at the time of its
-- first one. $4: only those with something unread.
with addressed as materialized (
  select m.workout_assignment_id, count(*) as count
  from messages m
  where m.recipient_id = $1::uuid and m.read_at is null and m.organization_id = $2::uuid
    and m.workout_assignment_id is not null and m.deleted_at is null
  group by m.workout_assignment_id),
assigned as (
  select a.id, a.user_id, a.organization_id, coalesce(a.snapshot_workout_id, a.workout_id) as workout_id, a.date, a.published, true as own
  from workout_assignments a
  where a.user_id = $1 and a.organization_id = $2 and a.published and a.deleted_at is null
  union all
  select a.id, a.user_id, a.organization_id, coalesce(a.snapshot_workout_id, a.workout_id), a.date, a.published, false
  from workout_assignments a
  where $3::boolean and a.organization_id = $2 and a.user_id <> $1 and a.deleted_at is null),
page as (
  select a.*, l.id as message_id, coalesce(l.created_at, f.created_at) as last_at,
    case when a.published then coalesce(d.count, 0) else 0 end as mine,
    case when a.own then coalesce(d.count, 0) else c.count end as unread
  from assigned a
  cross join lateral (
    select m.created_at from messages m where m.workout_assignment_id = a.id order by m.created_at limit 1) f
  left join lateral (
    select m.id, m.created_at
    from messages m
    where m.workout_assignment_id = a.id and m.deleted_at is null
    order by m.created_at desc, m.id desc
    limit 1) l on true
  left join addressed d on d.workout_assignment_id = a.id
  left join thread_marks k on k.user_id = $1 and k.workout_assignment_id = a.id
  cross join lateral (
    select count(*) as count
    from messages m
    where not a.own and m.workout_assignment_id = a.id and m.deleted_at is null and m.sender_id <> $1
      and (m.created_at, m.id)
        > (coalesce(k.created_at, '-infinity'), coalesce(k.message_id, '00000000-0000-0000-0000-000000000000'))) c)
select
  p.id, n.id, p.workout_id, coalesce(o.title, ''), p.date, p.published, p.last_at, p.unread, p.mine,
  w.*
from (
  select * from page p
  where (not $4::boolean or p.unread > 0 or p.mine > 0)
    and ($5::timestamptz is null or (p.last_at, p.id) < ($5, $6::uuid))
  order by p.last_at desc, p.id desc
  limit $7) p
left join memberships n on n.user_id = p.user_id and n.organization_id = p.organization_id
left join workouts o on o.id = p.workout_id
left join lateral shown_to(p.message_id, $1) w on true
order by p.last_at desc, p.id desc

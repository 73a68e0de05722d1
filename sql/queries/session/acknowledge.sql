-- What devices have stored, and what of it in the foreground: $4, and with $5 all that was written of it before. Monotone, and
-- never past the head. What a user's farthest device has passed by that is delivered:
-- one row for each sender, organization and thread, with its newest message among the last $6 positions of the step. Told only
-- while both parties are active there and the recipient may see the thread.
with t as (
  select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::boolean[])
    t (user_id, device_id, position, foreground, opened)),
before as (
  select user_id, max(acked_position) as position
  from devices
  where user_id = any ($1)
  group by user_id),
moved as (
  update devices d
  set
    acked_position = greatest(d.acked_position, least(t.position, s.position)),
    foreground_position = greatest(
      d.foreground_position, least(t.foreground, s.position), case when t.opened then d.acked_position end),
    seen_at = now()
  from t
  join user_streams s on s.user_id = t.user_id
  where d.user_id = t.user_id and d.device_id = t.device_id
  returning d.user_id, d.acked_position as position),
steps as (
  select m.user_id, b.position as after, max(m.position) as through
  from moved m
  join before b on b.user_id = m.user_id
  where m.position > b.position
  group by m.user_id, b.position)
select distinct on (m.sender_id, m.organization_id, m.recipient_id, m.workout_assignment_id)
  m.sender_id, m.organization_id, rm.id, m.workout_assignment_id, m.id
from steps s
cross join lateral (
  select e.position, e.subject_ids[1] as message_id
  from stream_events e
  where e.user_id = s.user_id and e.position > greatest(s.after, s.through - $6) and e.position <= s.through
    and e.kind = 'message.created'
  offset 0) e  -- these positions by the index, and each message by its id: never all that somebody has
cross join lateral (select * from messages m where m.id = e.message_id offset 0) m
join organizations o on o.id = m.organization_id and o.deleted_at is null
join memberships sm on sm.user_id = m.sender_id and sm.organization_id = m.organization_id
  and sm.status = 'active' and sm.deleted_at is null
join memberships rm on rm.user_id = m.recipient_id and rm.organization_id = m.organization_id
  and rm.status = 'active' and rm.deleted_at is null
left join workout_assignments a on a.id = m.workout_assignment_id
where m.recipient_id = s.user_id
  and (m.workout_assignment_id is null or (a.deleted_at is null and (a.published or a.user_id <> m.recipient_id)))
order by m.sender_id, m.organization_id, m.recipient_id, m.workout_assignment_id, e.position desc

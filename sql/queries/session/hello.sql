-- A connection begins: the device's next session is taken, the head of the stream and what the welcome tells are read, in
-- one snapshot. The device unseen for longest goes when there are 50 others. No row: no such user, or deleted. Session 0: the
-- device is signed out, and the token ($3: when it was issued) is no newer. $4: it begins in the foreground, with all it has acked.
with me as (
  select id from living_users where id = $1::uuid),
device as (
  insert into devices (user_id, device_id, session, seen_at)
  select id, $2::uuid, 1, now() from me
  on conflict (user_id, device_id) do update
    set session = devices.session + 1, seen_at = now(),
      foreground_position = case when $4::boolean then devices.acked_position else devices.foreground_position end
    where devices.signed_out_at is null or devices.signed_out_at < $3::timestamptz
  returning session),
surplus as (
  delete from devices d
  using (
    select device_id from devices
    where user_id = $1 and device_id <> $2
    order by seen_at desc, device_id
    offset 49) s
  where d.user_id = $1 and d.device_id = s.device_id),
mine as (
  select m.id, m.organization_id, m.role
  from memberships m
  join organizations o on o.id = m.organization_id and o.deleted_at is null
  where m.user_id = $1 and m.status = 'active' and m.deleted_at is null),
unread as (
  select m.organization_id, count(*) as count
  from messages m
  join mine on mine.organization_id = m.organization_id
  left join workout_assignments a on a.id = m.workout_assignment_id
  where m.recipient_id = $1 and m.read_at is null and m.deleted_at is null
    and (m.workout_assignment_id is null or (a.published and a.deleted_at is null))
  group by m.organization_id)
select
  coalesce(device.session, 0),
  (select epoch from stream_epoch),
  coalesce((select position from user_streams where user_id = $1), 0),
  array(select id from mine order by id),
  array(select organization_id from mine order by id),
  array(select role::text from mine order by id),
  array(select organization_id from unread order by 1),
  array(select count from unread order by organization_id)
from me
left join device on true

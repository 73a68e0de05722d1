-- Where everybody connected here should be: one row. Users without a stream are left out; `replaced_*` are connections
-- ($2 to $4, parallel) whose device has a newer session by now, `session` being the newer one; `signed_out_*` those whose
-- device has signed out since, `session` being the last one that is.
select
  (select epoch from stream_epoch),
  array(  -- deleted, or not there at all
    select t.user_id from unnest($1::uuid[]) t (user_id)
    where not exists (select from users u where u.id = t.user_id and u.deleted_at is null)),
  s.user_ids, s.positions, d.user_ids, d.device_ids, d.sessions, o.user_ids, o.device_ids, o.sessions
from (
  select coalesce(array_agg(user_id), '{}') as user_ids, coalesce(array_agg(position), '{}') as positions
  from user_streams
  where user_id = any ($1::uuid[])) s,
(
  select coalesce(array_agg(d.user_id), '{}') as user_ids, coalesce(array_agg(d.device_id), '{}') as device_ids,
    coalesce(array_agg(d.session), '{}') as sessions
  from unnest($2::uuid[], $3::uuid[], $4::bigint[]) t (user_id, device_id, session)
  join devices d on d.user_id = t.user_id and d.device_id = t.device_id and d.session > t.session) d,
(
  select coalesce(array_agg(d.user_id), '{}') as user_ids, coalesce(array_agg(d.device_id), '{}') as device_ids,
    coalesce(array_agg(d.signed_out_session), '{}') as sessions
  from unnest($2::uuid[], $3::uuid[], $4::bigint[]) t (user_id, device_id, session)
  join devices d on d.user_id = t.user_id and d.device_id = t.device_id and d.signed_out_session >= t.session) o

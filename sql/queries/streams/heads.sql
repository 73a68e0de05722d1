-- Where everybody connected here should be, and the topics that are open here ($5): one row. Users and topics without a stream
-- are left out; `replaced_*` are connections ($2 to $4, parallel) whose device has a newer session by now, `session` being the
-- newer one; `signed_out_*` those whose device has signed out since, `session` being the last one that is.
-- Each is looked up by its own index, also when thousands are asked for at once: whole tables may be large.
select
  (select epoch from stream_epoch),
  array(  -- deleted, erased, or not there at all
    select t.user_id from unnest($1::uuid[]) t (user_id)
    where (select u.id from living_users u where u.id = t.user_id) is null),
  s.user_ids, s.positions, d.user_ids, d.device_ids, d.sessions, d.out_user_ids, d.out_device_ids, d.out_sessions,
  p.topics, p.positions
from (
  select coalesce(array_agg(s.user_id), '{}') as user_ids, coalesce(array_agg(s.position), '{}') as positions
  from unnest($1::uuid[]) t (user_id)
  cross join lateral (select s.user_id, s.position from user_streams s where s.user_id = t.user_id offset 0) s) s,
(
  select
    coalesce(array_agg(t.user_id) filter (where d.session > t.session), '{}') as user_ids,
    coalesce(array_agg(t.device_id) filter (where d.session > t.session), '{}') as device_ids,
    coalesce(array_agg(d.session) filter (where d.session > t.session), '{}') as sessions,
    coalesce(array_agg(t.user_id) filter (where d.signed_out_session >= t.session), '{}') as out_user_ids,
    coalesce(array_agg(t.device_id) filter (where d.signed_out_session >= t.session), '{}') as out_device_ids,
    coalesce(array_agg(d.signed_out_session) filter (where d.signed_out_session >= t.session), '{}') as out_sessions
  from unnest($2::uuid[], $3::uuid[], $4::bigint[]) t (user_id, device_id, session)
  cross join lateral (
    select d.session, d.signed_out_session from devices d where d.user_id = t.user_id and d.device_id = t.device_id offset 0) d) d,
(
  select coalesce(array_agg(s.topic), '{}') as topics, coalesce(array_agg(s.position), '{}') as positions
  from unnest($5::text[]) t (topic)
  cross join lateral (select s.topic, s.position from topic_streams s where s.topic = t.topic offset 0) s) p

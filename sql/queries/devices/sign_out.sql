-- A device signs out, and is pushed nothing any more; the row is made if there is none, so that it holds for who comes later
-- as well. The one unseen for longest goes when there are 50 others. Returns through which session. No row: it is signed out already, and this token
-- ($3: when it was issued) is no newer.
with device as (
  insert into devices as d (user_id, device_id, signed_out_at, signed_out_session)
  values ($1::uuid, $2::uuid, clock_timestamp(), 0)
  on conflict (user_id, device_id) do update
    set
      signed_out_at = clock_timestamp(), signed_out_session = d.session,
      push_endpoint = null, push_p256dh = null, push_auth = null
    where d.signed_out_at is null or d.signed_out_at < $3::timestamptz
  returning signed_out_session),
surplus as (
  delete from devices d
  using (
    select device_id from devices
    where user_id = $1 and device_id <> $2
    order by seen_at desc, device_id
    offset 49) s
  where d.user_id = $1 and d.device_id = s.device_id)
select signed_out_session from device

-- A device makes itself known; the one unseen for longest goes when there are 50 others.
-- $5: when the token was issued; $6: its subscription to Web Push is to become $7 to $9 (null: none); nobody else keeps that one.
-- No row: the device is signed out, and the token is no newer.
with device as (
  insert into devices as d (user_id, device_id, platform, language, push_endpoint, push_p256dh, push_auth)
  values ($1::uuid, $2::uuid, $3::text, $4::text, $7::text, $8::text, $9::text)
  on conflict (user_id, device_id) do update
    set
      platform = excluded.platform, language = excluded.language, seen_at = now(),
      push_endpoint = case when $6::boolean then excluded.push_endpoint else d.push_endpoint end,
      push_p256dh = case when $6 then excluded.push_p256dh else d.push_p256dh end,
      push_auth = case when $6 then excluded.push_auth else d.push_auth end
    where d.signed_out_at is null or d.signed_out_at < $5::timestamptz
  returning platform, language, push_endpoint is not null as web_push),
others as (
  update devices d
  set push_endpoint = null, push_p256dh = null, push_auth = null
  where d.push_endpoint = $7 and (d.user_id, d.device_id) <> ($1, $2) and exists (select from device)),
surplus as (
  delete from devices d
  using (
    select device_id from devices
    where user_id = $1 and device_id <> $2
    order by seen_at desc, device_id
    offset 49) s
  where d.user_id = $1 and d.device_id = s.device_id)
select platform, language, web_push from device

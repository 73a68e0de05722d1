-- A device makes itself known; the one unseen for longest goes when there are 50 others.
-- $5: when the token was issued. No row: the device is signed out, and the token is no newer.
with device as (
  insert into devices as d (user_id, device_id, platform, language)
  values ($1::uuid, $2::uuid, $3::text, $4::text)
  on conflict (user_id, device_id) do update
    set platform = excluded.platform, language = excluded.language, seen_at = now()
    where d.signed_out_at is null or d.signed_out_at < $5::timestamptz
  returning platform, language),
surplus as (
  delete from devices d
  using (
    select device_id from devices
    where user_id = $1 and device_id <> $2
    order by seen_at desc, device_id
    offset 49) s
  where d.user_id = $1 and d.device_id = s.device_id)
select platform, language from device

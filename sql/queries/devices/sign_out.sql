-- A device signs out; the row is made if there is none, so that it holds for who comes later as well. Returns through which
-- session. No row: it is signed out already, and this token ($3: when it was issued) is no newer.
insert into devices as d (user_id, device_id, signed_out_at, signed_out_session)
values ($1::uuid, $2::uuid, clock_timestamp(), 0)
on conflict (user_id, device_id) do update
  set signed_out_at = clock_timestamp(), signed_out_session = d.session
  where d.signed_out_at is null or d.signed_out_at < $3::timestamptz
returning signed_out_session

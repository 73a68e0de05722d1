-- The oldest upload that waits to be processed, or whose worker has let its time pass, for this many seconds. No row: none.
update uploads
set attempts = attempts + 1, taken_until = now() + make_interval(secs => $1)
where id = (
  select id
  from uploads
  where state = 'processing' and (taken_until is null or taken_until < now()) and created_at > now() - interval '900 seconds'
  order by created_at
  limit 1
  for update skip locked)
returning id, mime_type, upload_key, key, thumbnail_key, etag, attempts
